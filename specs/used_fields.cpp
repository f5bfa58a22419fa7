#include "ringfort/specs/used_fields.hpp"

#include "ringfort/specs/fields.hpp"
#include "ringfort/specs/scalar_text.hpp"
#include "ringfort/specs/words.hpp"

#include <concepts>
#include <optional>
#include <variant>
#include <vector>

namespace ringfort::specs {
namespace {

/// What an element of a list is compared with.
template <class T>
T standard_of() {
  return {};
}
/// `healthy` is the schema's default and still asks for something, so it counts as said.
template <>
Depends standard_of<Depends>() {
  Depends depends;
  depends.condition = DependsCondition::Started;
  return depends;
}

class Collector {
 public:
  Collector(UsedFields& used, std::string prefix) : used_(used), prefix_(std::move(prefix)) {}

  template <class T>
  void operator()(const Key& key, const T& value, const T& standard) {
    if (value != standard) collect(prefix_ + std::string{key.name}, value, standard);
  }
  template <class Apply, class S>
  void shorthand(const Key&, Apply, S&, S&) {}

 private:
  template <class T>
  void collect(const std::string& path, const T& value, const T&) {
    note(path, scalar_text(value));
  }
  template <Struct T>
  void collect(const std::string& path, const T& value, const T& standard) {
    Collector below{used_, path + "."};
    fields(type<T>, below, value, standard);
  }
  template <class T>
  void collect(const std::string& path, const std::optional<T>& value, const std::optional<T>&) {
    if (value) present(path, *value);
  }
  template <class T>
  void collect(const std::string& path, const std::vector<T>& values, const std::vector<T>&) {
    for (const auto& value : values) present(path, value);
  }
  template <class T>
  void collect(const std::string& path, const std::map<std::string, T>& values,
               const std::map<std::string, T>&) {
    for (const auto& [name, value] : values) present(path, value);
  }
  template <Tagged T>
  void collect(const std::string& path, const T& value, const T& standard) {
    const auto here = path + "." + std::string{Tag<T>::kinds[value.index()]};
    note(here, "");
    std::visit(
        [&]<class Kind>(const Kind& kind) {
          const auto* same = std::get_if<Kind>(&standard);
          collect(here, kind, same != nullptr ? *same : Kind{});
        },
        value);
  }

  /// A value whose being there says something, even if it is all defaults.
  template <class T>
  void present(const std::string& path, const T& value) {
    if constexpr (Struct<T>) note(path, "");
    collect(path, value, standard_of<T>());
  }

  void note(const std::string& path, std::string text) { used_[path].insert(std::move(text)); }

  UsedFields& used_;
  std::string prefix_;
};

/// Walks the types instead of values.
class PathCollector {
 public:
  PathCollector(std::set<std::string>& paths, std::string prefix)
      : paths_(paths), prefix_(std::move(prefix)) {}

  template <class T>
  void operator()(const Key& key, const T&) {
    walk(prefix_ + std::string{key.name}, Type<T>{});
  }
  template <class Apply, class S>
  void shorthand(const Key&, Apply, S&) {}

 private:
  template <class T>
  void walk(const std::string& path, Type<T>) {
    paths_.insert(path);
    if constexpr (Struct<T>) {
      PathCollector below{paths_, path + "."};
      const T value{};
      fields(type<T>, below, value);
    }
    if constexpr (Tagged<T>)
      walk_kinds<T>(path, std::make_index_sequence<std::variant_size_v<T>>{});
  }
  template <class T>
  void walk(const std::string& path, Type<std::optional<T>>) {
    walk(path, Type<T>{});
  }
  template <class T>
  void walk(const std::string& path, Type<std::vector<T>>) {
    walk(path, Type<T>{});
  }
  template <class T>
  void walk(const std::string& path, Type<std::map<std::string, T>>) {
    walk(path, Type<T>{});
  }
  template <class T, std::size_t... I>
  void walk_kinds(const std::string& path, std::index_sequence<I...>) {
    (walk(path + "." + std::string{Tag<T>::kinds[I]}, Type<std::variant_alternative_t<I, T>>{}),
     ...);
  }

  std::set<std::string>& paths_;
  std::string prefix_;
};

}  // namespace

UsedFields used_fields(const Service& service) {
  UsedFields used;
  const Service standard;
  Collector collector{used, ""};
  fields(type<Service>, collector, service, standard);
  return used;
}

std::set<std::string> schema_paths() {
  std::set<std::string> paths;
  const Service service;
  PathCollector collector{paths, ""};
  fields(type<Service>, collector, service);
  return paths;
}

}  // namespace ringfort::specs
