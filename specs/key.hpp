// How the tables of fields are written. See fields.hpp.
#pragma once

#include <string_view>

namespace ringfort::specs {

/// How a field is written.
struct Key {
  std::string_view name;
  std::string_view alias = {};
  bool is_required = false;

  // NOLINTNEXTLINE(google-explicit-constructor): so that the tables below read as tables.
  constexpr Key(const char* text) : name(text) {}
  constexpr Key(std::string_view text, std::string_view other, bool required)
      : name(text), alias(other), is_required(required) {}
};

constexpr Key required(std::string_view name) { return {name, {}, true}; }
constexpr Key also(std::string_view name, std::string_view alias) { return {name, alias, false}; }

template <class T>
struct Type {};
template <class T>
inline constexpr Type<T> type{};

/// `fields(type<X>, visitor, a, b...)` calls `visitor(key, a.field, b.field...)` for each field.
#define RINGFORT_FIELDS(Struct)  \
  template <class V, class... S> \
  void fields(Type<Struct>, [[maybe_unused]] V& v, [[maybe_unused]] S&... s)

}  // namespace ringfort::specs
