#include "ringfort/platform/log_files.hpp"

#include "ringfort/platform/linux/dir_stack.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>

namespace ringfort::platform {

using wire::LogFile;
using wire::LogName;

Result<LogPlace> LogPlace::open(const std::string& container_dir, const std::string& state_dir) {
  LogPlace place;
  const std::array<std::pair<const std::string*, Fd*>, 2> both{
      {{&container_dir, &place.container}, {&state_dir, &place.state}}};
  for (const auto& [path, fd] : both) {
    *fd = Fd{::open(path->c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!*fd && errno != ENOENT) return fail(os_error("cannot open " + *path));
  }
  return place;
}

Fd LogPlace::open_file(LogFile kind, std::uint32_t generation) const {
  const int dir = of(kind);
  if (dir < 0) return {};
  Fd fd{::openat(dir, LogName(kind, generation).text,
                 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  // ELOOP: a link, ENXIO: a socket. No shim makes one; it is not followed, and is nobody's log.
  if (!fd && errno != ENOENT && errno != ELOOP && errno != ENXIO && trouble_)
    trouble_ = fail(os_error("cannot open " + std::string(LogName(kind, generation).text)));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  return fd;
}

Fd LogPlace::open_stream(LogFile kind, std::uint32_t generation) const {
  if (auto fd = open_file(kind, generation)) return fd;
  auto fd = open_file(kind, 0);
  // Rotated between the two looks: what was opened may belong to the next one already.
  if (auto now = open_file(kind, generation)) return now;
  // A shim makes the new streams after the new index: as long as that is not there, it is ours.
  const auto index = open_file(LogFile::Index, 0);
  if (generation_of(index.get()).value_or(generation) <= generation) return fd;
  // All of the rotation came after the looks above, or ours was removed since.
  return open_file(kind, generation);
}

std::vector<std::uint32_t> LogPlace::rotated() const {
  std::vector<std::uint32_t> found;
  for (const int dir : {container.get(), state.get()}) {
    if (dir < 0) continue;
    const auto entries = list_directory(dir);
    if (!entries) {  // the current files are read all the same
      if (trouble_) trouble_ = fail(entries.error());
      continue;
    }
    for (const auto& entry : *entries) {
      for (const LogFile kind : wire::kLogFileKinds) {
        const auto number = wire::rotated_generation(kind, entry.name.c_str());
        if (number != 0 && of(kind) == dir) found.push_back(number);
      }
    }
  }
  std::ranges::sort(found);
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

std::uint64_t size_of(int fd) {
  struct stat status {};
  return fd >= 0 && ::fstat(fd, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

std::int64_t modified_usec(int fd) {
  struct stat status {};
  if (fd < 0 || ::fstat(fd, &status) != 0) return 0;
  return status.st_mtim.tv_sec * 1'000'000 + status.st_mtim.tv_nsec / 1000;
}

std::string LogPlace::read(int fd, std::uint64_t offset, std::size_t size) const {
  std::string bytes(size, '\0');
  std::size_t got = 0;
  while (got < size) {
    const auto read = ::pread(fd, bytes.data() + got, size - got, static_cast<off_t>(offset + got));
    if (read < 0 && errno == EINTR) continue;
    if (read < 0 && trouble_) trouble_ = fail(os_error("cannot read its log"));
    if (read <= 0) break;
    got += static_cast<std::size_t>(read);
  }
  bytes.resize(got);
  return bytes;
}

bool parse_entry(const char* bytes, wire::LogIndexEntry& entry) {
  std::memcpy(&entry, bytes, sizeof entry);
  // What most garbage fails at comes first; a search for the next good entry tries every byte.
  return entry.stream <= 1 && entry.flags <= (wire::kLogDropped | wire::kLogBegin) &&
         entry.reserved == 0 &&
         entry.checksum == wire::checksum(&entry, offsetof(wire::LogIndexEntry, checksum));
}

std::optional<std::uint32_t> LogPlace::generation_of(int index_fd) const {
  if (index_fd < 0) return std::nullopt;
  wire::LogIndexEntry entry{};
  constexpr std::uint64_t kLook = 64 * sizeof entry;
  const auto size = size_of(index_fd);
  const auto bytes = read(index_fd, size > kLook ? size - kLook : 0, kLook);
  for (auto at = bytes.size(); at >= sizeof entry; --at)
    if (parse_entry(bytes.data() + at - sizeof entry, entry)) return entry.generation;
  return std::nullopt;
}

std::uint64_t end_of(const wire::LogIndexEntry& entry) {
  return entry.offset + ((entry.flags & wire::kLogDropped) != 0 ? 0 : entry.length);
}

std::uint64_t JoinedFile::add(const LogPlace& place, Fd fd) {
  place_ = &place;
  const auto begin = size_;
  if (!fd) return begin;
  const auto size = size_of(fd.get());
  parts_.push_back({std::move(fd), begin, size});
  size_ += size;
  return begin;
}

std::string_view JoinedFile::backwards(std::uint64_t from, std::uint64_t to) {
  if (from < begin_ || to > begin_ + window_.size())
    load(to - from < kWindow && to > kWindow ? to - kWindow : std::min(from, to), to);
  return view(from, to);
}

std::string_view JoinedFile::forwards(std::uint64_t from, std::uint64_t to) {
  if (from < begin_ || to > begin_ + window_.size())
    load(from, std::min(size_, std::max(to, from + kWindow)));
  return view(from, to);
}

void JoinedFile::load(std::uint64_t from, std::uint64_t to) {
  begin_ = from;
  window_.clear();
  for (const auto& part : parts_) {
    const auto begin = std::max(from, part.begin);
    const auto end = std::min(to, part.begin + part.size);
    if (begin >= end) continue;
    window_ += place_->read(part.fd.get(), begin - part.begin, end - begin);
    if (window_.size() != end - from) return;
  }
}

std::string_view JoinedFile::view(std::uint64_t from, std::uint64_t to) const {
  const std::string_view all(window_);
  if (from < begin_ || from - begin_ > all.size() || to < from) return {};
  return all.substr(from - begin_, to - from);
}

bool ReverseIndex::previous(wire::LogIndexEntry& entry) {
  while (left_ >= sizeof entry) {
    const auto bytes = file_.backwards(left_ - sizeof entry, left_);
    if (bytes.size() == sizeof entry && parse_entry(bytes.data(), entry)) {
      left_ -= sizeof entry;
      return true;
    }
    damaged_ = true;
    --left_;
  }
  damaged_ = damaged_ || left_ > 0;
  left_ = 0;
  return false;
}

}  // namespace ringfort::platform
