#include "ringfort/specs/tree.hpp"

#include "ringfort/specs/names.hpp"
#include "ringfort/specs/units.hpp"

#include <algorithm>

namespace ringfort::specs {

bool TreeBuilder::null(Position at, Anchor anchor) {
  if (is_key_next()) return refuse(at, "a key is empty", "write a name before the colon");
  auto node = std::make_shared<TreeNode>();
  node->at = at;
  return charge(*node) && add(std::move(node), anchor);
}

bool TreeBuilder::scalar(Position at, std::string text, NodeKind kind, Anchor anchor) {
  // Names and arguments end up in system calls, which would take the NUL for the end.
  if (text.find('\0') != std::string::npos) {
    return refuse(at, "the text \"" + printable(text, 40) + "\" has a NUL byte", "remove the \\0");
  }
  if (is_key_next()) return add_key(at, std::move(text));
  auto node = std::make_shared<TreeNode>();
  node->kind = kind;
  node->at = at;
  node->bytes = text.size();
  node->text = std::move(text);
  return charge(*node) && add(std::move(node), anchor);
}

bool TreeBuilder::begin(Position at, NodeKind kind, Anchor anchor) {
  if (is_key_next()) return refuse(at, "a key is a list or a mapping", "write a name as key");
  if (open_.size() >= limits::depth) {
    return refuse(at, "the document is nested more than " + std::to_string(limits::depth) + " deep",
                  "write it flatter");
  }
  auto node = std::make_shared<TreeNode>();
  node->kind = kind;
  node->at = at;
  if (!charge(*node)) return false;
  open_.push_back({std::move(node), anchor, kind == NodeKind::Map, {}});
  return true;
}

bool TreeBuilder::end() {
  auto closed = std::move(open_.back());
  open_.pop_back();
  return add(std::move(closed.node), closed.anchor);
}

bool TreeBuilder::alias(Position at, Anchor anchor) {
  if (is_key_next()) return refuse(at, "a key is an alias", "write a name as key");
  const auto found = anchored_.find(anchor);
  // An anchor is known once its value is complete, so a value that holds itself ends here.
  if (found == anchored_.end()) {
    return refuse(at, "an alias stands inside the value that it names", "write the value out");
  }
  if (open_.size() + found->second->height > limits::depth) {
    return refuse(at,
                  "aliases nest the document more than " + std::to_string(limits::depth) + " deep",
                  "write it flatter");
  }
  return charge(*found->second) && add(found->second, 0);
}

bool TreeBuilder::refuse(Position at, std::string what, std::string instead) {
  problems_.push_back({file_, at.line, at.column, {}, std::move(what), std::move(instead)});
  return false;
}

bool TreeBuilder::add(NodePtr node, Anchor anchor) {
  if (anchor != 0) anchored_[anchor] = node;
  if (open_.empty()) {
    root_ = std::move(node);
    return true;
  }
  auto& top = open_.back();
  top.node->nodes += node->nodes;
  top.node->bytes += node->bytes;
  top.node->height = std::max(top.node->height, node->height + 1);
  if (top.node->kind == NodeKind::Map) {
    top.node->entries.back().value = std::move(node);
    top.expects_key = true;
  } else {
    top.node->items.push_back(std::move(node));
  }
  return true;
}

bool TreeBuilder::add_key(Position at, std::string text) {
  auto& top = open_.back();
  const auto [first, is_new] = top.lines_of_keys.emplace(text, at.line);
  if (!is_new) {
    const auto where = at.line > 0 ? "; the first is in line " + std::to_string(first->second) : "";
    refuse(at, "the key \"" + printable(text, 60) + "\" is given twice" + where, "remove one");
    // A document of nothing but duplicates says the same thing a thousand times.
    if (problems_.size() >= 100) return false;
  }
  TreeNode cost;
  cost.bytes = text.size();
  cost.nodes = 0;
  if (!charge(cost)) return false;
  top.node->bytes += text.size();
  top.node->entries.push_back({std::move(text), at, nullptr});
  top.expects_key = false;
  return true;
}

bool TreeBuilder::charge(const TreeNode& node) {
  nodes_ += node.nodes;
  bytes_ += node.bytes;
  if (nodes_ <= limits::nodes && bytes_ <= limits::bytes) return true;
  return refuse(node.at,
                "the document holds more than " + std::to_string(limits::nodes) + " values or " +
                    to_string(Bytes{limits::bytes}) + " of text, aliases written out",
                "split it, or use fewer aliases");
}

}  // namespace ringfort::specs
