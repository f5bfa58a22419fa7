// Every value of the schema that is one text in YAML, as that text.
#pragma once

#include "ringfort/specs/words.hpp"

#include <concepts>
#include <string>

namespace ringfort::specs {

inline std::string scalar_text(const std::string& text) { return text; }
inline std::string scalar_text(bool value) { return value ? "true" : "false"; }
inline std::string scalar_text(Bytes bytes) { return to_string(bytes); }
inline std::string scalar_text(Duration duration) { return ringfort::to_string(duration); }
template <class T>
requires(std::integral<T> || std::floating_point<T>) std::string scalar_text(T number) {
  return std::to_string(number);
}
template <Worded E>
std::string scalar_text(E value) {
  return std::string{word(value)};
}
inline std::string scalar_text(const NetworkMode& mode) {
  const std::string kind{word(mode.kind)};
  return mode.name.empty() ? kind : kind + ":" + mode.name;
}
/// `pin` is the one that needs a mapping around it.
inline std::string scalar_text(const Affinity& affinity) {
  return affinity.kind == AffinityKind::Pin ? affinity.pin : std::string{word(affinity.kind)};
}
inline std::string scalar_text(const Ulimit& limit) {
  return std::to_string(limit.soft) + ":" + std::to_string(limit.hard);
}

}  // namespace ringfort::specs
