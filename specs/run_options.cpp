#include "ringfort/specs/run_options.hpp"

namespace ringfort {

std::string_view to_string(Isolation isolation) {
  switch (isolation) {
    case Isolation::Auto:
      return "auto";
    case Isolation::Landlock:
      return "landlock";
    case Isolation::Namespaces:
      return "namespaces";
    case Isolation::Network:
      return "network";
  }
  return "unknown";
}

std::string_view to_string(Level level) {
  switch (level) {
    case Level::Landlock:
      return "landlock";
    case Level::Namespaces:
      return "namespaces";
    case Level::Network:
      return "network";
  }
  return "unknown";
}

std::string_view to_string(NetMode mode) {
  switch (mode) {
    case NetMode::None:
      return "none";
    case NetMode::Local:
      return "local";
    case NetMode::Full:
      return "full";
  }
  return "unknown";
}

std::string_view to_string(Durability durability) {
  switch (durability) {
    case Durability::None:
      return "none";
    case Durability::Process:
      return "process";
    case Durability::Full:
      return "full";
  }
  return "unknown";
}

std::string_view to_string(RootfsMode mode) {
  switch (mode) {
    case RootfsMode::Auto:
      return "auto";
    case RootfsMode::Visible:
      return "visible";
    case RootfsMode::Overlay:
      return "overlay";
  }
  return "unknown";
}

std::optional<Isolation> parse_isolation(std::string_view text) {
  for (const auto isolation :
       {Isolation::Auto, Isolation::Landlock, Isolation::Namespaces, Isolation::Network}) {
    if (text == to_string(isolation)) return isolation;
  }
  return std::nullopt;
}

std::optional<Level> parse_level(std::string_view text) {
  for (const auto level : {Level::Landlock, Level::Namespaces, Level::Network}) {
    if (text == to_string(level)) return level;
  }
  return std::nullopt;
}

std::optional<NetMode> parse_net_mode(std::string_view text) {
  for (const auto mode : {NetMode::None, NetMode::Local, NetMode::Full}) {
    if (text == to_string(mode)) return mode;
  }
  return std::nullopt;
}

}  // namespace ringfort
