// A directory of a test's own, and short words for what tests do with files.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ringfort::test {

/// A fresh directory, removed with all its content in the destructor.
class TempDir {
 public:
  /// Below RINGFORT_TEST_TMPDIR, TMPDIR or /tmp.
  TempDir();
  explicit TempDir(const std::string& base);
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();

  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

/// Makes the directories above `path`, too. Test failures, not errors, when the disk refuses.
void write_file(const std::string& path, std::string_view text);
std::string read_file(const std::string& path);
bool exists(const std::string& path);  ///< the link itself, should it be one

/// Names in a directory, sorted.
std::vector<std::string> names_in(const std::string& path);

/// Open descriptors of this process.
std::size_t open_descriptors();

}  // namespace ringfort::test
