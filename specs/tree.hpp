// A document as a tree of texts with positions, bounded in size: what YAML and JSON are both read
// into, before anybody asks what the texts mean. Holds no library's types.
#pragma once

#include "ringfort/specs/problem.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace ringfort::specs {

struct TreeNode;
using NodePtr = std::shared_ptr<const TreeNode>;

struct Entry {
  std::string key;
  Position at;
  NodePtr value;
};

enum class NodeKind { Null, Plain, Quoted, List, Map };

struct TreeNode {
  NodeKind kind = NodeKind::Null;
  Position at;
  std::string text;            ///< of Plain and Quoted, as written
  std::vector<NodePtr> items;  ///< of List
  std::vector<Entry> entries;  ///< of Map, keys unique
  // What this node costs a reader who follows every alias.
  std::size_t nodes = 1;
  std::size_t bytes = 0;
  std::size_t height = 1;

  bool is_scalar() const { return kind == NodeKind::Plain || kind == NodeKind::Quoted; }
};

namespace limits {
inline constexpr std::size_t document_bytes = std::size_t{1024} * 1024;
inline constexpr std::size_t depth = 64;
inline constexpr std::size_t nodes = 50'000;  ///< aliases counted as what they stand for
inline constexpr std::size_t bytes = 4 * document_bytes;  ///< likewise
}  // namespace limits

/// Builds a tree from a parser's events. Each call says whether to go on; after a `false` the
/// reason is the last of `problems()`.
class TreeBuilder {
 public:
  using Anchor = std::size_t;  ///< 0 = none

  explicit TreeBuilder(std::string file) : file_(std::move(file)) {}

  bool null(Position at, Anchor anchor = 0);
  bool scalar(Position at, std::string text, NodeKind kind, Anchor anchor = 0);
  bool begin(Position at, NodeKind kind, Anchor anchor = 0);
  bool end();
  bool alias(Position at, Anchor anchor);
  bool refuse(Position at, std::string what, std::string instead);

  NodePtr root() const { return root_; }
  /// Duplicate keys are collected here; they do not stop the building.
  Problems& problems() { return problems_; }

 private:
  struct Open {
    std::shared_ptr<TreeNode> node;
    Anchor anchor = 0;
    bool expects_key = false;
    std::map<std::string, int> lines_of_keys;
  };

  bool add(NodePtr node, Anchor anchor);
  bool add_key(Position at, std::string text);
  bool charge(const TreeNode& node);
  bool is_key_next() const { return !open_.empty() && open_.back().expects_key; }

  std::string file_;
  std::vector<Open> open_;
  std::map<Anchor, NodePtr> anchored_;
  NodePtr root_;
  Problems problems_;
  std::size_t nodes_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace ringfort::specs
