// A container's log files over all generations, as wire.hpp describes them. For readers.
#pragma once

#include "ringfort/platform/fd.hpp"
#include "ringfort/platform/shim/log_names.hpp"
#include "ringfort/platform/shim/wire.hpp"
#include "ringfort/specs/result.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringfort::platform {

/// The two directories: that of the container has the streams, that of its state the index.
struct LogPlace {
  Fd container;  ///< both may be invalid: an empty log
  Fd state;

  static Result<LogPlace> open(const std::string& container_dir, const std::string& state_dir);

  int of(wire::LogFile kind) const {
    return kind == wire::LogFile::Index ? state.get() : container.get();
  }
  /// Read-only; invalid = there is no such regular file, or it can't be opened (see `trouble`).
  Fd open_file(wire::LogFile kind, std::uint32_t generation) const;

  /// A stream's file of a generation that was the current one, and may be rotated meanwhile.
  /// Invalid = it is gone.
  Fd open_stream(wire::LogFile kind, std::uint32_t generation) const;

  /// Reads at most `size` bytes; fewer at the end of the file and on an error (see `trouble`).
  std::string read(int fd, std::uint64_t offset, std::size_t size) const;

  /// Which generation an index belongs to, by the last good one of its last 64 entries. Empty =
  /// none of them is good, or there is none yet.
  std::optional<std::uint32_t> generation_of(int index_fd) const;

  /// Why something that is there could not be opened, looked for or read (no descriptors left, no
  /// right to, a bad disk): what was read is then not the whole log.
  Status trouble() const { return trouble_; }

  /// The numbers of rotated files, each once, from the oldest.
  std::vector<std::uint32_t> rotated() const;

 private:
  mutable Status trouble_;
};

std::uint64_t size_of(int fd);
std::int64_t modified_usec(int fd);

/// Copies the entry at `bytes` (of an entry's size), if it is a whole one.
bool parse_entry(const char* bytes, wire::LogIndexEntry& entry);

/// Where the bytes of an entry end in its stream's file.
std::uint64_t end_of(const wire::LogIndexEntry& entry);

/// Several files as one, read in windows so that many small steps cost few system calls.
class JoinedFile {
 public:
  /// `place` is borrowed, and all of its files are of that one. Files that become longer later stay
  /// as long as they are now. Returns where it begins.
  std::uint64_t add(const LogPlace& place, Fd fd);

  std::uint64_t size() const { return size_; }

  /// Bytes [from, to), fewer when a file became shorter; valid until the next call. The window is
  /// laid so that it ends at `to`, for those who read backwards.
  std::string_view backwards(std::uint64_t from, std::uint64_t to);
  std::string_view forwards(std::uint64_t from, std::uint64_t to);

 private:
  struct Part {
    Fd fd;
    std::uint64_t begin;
    std::uint64_t size;
  };
  static constexpr std::uint64_t kWindow = 65536;

  void load(std::uint64_t from, std::uint64_t to);
  std::string_view view(std::uint64_t from, std::uint64_t to) const;

  const LogPlace* place_ = nullptr;
  std::vector<Part> parts_;
  std::uint64_t size_ = 0;
  std::uint64_t begin_ = 0;
  std::string window_;
};

/// log.idx from its last entry to its first. Steps over damage, also when its length is no multiple
/// of an entry's.
class ReverseIndex {
 public:
  ReverseIndex() = default;
  ReverseIndex(const LogPlace& place, Fd fd) {
    file_.add(place, std::move(fd));
    left_ = file_.size();
  }

  bool previous(wire::LogIndexEntry& entry);
  /// Was damage stepped over since the last call?
  bool take_damage() { return std::exchange(damaged_, false); }
  void rewind() {
    left_ = file_.size();
    damaged_ = false;
  }

 private:
  JoinedFile file_;
  std::uint64_t left_ = 0;
  bool damaged_ = false;
};

}  // namespace ringfort::platform
