#include "ringfort/specs/field_reader.hpp"

#include "ringfort/specs/names.hpp"
#include "ringfort/specs/nearest.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace ringfort::specs {
namespace {

/// Beyond it more lines help nobody; it bounds time and memory for a document of nothing but
/// errors.
constexpr std::size_t most_problems = 100;

std::string_view name_of(NodeKind kind) {
  switch (kind) {
    case NodeKind::Null:
      return "nothing";
    case NodeKind::Plain:
    case NodeKind::Quoted:
      return "text";
    case NodeKind::List:
      return "a list";
    case NodeKind::Map:
      return "a mapping";
  }
  return "nothing";
}

/// What stands there, for people: `the text "x"`, `a list`.
std::string shown(const TreeNode& node) {
  if (!node.is_scalar()) return std::string{name_of(node.kind)};
  return "the text \"" + printable(node.text, 60) + "\"";
}

/// "01" and "0x1f" mean different numbers to different readers, so neither is taken.
bool is_ambiguous(std::string_view digits) {
  if (digits.starts_with('-')) digits.remove_prefix(1);
  return digits.size() > 1 && digits.front() == '0' && digits[1] != '.';
}

template <class T>
std::optional<T> to_number(std::string_view text) {
  T value{};
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || is_ambiguous(text)) return std::nullopt;
  return value;
}

bool is_whole(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && !is_ambiguous(text) &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Place FieldReader::root(const TreeNode& node) {
  positions_.set("", node.at);
  return {node, ""};
}

Place FieldReader::below(const Place& place, const Entry& entry) {
  Place child{*entry.value, place.path};
  if (!child.path.empty()) child.path += '.';
  child.path += printable(entry.key, 80);
  // A mapping or list is found by its key, a text by itself.
  positions_.set(child.path, child.node.is_scalar() ? child.node.at : entry.at);
  return child;
}

Place FieldReader::element(const Place& place, const TreeNode& node, std::size_t index) {
  Place child{node, place.path + "[" + std::to_string(index) + "]"};
  positions_.set(child.path, node.at);
  return child;
}

Position FieldReader::position(const Place& place) const { return positions_.find(place.path); }

void FieldReader::complain(Position at, std::string path, std::string what, std::string instead) {
  if (problems_.size() >= most_problems) return;
  if (problems_.size() + 1 == most_problems) {
    what = "more is wrong from here on";
    instead = "mend what is above first";
  }
  problems_.push_back({positions_.file(), at.line, at.column, std::move(path), std::move(what),
                       std::move(instead)});
}

void FieldReader::complain(const Place& place, std::string what, std::string instead) {
  complain(position(place), place.path, std::move(what), std::move(instead));
}

bool FieldReader::expect(const Place& place, NodeKind kind) {
  if (place.node.kind == kind) return true;
  const bool is_list = kind == NodeKind::List;
  complain(place, "expects " + std::string{name_of(kind)} + ", not " + shown(place.node),
           is_list ? "write [a, b], or [] for none" : "write key: value below it");
  return false;
}

std::optional<std::string_view> FieldReader::plain(const Place& place, std::string_view wanted) {
  if (place.node.kind == NodeKind::Plain) return place.node.text;
  const bool is_quoted = place.node.kind == NodeKind::Quoted;
  complain(place, "expects " + std::string{wanted} + ", not " + shown(place.node),
           is_quoted ? "write it without quotes" : "write " + std::string{wanted});
  return std::nullopt;
}

void FieldReader::read(const Place& place, std::string& out) {
  if (place.node.is_scalar()) {
    out = place.node.text;
  } else if (place.node.kind == NodeKind::Null) {
    complain(place, "has no value", "write a text, \"\" for an empty one, or remove the key");
  } else {
    complain(place, "expects a text, not " + shown(place.node), "write a text");
  }
}

void FieldReader::read(const Place& place, bool& out) {
  const auto text = plain(place, "true or false");
  if (!text) return;
  if (*text == "true" || *text == "false") {
    out = *text == "true";
  } else {
    complain(place, "expects true or false, not " + shown(place.node), "write true or false");
  }
}

void FieldReader::read(const Place& place, double& out) {
  const auto text = plain(place, "a number");
  if (!text) return;
  const auto number = to_number<double>(*text);
  if (number && std::isfinite(*number)) {
    out = *number;
  } else {
    complain(place, "expects a number, not " + shown(place.node), "write a number such as 1.5");
  }
}

void FieldReader::read(const Place& place, Bytes& out) {
  if (!place.node.is_scalar()) {
    complain(place, "expects a size, not " + shown(place.node), "write a size such as 512Mi");
  } else if (const auto bytes = parse_bytes(place.node.text)) {
    out = *bytes;
  } else {
    complain(place, bytes.error().what, bytes.error().hint);
  }
}

void FieldReader::read(const Place& place, Duration& out) {
  if (!place.node.is_scalar()) {
    complain(place, "expects a duration, not " + shown(place.node), "write one such as 30s");
  } else if (const auto duration = parse_duration(place.node.text)) {
    out = *duration;
  } else {
    complain(place, duration.error().what, duration.error().hint);
  }
}

void FieldReader::read(const Place& place, Affinity& out) {
  static constexpr auto pin = word_list("pin");
  if (place.node.kind == NodeKind::Map) {
    const Entry* entry = only_entry(place, pin);
    if (entry == nullptr) return;
    out.kind = AffinityKind::Pin;
    read(below(place, *entry), out.pin);
    return;
  }
  static constexpr auto plain_kinds = word_list("spread", "pack");
  if (const auto index = one_of(place, plain_kinds)) {
    out = {static_cast<AffinityKind>(*index), {}};
  }
}

void FieldReader::read(const Place& place, NetworkMode& out) {
  static constexpr auto named = word_list("bridge", "container");
  if (place.node.kind == NodeKind::Map) {
    const Entry* entry = only_entry(place, named);
    if (entry == nullptr) return;
    const bool is_bridge = entry->key == "bridge";
    out.kind = is_bridge ? NetworkModeKind::Bridge : NetworkModeKind::Container;
    const auto inner = below(place, *entry);
    // Written {bridge: NAME} or {bridge: {name: NAME}}, {container: {id: ID}}.
    if (inner.node.kind != NodeKind::Map) return read(inner, out.name);
    const std::string_view key = is_bridge ? "name" : "id";
    if (const Entry* name = only_entry(inner, {&key, 1})) read(below(inner, *name), out.name);
    return;
  }
  const std::string_view text = place.node.is_scalar() ? std::string_view{place.node.text} : "";
  const auto colon = text.find(':');
  for (const auto kind : {NetworkModeKind::Bridge, NetworkModeKind::Container}) {
    if (colon == std::string_view::npos || text.substr(0, colon) != word(kind)) continue;
    out = {kind, std::string{text.substr(colon + 1)}};
    if (!out.name.empty()) return;
    complain(place, "names nothing after the colon", "write " + std::string{word(kind)} + ":NAME");
    return;
  }
  if (const auto index = one_of(place, words<NetworkModeKind>)) {
    out = {static_cast<NetworkModeKind>(*index), {}};
    if (out.kind != NetworkModeKind::Container) return;
    complain(place, "does not say which container", "write container:ID");
  }
}

void FieldReader::read(const Place& place, Ulimit& out) {
  if (!expect(place, NodeKind::Map)) return;
  std::optional<std::int64_t> soft;
  std::optional<std::int64_t> hard;
  Members members{*this, place, {}};
  members("soft", soft);
  members("hard", hard);
  members.refuse_unknown();
  if (!soft && !hard) complain(place, "has neither soft nor hard", "write soft: 1024");
  out.soft = soft.value_or(hard.value_or(0));
  out.hard = hard.value_or(out.soft);
}

std::optional<std::uint64_t> FieldReader::unsigned_number(const Place& place, std::uint64_t most) {
  const auto text = plain(place, "a whole number");
  if (!text) return std::nullopt;
  const auto number = to_number<std::uint64_t>(*text);
  if (number && *number <= most) return number;
  if (is_whole(*text)) {
    complain(place, std::string{*text}.substr(0, 40) + " is out of range",
             "write a number from 0 to " + std::to_string(most));
  } else {
    complain(place, "expects a whole number, not " + shown(place.node),
             "write decimal digits without leading zeros");
  }
  return std::nullopt;
}

std::optional<std::int64_t> FieldReader::signed_number(const Place& place, std::int64_t least,
                                                       std::int64_t most) {
  const auto text = plain(place, "a whole number");
  if (!text) return std::nullopt;
  const auto number = to_number<std::int64_t>(*text);
  if (number && *number >= least && *number <= most) return number;
  if (is_whole(*text)) {
    complain(place, std::string{*text}.substr(0, 40) + " is out of range",
             "write a number from " + std::to_string(least) + " to " + std::to_string(most));
  } else {
    complain(place, "expects a whole number, not " + shown(place.node),
             "write decimal digits without leading zeros");
  }
  return std::nullopt;
}

std::optional<std::size_t> FieldReader::one_of(const Place& place,
                                               std::span<const std::string_view> words) {
  const TreeNode& node = place.node;
  const auto found = std::find(words.begin(), words.end(), node.text);
  if (node.is_scalar() && found != words.end()) {
    return static_cast<std::size_t>(found - words.begin());
  }
  const auto what = node.is_scalar() ? shown(node) + " is none of the words that can stand here"
                                     : "expects a word, not " + shown(node);
  complain(place, what, suggestion(node.is_scalar() ? node.text : "", words));
  return std::nullopt;
}

std::optional<std::size_t> FieldReader::kind_of(const Place& place, std::string_view tag,
                                                std::span<const std::string_view> kinds) {
  for (const auto& entry : place.node.entries) {
    if (entry.key == tag) return one_of(below(place, entry), kinds);
  }
  complain(position(place), place.path + "." + std::string{tag}, "is missing",
           suggestion("", kinds));
  return std::nullopt;
}

const Entry* FieldReader::only_entry(const Place& place, std::span<const std::string_view> names) {
  for (const auto& entry : place.node.entries) {
    if (std::find(names.begin(), names.end(), entry.key) == names.end()) {
      complain(entry.at, place.path, "unknown key \"" + printable(entry.key, 60) + "\"",
               suggestion(entry.key, names));
      return nullptr;
    }
  }
  if (place.node.entries.size() == 1) return &place.node.entries.front();
  complain(place, "expects exactly one key", suggestion("", names));
  return nullptr;
}

FieldReader::Members::Members(FieldReader& reader, const Place& place, std::string_view tag)
    : reader_(reader), place_(place) {
  if (!tag.empty()) known_.push_back(tag);
}

const Entry* FieldReader::Members::find(std::string_view name) const {
  for (const auto& entry : place_.node.entries) {
    if (entry.key == name) return &entry;
  }
  return nullptr;
}

const Entry* FieldReader::Members::take(const Key& key) {
  known_.push_back(key.name);
  const Entry* entry = find(key.name);
  if (!key.alias.empty()) {
    known_.push_back(key.alias);
    const Entry* other = find(key.alias);
    if (entry != nullptr && other != nullptr) {
      reader_.complain(reader_.below(place_, *other),
                       "means the same as " + std::string{key.name} + ", which is given too",
                       "remove one");
    }
    if (entry == nullptr) entry = other;
  }
  if (entry == nullptr && key.is_required) {
    const auto dot = place_.path.empty() ? "" : ".";
    reader_.complain(reader_.position(place_), place_.path + dot + std::string{key.name},
                     "is missing", "write " + std::string{key.name} + ": and a value");
  }
  return entry;
}

void FieldReader::Members::refuse_unknown() {
  for (const auto& entry : place_.node.entries) {
    // Suggestions cost too much to be made for nobody.
    if (reader_.problems_.size() >= most_problems) return;
    if (std::find(known_.begin(), known_.end(), entry.key) != known_.end()) continue;
    reader_.complain(entry.at, place_.path, "unknown key \"" + printable(entry.key, 60) + "\"",
                     suggestion(entry.key, known_));
  }
}

}  // namespace ringfort::specs
