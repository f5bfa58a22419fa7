#include "ringfort/platform/log_reader.hpp"

#include "ringfort/platform/fd.hpp"
#include "ringfort/platform/shim/wire.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>

namespace ringfort::platform {
namespace {

constexpr const char* kLostText = "[ringfort: output was lost here, the log could not be written]";

/// A file read in windows, so that many small steps in either direction cost few system calls.
class WindowedFile {
 public:
  Status open(const std::string& path) {
    fd_ = Fd{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
    if (!fd_ && errno == ENOENT) return {};
    struct stat status {};
    if (!fd_ || ::fstat(fd_.get(), &status) != 0) return fail(os_error("cannot open " + path));
    size_ = static_cast<std::uint64_t>(status.st_size);
    modified_ = WallTime(std::chrono::seconds(status.st_mtim.tv_sec) +
                         std::chrono::microseconds(status.st_mtim.tv_nsec / 1000));
    return {};
  }

  std::uint64_t size() const { return size_; }
  WallTime modified() const { return modified_; }

  /// Bytes [from, to), fewer when the file became shorter; valid until the next call. The window is
  /// laid so that it ends at `to`, for those who read backwards.
  std::string_view backwards(std::uint64_t from, std::uint64_t to) {
    if (from < begin_ || to > begin_ + window_.size()) {
      load(to - from < kWindow && to > kWindow ? to - kWindow : std::min(from, to), to);
    }
    return view(from, to);
  }
  std::string_view forwards(std::uint64_t from, std::uint64_t to) {
    if (from < begin_ || to > begin_ + window_.size()) {
      load(from, std::min(size_, std::max(to, from + kWindow)));
    }
    return view(from, to);
  }

 private:
  static constexpr std::uint64_t kWindow = 65536;

  void load(std::uint64_t from, std::uint64_t to) {
    begin_ = from;
    window_.resize(to > from ? to - from : 0);
    std::size_t got = 0;
    while (got < window_.size()) {
      const auto read = ::pread(fd_.get(), window_.data() + got, window_.size() - got,
                                static_cast<off_t>(from + got));
      if (read < 0 && errno == EINTR) continue;
      if (read <= 0) break;
      got += static_cast<std::size_t>(read);
    }
    window_.resize(got);
  }

  std::string_view view(std::uint64_t from, std::uint64_t to) const {
    const std::string_view all(window_);
    if (from < begin_ || from - begin_ > all.size() || to < from) return {};
    return all.substr(from - begin_, to - from);
  }

  Fd fd_;
  std::uint64_t size_ = 0;
  WallTime modified_{};
  std::uint64_t begin_ = 0;
  std::string window_;
};

/// log.idx from its last entry to its first.
class ReverseIndex {
 public:
  explicit ReverseIndex(WindowedFile& file) : file_(file) { rewind(); }

  void rewind() { left_ = file_.size() / sizeof(wire::LogIndexEntry); }

  bool previous(wire::LogIndexEntry& entry) {
    if (left_ == 0) return false;
    --left_;
    const auto at = left_ * sizeof entry;
    const auto bytes = file_.backwards(at, at + sizeof entry);
    if (bytes.size() != sizeof entry) return false;
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(&entry));
    entry.stream &= 1U;
    return true;
  }

 private:
  WindowedFile& file_;
  std::uint64_t left_ = 0;
};

/// Where a line begins. Its end is where the next one of its stream begins.
struct LineStart {
  std::uint64_t offset = 0;
  std::uint64_t sequence = 0;
  WallTime time{};
  std::uint8_t stream = 0;
  bool lost = false;  ///< no line: the place where output was lost
};

/// Goes backwards through the index and finds line starts until there are enough. Every byte of a
/// log belongs to some entry: to the one that covers it, else to the last one before it.
class LineFinder {
 public:
  LineFinder(std::array<WindowedFile, 2>& logs, WindowedFile& index, std::size_t enough)
      : logs_(logs), index_(index), enough_(enough) {
    for (std::size_t i = 0; i < 2; ++i) upper_[i] = logs_[i].size();
  }

  /// In reverse order.
  std::vector<LineStart> run() {
    take_unindexed();
    wire::LogIndexEntry entry{};
    while (!done() && index_.previous(entry)) {
      first_ = entry;
      const auto time = WallTime(std::chrono::microseconds(entry.wall_usec));
      const auto end = entry.offset + entry.length;
      if ((entry.flags & wire::kLogDropped) != 0) take_loss(entry, end, time);
      take(entry.stream, entry.offset, entry.sequence, time);
    }
    // Only when the index begins late: its oldest entry speaks for what is before it.
    const auto oldest = WallTime(std::chrono::microseconds(first_.wall_usec));
    for (const std::uint8_t stream : {1, 0}) take(stream, 0, first_.sequence, oldest);
    return std::move(starts_);
  }

 private:
  bool done() const { return starts_.size() >= enough_; }

  /// Bytes behind the last entry of a stream: their shim died before it wrote the entry.
  void take_unindexed() {
    std::array<std::uint64_t, 2> ends{};
    std::array<bool, 2> known{logs_[0].size() == 0, logs_[1].size() == 0};
    std::uint64_t next_sequence = 0;
    wire::LogIndexEntry entry{};
    while (!(known[0] && known[1]) && index_.previous(entry)) {
      next_sequence = std::max(next_sequence, entry.sequence + 1);
      if (known[entry.stream]) continue;
      known[entry.stream] = true;
      ends[entry.stream] = entry.offset + entry.length;
    }
    index_.rewind();
    for (const std::uint8_t stream : {1, 0}) {
      take(stream, ends[stream], next_sequence + stream, logs_[stream].modified());
    }
  }

  void take_loss(const wire::LogIndexEntry& entry, std::uint64_t end, WallTime time) {
    const bool cuts_a_line = end > 0 && end < logs_[entry.stream].size() &&
                             logs_[entry.stream].backwards(end - 1, end) != "\n";
    if (cuts_a_line) starts_.push_back({end, entry.sequence, time, entry.stream, false});
    starts_.push_back({end, entry.sequence, time, entry.stream, true});
  }

  /// Finds the line starts in [from, upper) of a stream, from the last to the first.
  void take(std::uint8_t stream, std::uint64_t from, std::uint64_t sequence, WallTime time) {
    auto& log = logs_[stream];
    while (upper_[stream] > from && !done()) {
      // A piece at a time, with the byte before it, which tells whether a line begins with it.
      const auto upper = upper_[stream];
      const auto begin = std::max(from, upper - std::min<std::uint64_t>(upper, kPiece));
      const auto bytes = log.backwards(begin == 0 ? 0 : begin - 1, upper);
      for (auto at = upper; at-- > begin && !done();) {
        const auto before = begin == 0 ? at - 1 : at - begin;  // index of byte `at - 1`
        if (at == 0 || (before < bytes.size() && bytes[before] == '\n')) {
          starts_.push_back({at, sequence, time, stream, false});
        }
      }
      upper_[stream] = begin;
    }
  }

  static constexpr std::uint64_t kPiece = 32768;

  std::array<WindowedFile, 2>& logs_;
  ReverseIndex index_;
  std::size_t enough_;
  std::array<std::uint64_t, 2> upper_{};
  wire::LogIndexEntry first_{};
  std::vector<LineStart> starts_;
};

LogEntry entry_of(const LineStart& start, std::uint64_t next, WindowedFile& log) {
  LogEntry entry;
  entry.time = start.time;
  entry.sequence = start.sequence;
  entry.stream = start.stream == 0 ? LogStream::Stdout : LogStream::Stderr;
  if (start.lost) {
    entry.message = kLostText;
    return entry;
  }
  auto bytes = log.forwards(start.offset, next);
  if (bytes.ends_with('\n')) bytes.remove_suffix(1);
  entry.message = bytes;
  return entry;
}

}  // namespace

Result<std::vector<LogEntry>> read_log(const std::string& container_dir,
                                       const std::string& state_dir, std::size_t tail) {
  WindowedFile index;
  std::array<WindowedFile, 2> logs;
  // The index first: what is written meanwhile is then bytes without an entry, and not the reverse.
  Status opened = index.open(state_dir + "/log.idx");
  if (opened) opened = logs[0].open(container_dir + "/stdout.log");
  if (opened) opened = logs[1].open(container_dir + "/stderr.log");
  if (!opened) return fail(opened.error());

  const auto enough = tail == 0 ? std::numeric_limits<std::size_t>::max() : tail;
  const auto starts = LineFinder(logs, index, enough).run();
  std::vector<LogEntry> entries(starts.size());
  std::array<std::uint64_t, 2> next{logs[0].size(), logs[1].size()};
  // The ends are known from the back, reading is cheapest from the front: two passes.
  std::vector<std::uint64_t> ends(starts.size());
  for (std::size_t i = 0; i < starts.size(); ++i) {
    ends[i] = next[starts[i].stream];
    next[starts[i].stream] = starts[i].offset;
  }
  for (std::size_t i = starts.size(); i-- > 0;) {
    entries[starts.size() - 1 - i] = entry_of(starts[i], ends[i], logs[starts[i].stream]);
  }
  if (entries.size() > enough)
    entries.erase(entries.begin(), entries.end() - static_cast<std::ptrdiff_t>(enough));
  return entries;
}

}  // namespace ringfort::platform
