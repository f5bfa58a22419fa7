#include "ringfort/platform/shim/log.hpp"

#include "ringfort/platform/shim/log_names.hpp"
#include "ringfort/platform/shim/sys.hpp"

#include <cstring>

#include <sys/stat.h>

namespace ringfort::shim {
namespace {

using wire::LogFile;
using wire::LogName;

// Generations further back than this are not looked for when old ones are removed.
constexpr std::uint32_t kMostGenerations = 1000;
// Bytes that wait for room. Never touched, and so no memory, unless a log blocks.
char waiting_bytes[2][65536];
constexpr unsigned kNoReplace = 1;  // RENAME_NOREPLACE of <linux/fs.h>

bool is_full(long result) { return result == -ENOSPC || result == -EDQUOT; }

std::uint64_t size_of(int fd) {
  struct stat status {};
  return fd >= 0 && ::fstat(fd, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

bool is_whole(const wire::LogIndexEntry& entry) {
  return entry.checksum == wire::checksum(&entry, offsetof(wire::LogIndexEntry, checksum));
}

/// The last good entry in the last 64 of them; an index that was cut anywhere is read from its end.
bool last_entry(int dir_fd, wire::LogIndexEntry& entry) {
  static char bytes[64 * sizeof(wire::LogIndexEntry)];
  // The shim's own descriptor is for writing only.
  const long fd = sys(SYS_openat, dir_fd, log_name(LogFile::Index),
                      O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return false;
  const std::uint64_t size = size_of(static_cast<int>(fd));
  const std::uint64_t from = size > sizeof bytes ? size - sizeof bytes : 0;
  const long got = sys(SYS_pread64, fd, bytes, sizeof bytes, from);
  sys(SYS_close, fd);
  for (long at = got - static_cast<long>(sizeof entry); at >= 0; --at) {
    std::memcpy(&entry, bytes + at, sizeof entry);
    if (is_whole(entry)) return true;
  }
  return false;
}

struct Generations {
  std::uint32_t lowest = 0;  ///< 0 = there is none
  std::uint32_t highest = 0;
};

Generations rotated(int dir_fd, LogFile kind, std::uint32_t limit) {
  Generations found;
  // Its position is shared with whoever has this descriptor from the same open.
  sys(SYS_lseek, dir_fd, 0, SEEK_SET);
  visit_names(dir_fd, [&](const char* name) {
    const std::uint32_t generation = wire::rotated_generation(kind, name);
    if (generation == 0 || generation > limit) return;
    if (found.lowest == 0 || generation < found.lowest) found.lowest = generation;
    if (generation > found.highest) found.highest = generation;
  });
  return found;
}

}  // namespace

void Log::open(const LogFiles& files, LogLimits limits) {
  files_ = files;
  limits_ = limits;
  for (int i = 0; i < 2; ++i) offset_[i] = size_of(files.streams[i]);
  index_size_ = size_of(files.index);
  // An index is never empty after a rotation, so a new container needs no look around.
  if (index_size_ > 0) resume();
}

/// A restart goes on where the last shim stopped.
void Log::resume() {
  if (files_.index_dir < 0) return;
  wire::LogIndexEntry last{};
  if (last_entry(files_.index_dir, last)) {
    sequence_ = last.sequence + 1;
    generation_ = last.generation;
  } else {
    sequence_ = index_size_ / sizeof last;
    generation_ = 0;  // learnt from the names
  }
  learn_generations();
}

/// Finds the rotated generations, and finishes what a killed shim left half done: each step of
/// rotate() tells of itself by the name that it made. A number above ours is a foreign file's.
void Log::learn_generations() {
  if (files_.stream_dir < 0 || files_.index_dir < 0) return;
  const std::uint32_t limit = generation_ == 0 ? UINT32_MAX - 1 : generation_;
  Generations all;
  for (const LogFile kind : wire::kLogFileKinds) {
    const int dir = kind == LogFile::Index ? files_.index_dir : files_.stream_dir;
    const Generations found = rotated(dir, kind, limit);
    if (found.highest > all.highest) all.highest = found.highest;
    if (found.lowest != 0 && (all.lowest == 0 || found.lowest < all.lowest))
      all.lowest = found.lowest;
  }
  const bool is_half_done = generation_ != 0 && all.highest == generation_;
  if (generation_ == 0) generation_ = all.highest + 1;
  oldest_ = all.lowest != 0 ? all.lowest : generation_;
  if (is_half_done) (void)rotate();
}

bool Log::copy(int pipe_fd, int stream) {
  static char buffer[kPiece];
  static_assert(sizeof buffer == sizeof waiting_bytes[0]);
  const long size = sys(SYS_read, pipe_fd, buffer, sizeof buffer);
  if (size == -EAGAIN || size == -EINTR) return true;
  if (size <= 0) return false;
  append(stream, buffer, static_cast<std::uint32_t>(size));
  return true;
}

void Log::append(int stream, const char* bytes, std::uint32_t size) {
  if (files_.streams[stream] < 0 && !streams_missing_) return;
  while (may_rotate()) {
    const std::uint64_t used = offset_[0] + offset_[1];
    const bool index_full = index_size_ >= limits_.max_size;
    if (used + size <= limits_.max_size && !index_full) break;
    const std::uint64_t room = used < limits_.max_size && !index_full ? limits_.max_size - used : 0;
    const std::uint32_t end = record_end(stream, bytes, size, room);
    if (end == UINT32_MAX) break;
    if (end > 0) put(stream, bytes, end);
    bytes += end;
    size -= end;
    if (is_waiting(stream)) return keep(stream, bytes, size);
    if (!rotate()) break;  // over the limit rather than without the line
  }
  if (size > 0) put(stream, bytes, size);
}

/// Behind what waits already. Both are of one read(2): there is place for them.
void Log::keep(int stream, const char* bytes, std::uint32_t size) {
  // The bytes may come from the same place, further behind.
  std::memmove(waiting_bytes[stream] + waiting_[stream], bytes, size);
  waiting_[stream] += size;
}

void Log::retry() {
  for (int stream = 0; stream < 2; ++stream)
    if (const std::uint32_t size = waiting_[stream]; size > 0) {
      waiting_[stream] = 0;
      append(stream, waiting_bytes[stream], size);
    }
}

void Log::stop_waiting() {
  has_ended_ = true;
  retry();
}

bool Log::may_rotate() const {
  return limits_.max_size > 0 && files_.stream_dir >= 0 && files_.index_dir >= 0 &&
         offset_[0] + offset_[1] > 0;
}

/// How much of `bytes` belongs before a rotation when there is `room` left: up to the last end of a
/// record in it, else to the first one behind. UINT32_MAX = no record ends here.
std::uint32_t Log::record_end(int stream, const char* bytes, std::uint32_t size,
                              std::uint64_t room) const {
  for (std::uint64_t n = room < size ? room : size; n > 0; --n)
    if (bytes[n - 1] == '\n') return static_cast<std::uint32_t>(n);
  for (std::uint32_t n = 0; n <= size; ++n) {
    if (n > 0 && bytes[n - 1] == '\n') return n;
    if ((line_[stream] + n) % wire::kLogRecord == 0) return n;
  }
  return UINT32_MAX;
}

void Log::put(int stream, const char* bytes, std::uint32_t size) {
  if (streams_missing_) (void)open_streams();
  const std::uint64_t begin = offset_[stream];
  const std::uint32_t written = write_bytes(stream, bytes, size);
  offset_[stream] += written;
  if (written < size && waits_for_room()) {
    keep(stream, bytes + written, size - written);
    size = written;
    if (size == 0) return;
  }
  const void* newline = ::memrchr(bytes, '\n', size);
  line_[stream] =
      newline == nullptr
          ? line_[stream] + size
          : static_cast<std::uint64_t>(bytes + size - 1 - static_cast<const char*>(newline));
  if (written > 0 && dropped_[stream] > 0) say_drops(stream, begin);
  // An index that can't be written leaves the bytes to the entry before: the reader shows them.
  if (written > 0) (void)put_entry(stream, begin, written, 0);
  // The first loss is said at once, if it can be; those that follow it in one sum.
  const bool is_first = written < size && (written > 0 || !is_losing_[stream]);
  is_losing_[stream] = written < size;
  dropped_[stream] += size - written;
  if (is_first) say_drops(stream, offset_[stream]);
}

/// Makes room at the cost of the oldest lines; with none left the rest is dropped: a full disk must
/// not block the program, unless it is asked to.
std::uint32_t Log::write_bytes(int stream, const char* bytes, std::uint32_t size) {
  std::uint32_t written = 0;
  if (files_.streams[stream] >= 0) no_room_ = false;
  while (written < size && files_.streams[stream] >= 0) {
    const long result = sys(SYS_write, files_.streams[stream], bytes + written, size - written);
    if (result == -EINTR) continue;
    if (result > 0) {
      written += static_cast<std::uint32_t>(result);
      continue;
    }
    no_room_ = is_full(result);
    if (!no_room_ || !make_room()) break;
  }
  return written;
}

void Log::say_drops(int stream, std::uint64_t at) {
  const std::uint64_t count = dropped_[stream];
  const auto said = static_cast<std::uint32_t>(count < UINT32_MAX ? count : UINT32_MAX);
  if (put_entry(stream, at, said, wire::kLogDropped) == 0) dropped_[stream] -= said;
}

void Log::finish() {
  for (int stream = 0; stream < 2; ++stream)
    if (dropped_[stream] > 0) say_drops(stream, offset_[stream]);
}

void Log::close() {
  for (int& stream : files_.streams) close_fd(stream);
  close_fd(files_.index);
}

/// 0, or a negative errno.
long Log::put_entry(int stream, std::uint64_t offset, std::uint32_t length, std::uint8_t flags) {
  if (files_.index < 0) return 0;
  wire::LogIndexEntry entry{};
  entry.wall_usec = wall_usec();
  entry.sequence = sequence_++;
  entry.generation = generation_;
  entry.stream = static_cast<std::uint8_t>(stream);
  entry.flags = flags;
  entry.offset = offset;
  entry.other = offset_[1 - stream];
  entry.length = length;
  entry.checksum = wire::checksum(&entry, offsetof(wire::LogIndexEntry, checksum));
  long written = -EINTR;
  while (written == -EINTR) written = sys(SYS_write, files_.index, &entry, sizeof entry);
  if (written == sizeof entry) {
    index_size_ += sizeof entry;
    return 0;
  }
  // Half an entry on a full disk: away with it. Readers would step over it, too.
  if (written > 0)
    sys(SYS_ftruncate, files_.index, size_of(files_.index) - static_cast<std::uint64_t>(written));
  --sequence_;
  return written < 0 ? written : -ENOSPC;
}

// -------------------------------------------------------------------------------- generations

/// At each moment log.idx exists and is not empty, so a restart notices what was not finished.
/// False = not now.
bool Log::rotate() {
  if (oldest_ == 0) {
    const std::uint32_t before = generation_;
    learn_generations();
    if (generation_ != before) return true;
  }
  for (int stream = 0; stream < 2; ++stream) {
    const LogName from(static_cast<LogFile>(stream), 0);
    const LogName to(static_cast<LogFile>(stream), generation_);
    const long moved =
        sys(SYS_renameat2, files_.stream_dir, from.text, files_.stream_dir, to.text, kNoReplace);
    // ENOENT, EEXIST: done before, by us or by a shim that was killed then. Anything else: the next
    // generation would find this one's bytes in its file.
    if (moved < 0 && moved != -ENOENT && moved != -EEXIST) return false;
  }
  if (!begin_generation()) return false;
  (void)open_streams();
  while (generation_ - oldest_ >= limits_.max_files && drop_oldest()) {
  }
  return offset_[0] + offset_[1] == 0;
}

/// A new index in place of the old one. False = it could not be made, and the old one goes on: its
/// entries say which generation they belong to.
bool Log::begin_generation() {
  const LogName current(LogFile::Index, 0);
  int fd = -1;
  for (;;) {
    fd = static_cast<int>(sys(SYS_openat, files_.index_dir, wire::kNextLogIndex,
                              O_WRONLY | O_APPEND | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                              0600));
    if (fd >= 0 || !is_full(fd) || !make_room()) break;
  }
  if (fd < 0) return false;
  const int old_fd = files_.index;
  const std::uint64_t old_offsets[2] = {offset_[0], offset_[1]};
  files_.index = fd;
  offset_[0] = offset_[1] = 0;
  ++generation_;
  // From here on the one that is finished may have to make room itself, with its index.
  bool done = keep_index();
  if (done) {
    long put = 0;
    do {
      put = put_entry(0, 0, 0, wire::kLogBegin);
    } while (put != 0 && is_full(put) && make_room());
    done = put == 0 && sys(SYS_renameat, files_.index_dir, wire::kNextLogIndex, files_.index_dir,
                           current.text) == 0;
  }
  if (done) {
    sys(SYS_close, old_fd);
    index_size_ = sizeof(wire::LogIndexEntry);
    return true;
  }
  sys(SYS_close, fd);
  sys(SYS_unlinkat, files_.index_dir, wire::kNextLogIndex, 0);
  files_.index = old_fd;
  --generation_;
  offset_[0] = old_offsets[0];
  offset_[1] = old_offsets[1];
  // Its files are gone if it had to make room: it goes on in new ones.
  if (oldest_ > generation_) {
    oldest_ = generation_;
    (void)open_streams();
  }
  return false;
}

/// Names the old index by its number, the one before `generation_`. False = it would be lost.
bool Log::keep_index() {
  const LogName current(LogFile::Index, 0);
  const LogName old(LogFile::Index, generation_ - 1);
  long result = 0;
  do {
    result = sys(SYS_linkat, files_.index_dir, current.text, files_.index_dir, old.text, 0);
  } while (is_full(result) && make_room());
  // EEXIST: done by a shim that was killed then. On a file system without hard links (EPERM) the
  // limit counts for more than the times of old lines. link(2).
  return result == 0 || result == -EEXIST || result == -EPERM || result == -EOPNOTSUPP;
}

/// The new generation's. False = not now: until it works what comes is dropped.
bool Log::open_streams() {
  streams_missing_ = false;
  for (int stream = 0; stream < 2; ++stream) {
    const LogName name(static_cast<LogFile>(stream), 0);
    close_fd(files_.streams[stream]);
    const long fd = sys(SYS_openat, files_.stream_dir, name.text,
                        O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    files_.streams[stream] = fd < 0 ? -1 : static_cast<int>(fd);
    if (fd < 0) no_room_ = fd == -ENOSPC || fd == -EDQUOT;
    offset_[stream] = size_of(files_.streams[stream]);
    streams_missing_ = streams_missing_ || fd < 0;
  }
  return !streams_missing_;
}

void Log::remove_generation(std::uint32_t generation) {
  for (const LogFile kind : wire::kLogFileKinds)
    sys(SYS_unlinkat, kind == LogFile::Index ? files_.index_dir : files_.stream_dir,
        LogName(kind, generation).text, 0);
}

/// False when there is no more to be had.
bool Log::make_room() { return !limits_.blocks && drop_oldest(); }

/// False when there is no rotated one left.
bool Log::drop_oldest() {
  if (files_.stream_dir < 0 || files_.index_dir < 0) return false;
  if (oldest_ == 0) learn_generations();
  if (oldest_ >= generation_) return false;
  if (generation_ - oldest_ > kMostGenerations) oldest_ = generation_ - kMostGenerations;
  remove_generation(oldest_++);
  return true;
}

}  // namespace ringfort::shim
