#include "ringfort/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <sys/stat.h>
#include <unistd.h>

namespace ringfort::test {

namespace {

std::string base_directory() {
  for (const auto* variable : {"RINGFORT_TEST_TMPDIR", "TMPDIR"}) {
    if (const char* base = std::getenv(variable)) return base;
  }
  return "/tmp";
}

}  // namespace

TempDir::TempDir() : TempDir(base_directory()) {}

TempDir::TempDir(const std::string& base) : path_(base + "/ringfort-XXXXXX") {
  if (::mkdtemp(path_.data()) == nullptr) ADD_FAILURE() << "cannot make " << path_;
}

TempDir::~TempDir() {
  // Not our own remove_tree: a defect in it must not hide what it left.
  std::error_code error;
  for (auto entry = std::filesystem::recursive_directory_iterator(
           path_, std::filesystem::directory_options::skip_permission_denied, error);
       !error && entry != std::filesystem::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code unknown;
    const bool directory = std::filesystem::is_directory(entry->symlink_status(unknown));
    if (directory) ::chmod(entry->path().c_str(), 0700);
  }
  std::filesystem::remove_all(path_, error);
  EXPECT_FALSE(error) << path_ << ": " << error.message();
}

void write_file(const std::string& path, std::string_view text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text << std::flush;
  EXPECT_TRUE(file.good()) << path;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  std::ostringstream text;
  text << file.rdbuf();  // does not throw when the process of a /proc file has ended
  return text.str();
}

bool exists(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

std::vector<std::string> names_in(const std::string& path) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::size_t open_descriptors() { return names_in("/proc/self/fd").size(); }

}  // namespace ringfort::test
