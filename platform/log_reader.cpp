#include "ringfort/platform/log_reader.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>

namespace ringfort::platform {
namespace {

using wire::LogFile;

enum class Kind : std::uint8_t { Line, Lost, Cut, Damaged };

/// Where a line begins. Its end is where the next one of its stream begins.
struct LineStart {
  std::uint64_t offset = 0;
  std::uint64_t sequence = 0;
  std::int64_t wall_usec = 0;
  std::uint32_t lost = 0;  ///< bytes, of Kind::Lost
  std::uint8_t stream = 0;
  Kind kind = Kind::Line;
};

struct Generation {
  std::uint32_t number = 0;
  ReverseIndex index;
  std::uint64_t index_size = 0;
  std::array<std::uint64_t, 2> begin{};  ///< in the joined streams
  std::array<std::uint64_t, 2> size{};
  /// So much earlier than the index says are the bytes: somebody cut the file.
  std::array<std::uint64_t, 2> shift{};
};

/// All generations as they were at one moment, from the oldest.
struct Snapshot {
  std::vector<Generation> generations;
  std::array<JoinedFile, 2> streams;
  std::array<std::int64_t, 2> modified{};
  std::array<std::uint64_t, 2> indexed{};  ///< of the joined streams, up to there
  std::uint64_t next_sequence = 0;
};

void add_generation(Snapshot& all, const LogPlace& place, std::uint32_t number, bool is_current,
                    Fd index) {
  Generation added;
  added.number = number;
  added.index_size = size_of(index.get());
  added.index = ReverseIndex(place, std::move(index));
  wire::LogIndexEntry last{};
  const bool has_last = added.index.previous(last);
  added.index.rewind();
  for (std::uint8_t stream = 0; stream < 2; ++stream) {
    const auto kind = static_cast<LogFile>(stream);
    auto fd = is_current ? place.open_stream(kind, number) : place.open_file(kind, number);
    all.modified[stream] = modified_usec(fd.get());
    added.begin[stream] = all.streams[stream].add(place, std::move(fd));
    added.size[stream] = all.streams[stream].size() - added.begin[stream];
    const auto end = !has_last ? 0 : last.stream == stream ? end_of(last) : last.other;
    if (end > added.size[stream]) added.shift[stream] = end - added.size[stream];
    all.indexed[stream] = added.begin[stream] + std::min(end, added.size[stream]);
  }
  if (has_last) all.next_sequence = last.sequence + 1;
  all.generations.push_back(std::move(added));
}

/// The index before the streams: what is written meanwhile is then bytes without an entry, and not
/// the reverse. The current files before the rotated ones: what is rotated meanwhile keeps its
/// number.
Snapshot take_snapshot(const LogPlace& place) {
  Snapshot all;
  auto index = place.open_file(LogFile::Index, 0);
  auto numbers = place.rotated();
  const auto current =
      place.generation_of(index.get()).value_or(numbers.empty() ? 1 : numbers.back() + 1);
  for (const auto number : numbers)
    if (number < current)
      add_generation(all, place, number, false, place.open_file(LogFile::Index, number));
  add_generation(all, place, current, true, std::move(index));
  return all;
}

/// Goes backwards through the index and finds line starts until there are enough. Every byte of a
/// log belongs to some entry: to the one that covers it, else to the last one before it.
class LineFinder {
 public:
  LineFinder(Snapshot& all, std::size_t enough, std::int64_t since)
      : all_(all), enough_(enough), since_(since) {
    for (std::size_t i = 0; i < 2; ++i) upper_[i] = all_.streams[i].size();
  }

  /// In reverse order.
  std::vector<LineStart> run() {
    // Bytes behind the last entry: their shim died before it wrote the entry.
    for (const std::uint8_t stream : {1, 0})
      take(stream, all_.indexed[stream], all_.next_sequence + stream, all_.modified[stream]);
    oldest_.wall_usec = std::min(all_.modified[0], all_.modified[1]);
    oldest_.sequence = all_.next_sequence;
    for (auto at = all_.generations.rbegin(); at != all_.generations.rend() && !done(); ++at)
      walk(*at);
    for (const std::uint8_t stream : {1, 0}) take(stream, 0, oldest_.sequence, oldest_.wall_usec);
    return std::move(starts_);
  }

 private:
  bool done() const { return starts_.size() >= enough_ || too_old_; }

  void walk(Generation& one) {
    wire::LogIndexEntry entry{};
    while (!done() && one.index.previous(entry)) {
      if (one.index.take_damage()) say_damage();
      if (entry.generation != one.number) continue;
      oldest_ = entry;
      too_old_ = entry.wall_usec < since_;
      if (too_old_) return;
      const auto place = [&](std::uint64_t offset) {
        const auto shift = one.shift[entry.stream];
        const auto moved = offset > shift ? offset - shift : 0;
        return one.begin[entry.stream] + std::min(moved, one.size[entry.stream]);
      };
      if ((entry.flags & wire::kLogDropped) != 0)
        cut({place(entry.offset), entry.sequence, entry.wall_usec, entry.length, entry.stream,
             Kind::Lost});
      take(entry.stream, place(entry.offset), entry.sequence, entry.wall_usec);
    }
    if (one.index.take_damage()) say_damage();
    for (const std::uint8_t stream : {1, 0}) {
      if (done()) return;
      // What is before its first entry: the index begins late.
      take(stream, one.begin[stream], oldest_.sequence, oldest_.wall_usec);
      if (one.shift[stream] > 0)
        cut({one.begin[stream], oldest_.sequence, oldest_.wall_usec, 0, stream, Kind::Cut});
    }
  }

  void say_damage() {
    starts_.push_back({0, oldest_.sequence, oldest_.wall_usec, 0, 0, Kind::Damaged});
  }

  /// A notice, which ends a line that is in the middle.
  void cut(LineStart what) {
    auto& log = all_.streams[what.stream];
    const bool cuts_a_line = what.offset > 0 && what.offset < log.size() &&
                             what.offset != cut_[what.stream] &&
                             log.backwards(what.offset - 1, what.offset) != "\n";
    if (cuts_a_line) {
      starts_.push_back({what.offset, what.sequence, what.wall_usec, 0, what.stream, Kind::Line});
      cut_[what.stream] = what.offset;
    }
    starts_.push_back(what);
  }

  /// Finds the line starts in [from, upper) of a stream, from the last to the first.
  void take(std::uint8_t stream, std::uint64_t from, std::uint64_t sequence, std::int64_t time) {
    auto& log = all_.streams[stream];
    while (upper_[stream] > from && !done()) {
      // A piece at a time, with the byte before it, which tells whether a line begins with it.
      const auto upper = upper_[stream];
      const auto begin = std::max(from, upper - std::min<std::uint64_t>(upper, kPiece));
      const auto bytes = log.backwards(begin == 0 ? 0 : begin - 1, upper);
      for (auto at = upper; at-- > begin && !done();) {
        const auto before = begin == 0 ? at - 1 : at - begin;  // index of byte `at - 1`
        if (at == 0 || (before < bytes.size() && bytes[before] == '\n'))
          starts_.push_back({at, sequence, time, 0, stream, Kind::Line});
      }
      upper_[stream] = begin;
    }
  }

  static constexpr std::uint64_t kPiece = 32768;

  Snapshot& all_;
  std::size_t enough_;
  std::int64_t since_;
  bool too_old_ = false;
  std::array<std::uint64_t, 2> upper_{};
  std::array<std::uint64_t, 2> cut_{};  ///< the last line that began in the middle
  wire::LogIndexEntry oldest_{};
  std::vector<LineStart> starts_;
};

LogEntry entry_of(const LineStart& start) {
  LogEntry entry;
  entry.time = WallTime(std::chrono::microseconds(start.wall_usec));
  entry.sequence = start.sequence;
  entry.stream = start.stream == 0 ? LogStream::Stdout : LogStream::Stderr;
  entry.is_notice = start.kind != Kind::Line;
  if (start.kind == Kind::Lost) entry.message = notice::lost(start.lost);
  if (start.kind == Kind::Cut) entry.message = notice::kCut;
  if (start.kind == Kind::Damaged) entry.message = notice::kDamaged;
  return entry;
}

/// The line in [start, end), in parts if it is long.
void add_line(std::vector<LogEntry>& out, const LineStart& start, std::uint64_t end,
              JoinedFile& log) {
  auto at = start.offset;
  do {
    auto entry = entry_of(start);
    // One byte more: it tells whether the line ends with this part.
    const auto to = std::min<std::uint64_t>(end, at + wire::kLogRecord + 1);
    auto bytes = log.forwards(at, to);
    if (to == end && bytes.ends_with('\n')) bytes.remove_suffix(1);
    entry.is_partial = bytes.size() > wire::kLogRecord;
    entry.message = bytes.substr(0, wire::kLogRecord);
    if (bytes.empty()) {
      if (at == start.offset) out.push_back(std::move(entry));
      return;
    }
    at += entry.message.size();
    const bool last = !entry.is_partial;
    out.push_back(std::move(entry));
    if (last) return;
  } while (at < end);
}

/// Takes the lines out of `starts` that have no newline yet.
void set_aside(std::vector<LineStart>& starts, Snapshot& all, LogPosition& position) {
  const auto& last = all.generations.back();
  position.generation = last.number;
  position.index_offset = last.index_size;
  for (std::uint8_t stream = 0; stream < 2; ++stream) {
    position.offset[stream] = last.size[stream];
    auto& log = all.streams[stream];
    const auto end = log.size();
    if (end == 0 || log.backwards(end - 1, end) == "\n") continue;
    const auto found = std::ranges::find_if(starts, [&](const LineStart& start) {
      return start.stream == stream && start.kind == Kind::Line;
    });
    if (found == starts.end()) continue;
    position.unfinished[stream] = entry_of(*found);
    position.unfinished[stream].message = log.forwards(found->offset, end);
    starts.erase(found);
  }
}

}  // namespace

std::string notice::lost(std::uint64_t bytes) {
  return "[ringfort: " + std::to_string(bytes) +
         " bytes of output were lost here, the log could not be written]";
}

std::vector<LogEntry> read_log(const LogPlace& place, const LogQuery& query,
                               LogPosition* position) {
  auto all = take_snapshot(place);
  constexpr auto kAll = std::numeric_limits<std::size_t>::max();
  const auto enough = query.tail == 0 ? kAll : query.tail;
  const auto since = query.since ? query.since->time_since_epoch().count()
                                 : std::numeric_limits<std::int64_t>::min();
  // Two more, as each stream's last line may be an unfinished one.
  const auto wanted = enough == kAll || position == nullptr ? enough : enough + 2;
  auto starts = LineFinder(all, wanted, since).run();
  // The ends are known from the back, reading is cheapest from the front: two passes.
  std::array<std::uint64_t, 2> next{all.streams[0].size(), all.streams[1].size()};
  if (position != nullptr) {
    set_aside(starts, all, *position);
    for (std::uint8_t stream = 0; stream < 2; ++stream)
      next[stream] -= position->unfinished[stream].message.size();
  }
  std::vector<std::uint64_t> ends(starts.size());
  for (std::size_t i = 0; i < starts.size(); ++i) {
    if (starts[i].kind == Kind::Damaged) continue;
    ends[i] = next[starts[i].stream];
    next[starts[i].stream] = starts[i].offset;
  }
  std::vector<LogEntry> entries;
  entries.reserve(starts.size());
  for (std::size_t i = starts.size(); i-- > 0;) {
    if (starts[i].wall_usec < since) continue;
    if (starts[i].kind != Kind::Line) {
      entries.push_back(entry_of(starts[i]));
    } else {
      add_line(entries, starts[i], ends[i], all.streams[starts[i].stream]);
    }
  }
  if (entries.size() > enough)
    entries.erase(entries.begin(), entries.end() - static_cast<std::ptrdiff_t>(enough));
  return entries;
}

Result<std::vector<LogEntry>> read_log(const std::string& container_dir,
                                       const std::string& state_dir, const LogQuery& query) {
  auto place = LogPlace::open(container_dir, state_dir);
  if (!place) return fail(place.error());
  auto entries = read_log(*place, query, nullptr);
  if (auto whole = place->trouble(); !whole) return fail(whole.error());
  return entries;
}

}  // namespace ringfort::platform
