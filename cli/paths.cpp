#include "ringfort/cli/paths.hpp"

#include "ringfort/specs/names.hpp"

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>

namespace ringfort::cli {
namespace {

/// Empty when it can't be resolved; errno tells why.
std::string resolved(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real{::realpath(path.c_str(), nullptr),
                                                         &std::free};
  return real ? real.get() : "";
}

}  // namespace

std::string absolute_path(std::string_view path, std::string_view directory) {
  auto normal = (std::filesystem::path{directory} / path).lexically_normal().string();
  while (normal.size() > 1 && normal.ends_with('/')) normal.pop_back();
  return normal;
}

Result<std::vector<std::string>> visible_paths(const std::string& given,
                                               const std::string& logical_directory) {
  if (given.empty()) return fail(ErrorKind::InvalidSpec, "a path is empty", "write one");
  if (given.find('\0') != std::string::npos)
    return fail(ErrorKind::InvalidSpec, "a path holds a NUL", "leave it out");
  const auto real = resolved(given.starts_with('/') ? given : logical_directory + "/" + given);
  if (real.empty()) {
    const int number = errno;
    const auto kind = number == ENOENT || number == ENOTDIR ? ErrorKind::NotFound : ErrorKind::Io;
    std::string hint = "check the path";
    if (!given.starts_with('/')) hint += "; it is relative to " + printable(logical_directory, 200);
    return tl::unexpected{Error{
        kind, printable(given, 200) + ": " + std::strerror(number), std::move(hint), {}, number}};
  }
  std::vector<std::string> paths{real};
  // Behind a link, ".." leads elsewhere than the text says; such a path has only its true name.
  const auto as_given = absolute_path(given, logical_directory);
  if (as_given != real && resolved(as_given) == real) paths.push_back(as_given);
  return paths;
}

bool is_below(std::string_view path, std::string_view directory) {
  if (directory == "/") return path.starts_with('/');
  return path.starts_with(directory) &&
         (path.size() == directory.size() || path[directory.size()] == '/');
}

}  // namespace ringfort::cli
