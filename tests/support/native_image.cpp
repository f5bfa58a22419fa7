#include "ringfort/support/native_image.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include <stdlib.h>

namespace ringfort::test {
namespace {

namespace fs = std::filesystem;

void copy_programs(const fs::path& directory, const fs::path& to,
                   std::initializer_list<const char*> names) {
  fs::create_directories(to);
  for (const char* name : names) {
    std::error_code absent;  // some host has no /usr/bin/env: the image goes without it
    if (fs::exists(directory / name, absent)) fs::copy_file(directory / name, to / name);
  }
}

}  // namespace

std::string native_source(const std::string& sources, std::string_view image) {
  std::string name(image);
  std::ranges::replace_if(
      name, [](char c) { return c == '/' || c == ':' || c == '@'; }, '_');
  const fs::path target = fs::path(sources) / name;
  if (fs::exists(target)) return target;

  // Other processes of the same test run do the same: make it aside, move it in, first one wins.
  fs::create_directories(sources);
  std::string staging = (fs::path(sources) / ".making-XXXXXX").string();
  if (::mkdtemp(staging.data()) == nullptr) ADD_FAILURE() << "cannot make " << staging;
  fs::permissions(staging, fs::perms(0755));
  copy_programs("/bin", fs::path(staging) / "bin", {"echo", "sleep", "sh", "cat", "ls"});
  copy_programs("/usr/bin", fs::path(staging) / "usr/bin", {"env", "true", "false"});
  std::error_code lost;
  fs::rename(staging, target, lost);
  if (lost) fs::remove_all(staging);
  EXPECT_TRUE(fs::exists(target)) << target;
  return target;
}

}  // namespace ringfort::test
