#include "ringfort/platform/log_follower.hpp"

#include "ringfort/platform/owner_lock.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>

namespace ringfort::platform {
namespace {

using wire::LogFile;

constexpr std::size_t kPiece = 65536;

bool same_file(int one, int other) {
  struct stat a {};
  struct stat b {};
  return ::fstat(one, &a) == 0 && ::fstat(other, &b) == 0 && a.st_ino == b.st_ino &&
         a.st_dev == b.st_dev;
}

LogEntry stamp_of(int stream, std::uint64_t sequence, std::int64_t usec) {
  LogEntry stamp;
  stamp.time = WallTime(std::chrono::microseconds(usec));
  stamp.stream = stream == 0 ? LogStream::Stdout : LogStream::Stderr;
  stamp.sequence = sequence;
  return stamp;
}

}  // namespace

Result<LogFollower> LogFollower::open(const std::string& container_dir,
                                      const std::string& state_dir, const LogQuery& query) {
  auto place = LogPlace::open(container_dir, state_dir);
  if (!place) return fail(place.error());
  LogFollower follower(std::move(*place));
  // Before the first look, so that no change comes between the two.
  follower.changes_ = Fd{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
  if (follower.changes_ &&
      ::inotify_add_watch(follower.changes_.get(), state_dir.c_str(),
                          IN_MODIFY | IN_CREATE | IN_MOVE | IN_CLOSE_WRITE | IN_DELETE_SELF) < 0)
    follower.changes_.reset();
  follower.begin_ = read_log(follower.place_, query, &follower.at_);
  const auto generation = follower.at_.generation;
  follower.index_ = follower.place_.open_file(LogFile::Index, generation);
  if (!follower.index_) {
    follower.index_ = follower.place_.open_file(LogFile::Index, 0);
    // Rotated between the two looks.
    if (auto now = follower.place_.open_file(LogFile::Index, generation))
      follower.index_ = std::move(now);
  }
  follower.is_number_known_ = follower.place_.generation_of(follower.index_.get()).has_value();
  if (auto whole = follower.trouble(); !whole) return fail(whole.error());
  return follower;
}

std::vector<LogEntry> LogFollower::read() {
  if (ended_) return {};
  // Before the look: what comes after it is told once more.
  alignas(inotify_event) char events[4096];
  while (changes_ && ::read(changes_.get(), events, sizeof events) > 0) {
  }
  auto out = std::exchange(begin_, {});
  // The end before the last look: what a shim wrote is there before it lets go of its lock.
  const bool is_last = place_.state.get() < 0 || !is_locked(place_.state.get(), "shim");
  do {
    const bool rotated = is_rotated();
    read_generation(out);
    if (!rotated) break;
    take_rest(out);
  } while (advance(out));
  if (is_last) {
    take_rest(out);
    for (int stream = 0; stream < 2; ++stream) {
      if (at_.offset[stream] < size_of(stream_fd(stream))) say(notice::kUnread, out);
      take_unfinished(stream, out);
    }
    ended_ = true;
  }
  return out;
}

bool LogFollower::is_rotated() const {
  const auto current = place_.open_file(LogFile::Index, 0);
  return current && (!index_ || !same_file(current.get(), index_.get()));
}

void LogFollower::read_generation(std::vector<LogEntry>& out) {
  if (!index_) return;
  std::string window;
  auto& offset = at_.index_offset;
  // Somebody emptied it: what comes from now on is read.
  if (offset > size_of(index_.get())) {
    say(notice::kDamaged, out);
    offset = 0;
  }
  bool is_damaged = false;
  for (std::size_t used = 0;;) {
    wire::LogIndexEntry entry{};
    if (window.size() - used < sizeof entry) {
      window = place_.read(index_.get(), offset, kPiece);
      used = 0;
      if (window.size() < sizeof entry) break;
    }
    const bool is_whole = parse_entry(window.data() + used, entry);
    const std::size_t step = is_whole ? sizeof entry : 1;
    used += step;
    offset += step;
    if (!is_whole && !is_damaged) say(notice::kDamaged, out);
    is_damaged = !is_whole;
    if (is_whole) take(entry, out);
  }
}

/// To the next generation that there is. False = it can't be opened now.
bool LogFollower::advance(std::vector<LogEntry>& out) {
  // The current index before the rotated ones: what is rotated meanwhile keeps its number.
  auto index = place_.open_file(LogFile::Index, 0);
  if (!index) return false;
  const auto next = at_.generation + 1;
  const auto said = place_.generation_of(index.get());
  const auto current = std::max(said.value_or(next), next);
  const auto numbers = place_.rotated();
  const auto found = std::ranges::find_if(numbers, [&](auto number) { return number >= next; });
  // A number above the current one is a foreign file's.
  is_rotated_away_ = found != numbers.end() && *found < current;
  at_.generation = is_rotated_away_ ? *found : current;
  index_ = is_rotated_away_ ? place_.open_file(LogFile::Index, at_.generation) : std::move(index);
  is_number_known_ = is_rotated_away_ || said;
  at_.index_offset = 0;
  at_.offset = {};
  was_cut_ = {};
  for (Fd& stream : streams_) stream.reset();
  // Removed between the two looks is gone, too.
  const bool is_gone = !index_ && stream_fd(0) < 0 && stream_fd(1) < 0;
  if (at_.generation != next || is_gone) say(notice::kGone, out);
  return true;
}

int LogFollower::stream_fd(int stream) {
  const auto kind = static_cast<LogFile>(stream);
  if (!streams_[stream])
    streams_[stream] = is_rotated_away_ ? place_.open_file(kind, at_.generation)
                                        : place_.open_stream(kind, at_.generation);
  return streams_[stream].get();
}

void LogFollower::take(const wire::LogIndexEntry& entry, std::vector<LogEntry>& out) {
  if (!is_number_known_) at_.generation = entry.generation;
  is_number_known_ = true;
  if (entry.generation != at_.generation) return;
  last_ = entry;
  const auto stamp = stamp_of(entry.stream, entry.sequence, entry.wall_usec);
  if ((entry.flags & wire::kLogBegin) != 0) return;
  take_bytes(entry.stream, end_of(entry), stamp, out);
  if ((entry.flags & wire::kLogDropped) == 0) return;
  take_unfinished(entry.stream, out);
  auto lost = stamp;
  lost.message = notice::lost(entry.length);
  lost.is_notice = true;
  out.push_back(std::move(lost));
}

void LogFollower::take_bytes(int stream, std::uint64_t to, const LogEntry& stamp,
                             std::vector<LogEntry>& out) {
  const int fd = stream_fd(stream);
  auto& at = at_.offset[stream];
  const auto size = size_of(fd);
  if (!was_cut_[stream] && size < to && at < to) {
    was_cut_[stream] = true;
    say(fd < 0 ? notice::kGone : notice::kCut, out);
    // What has come since is at the end of what is there.
    const auto come = std::min(size, to - at);
    if (size < at) at = size - come;
  }
  // The offsets of the index are of no use then: all that is there belongs to this entry.
  if (was_cut_[stream]) to = size;
  at = std::min(at, size);
  while (at < to) {
    const auto bytes = place_.read(fd, at, std::min<std::uint64_t>(to - at, kPiece));
    if (bytes.empty()) break;
    at += bytes.size();
    feed(stream, bytes, stamp, out);
  }
}

/// Bytes without an entry: their shim died, or the disk had no room for it.
void LogFollower::take_rest(std::vector<LogEntry>& out) {
  for (int stream = 0; stream < 2; ++stream) {
    const int fd = stream_fd(stream);
    if (fd < 0) continue;
    take_bytes(stream, size_of(fd), stamp_of(stream, last_.sequence + 1, modified_usec(fd)), out);
  }
}

void LogFollower::take_unfinished(int stream, std::vector<LogEntry>& out) {
  auto& line = at_.unfinished[stream];
  if (line.message.empty()) return;
  feed(stream, "\n", line, out);
}

void LogFollower::feed(int stream, std::string_view bytes, const LogEntry& stamp,
                       std::vector<LogEntry>& out) {
  auto& line = at_.unfinished[stream];
  while (!bytes.empty()) {
    if (line.message.empty()) line = stamp;
    const auto newline = bytes.find('\n');
    const bool has_end = newline != std::string_view::npos;
    line.message += bytes.substr(0, has_end ? newline : bytes.size());
    bytes.remove_prefix(has_end ? newline + 1 : bytes.size());
    while (line.message.size() > wire::kLogRecord) {
      auto part = stamp_of(stream, line.sequence, line.time.time_since_epoch().count());
      part.message = line.message.substr(0, wire::kLogRecord);
      part.is_partial = true;
      out.push_back(std::move(part));
      line.message.erase(0, wire::kLogRecord);
    }
    if (has_end) out.push_back(std::exchange(line, {}));
  }
}

void LogFollower::say(const char* text, std::vector<LogEntry>& out) const {
  auto entry = stamp_of(0, last_.sequence, last_.wall_usec);
  entry.message = text;
  entry.is_notice = true;
  out.push_back(std::move(entry));
}

void LogFollower::wait(std::chrono::milliseconds patience) const {
  if (!changes_) patience = std::min(patience, kLookAgain);
  pollfd set{changes_.get(), POLLIN, 0};
  (void)::poll(&set, changes_ ? 1 : 0, static_cast<int>(patience.count()));
}

}  // namespace ringfort::platform
