// A directory with all that a bench needs, gone with it: the payloads, as images and as one root
// for the peers.
#pragma once

#include "ringfort/specs/result.hpp"

#include <string>
#include <string_view>

namespace ringfort::cli {

/// The programs that are started (programs/*.c), as they lie in this command.
std::string_view noop_program();
std::string_view stamp_program();

class Workplace {
 public:
  /// Below `base`; empty = TMPDIR, else /tmp.
  static Result<Workplace> make(const std::string& base = {});
  Workplace(Workplace&& other) noexcept;
  Workplace& operator=(Workplace&&) = delete;
  ~Workplace();

  const std::string& path() const { return path_; }
  /// Leaves it where it is.
  void keep() { is_kept_ = true; }
  std::string data() const { return path_ + "/data"; }
  /// An image of one file; `payload` is noop or stamp.
  std::string image(const std::string& payload) const { return path_ + "/image-" + payload; }
  /// Of the host, for bare spawns.
  std::string program(const std::string& payload) const { return path_ + "/root/" + payload; }

 private:
  explicit Workplace(std::string path) : path_(std::move(path)) {}
  Status fill() const;

  std::string path_;
  bool is_kept_ = false;
};

/// "ext4"; "file system 0x1234" where nobody knows its name.
std::string file_system_of(const std::string& path);

/// Makes or overwrites it.
Status write_text_file(const std::string& path, std::string_view text, unsigned mode = 0644);

}  // namespace ringfort::cli
