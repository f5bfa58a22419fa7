// Reads a tree into typed values by the tables of fields.hpp and collects every problem on the way.
#pragma once

#include "ringfort/specs/fields.hpp"
#include "ringfort/specs/tree.hpp"
#include "ringfort/specs/words.hpp"

#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace ringfort::specs {

/// A value of the document and what it is called.
struct Place {
  const TreeNode& node;
  std::string path;
};

class FieldReader {
 public:
  explicit FieldReader(std::string file) : positions_(std::move(file)) {}

  /// Where a document begins.
  Place root(const TreeNode& node);

  void read(const Place& place, std::string& out);
  void read(const Place& place, bool& out);
  void read(const Place& place, double& out);
  void read(const Place& place, Bytes& out);
  void read(const Place& place, Duration& out);
  void read(const Place& place, Affinity& out);
  void read(const Place& place, NetworkMode& out);
  void read(const Place& place, Ulimit& out);

  template <std::unsigned_integral T>
  void read(const Place& place, T& out) {
    if (const auto number = unsigned_number(place, std::numeric_limits<T>::max())) {
      out = static_cast<T>(*number);
    }
  }
  template <std::signed_integral T>
  void read(const Place& place, T& out) {
    using Limits = std::numeric_limits<T>;
    if (const auto number = signed_number(place, Limits::min(), Limits::max())) {
      out = static_cast<T>(*number);
    }
  }
  template <Worded E>
  void read(const Place& place, E& out) {
    if (const auto index = one_of(place, words<E>)) out = static_cast<E>(*index);
  }
  template <class T>
  void read(const Place& place, std::optional<T>& out) {
    read(place, out.emplace());
  }
  template <class T>
  void read(const Place& place, std::vector<T>& out) {
    if (!expect(place, NodeKind::List)) return;
    out.clear();
    for (const auto& item : place.node.items) {
      const auto child = element(place, *item, out.size());
      read(child, out.emplace_back());
    }
  }
  template <class T>
  void read(const Place& place, std::map<std::string, T>& out) {
    if (!expect(place, NodeKind::Map)) return;
    out.clear();
    for (const auto& entry : place.node.entries) read(below(place, entry), out[entry.key]);
  }
  template <Struct T>
  void read(const Place& place, T& out) {
    if (!expect(place, NodeKind::Map)) return;
    Members members{*this, place, {}};
    fields(type<T>, members, out);
    members.refuse_unknown();
  }
  template <Tagged T>
  void read(const Place& place, T& out) {
    if (!expect(place, NodeKind::Map)) return;
    const auto kind = kind_of(place, Tag<T>::key, Tag<T>::kinds);
    if (kind) read_kind(place, *kind, out, std::make_index_sequence<std::variant_size_v<T>>{});
  }

  PositionMap& positions() { return positions_; }
  Problems& problems() { return problems_; }

 private:
  /// The fields of one mapping: remembers which keys the table has asked for.
  class Members {
   public:
    Members(FieldReader& reader, const Place& place, std::string_view tag);

    template <class T>
    void operator()(const Key& key, T& out) {
      if (const Entry* entry = take(key)) reader_.read(reader_.below(place_, *entry), out);
    }
    /// A switch that stands for a value of another field.
    template <class Apply, class S>
    void shorthand(const Key& key, Apply apply, S& out) {
      bool is_on = false;
      (*this)(key, is_on);
      if (is_on) apply(out);
    }
    void refuse_unknown();

   private:
    const Entry* take(const Key& key);
    const Entry* find(std::string_view name) const;

    FieldReader& reader_;
    const Place& place_;
    std::vector<std::string_view> known_;
  };

  template <class T, std::size_t... I>
  void read_kind(const Place& place, std::size_t kind, T& out, std::index_sequence<I...>) {
    ((kind == I ? read_members(place, Tag<T>::key, out.template emplace<I>()) : void()), ...);
  }
  template <Struct T>
  void read_members(const Place& place, std::string_view tag, T& out) {
    Members members{*this, place, tag};
    fields(type<T>, members, out);
    members.refuse_unknown();
  }

  Place below(const Place& place, const Entry& entry);
  Place element(const Place& place, const TreeNode& node, std::size_t index);
  Position position(const Place& place) const;

  void complain(Position at, std::string path, std::string what, std::string instead);
  void complain(const Place& place, std::string what, std::string instead);

  bool expect(const Place& place, NodeKind kind);
  /// The text of a plain value; complains that `wanted` was expected when there is none.
  std::optional<std::string_view> plain(const Place& place, std::string_view wanted);
  std::optional<std::uint64_t> unsigned_number(const Place& place, std::uint64_t most);
  std::optional<std::int64_t> signed_number(const Place& place, std::int64_t least,
                                            std::int64_t most);
  std::optional<std::size_t> one_of(const Place& place, std::span<const std::string_view> words);
  std::optional<std::size_t> kind_of(const Place& place, std::string_view tag,
                                     std::span<const std::string_view> kinds);
  /// The entry of a mapping with exactly one key, which is one of `names`.
  const Entry* only_entry(const Place& place, std::span<const std::string_view> names);

  PositionMap positions_;
  Problems problems_;
};

/// The value is complete only if there are no problems.
template <class T>
struct Read {
  T value;
  PositionMap positions;
  Problems problems;
};

template <class T>
Read<T> read_tree(const TreeNode& tree, const std::string& file) {
  Read<T> result;
  FieldReader reader{file};
  reader.read(reader.root(tree), result.value);
  result.positions = std::move(reader.positions());
  result.problems = std::move(reader.problems());
  return result;
}

}  // namespace ringfort::specs
