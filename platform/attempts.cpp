#include "ringfort/platform/attempts.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace ringfort::platform {
namespace {

constexpr std::size_t kMostAttempts = 16;
constexpr std::size_t kMostOfLine = 4;
constexpr std::size_t kLongestLine = 8192;
constexpr std::size_t kLongestPath = 4095;
constexpr std::size_t kLongestHost = 253;  // RFC 1035, section 2.3.4

constexpr std::string_view kRefusals[] = {"permission denied",
                                          "operation not permitted",
                                          "read-only file system",
                                          "access denied",
                                          "not permitted",
                                          "address family not",
                                          "protocol not supported",
                                          "eacces",
                                          "eperm",
                                          "erofs"};
constexpr std::string_view kAbsences[] = {"no such file", "enoent", "not found", "does not exist"};
constexpr std::string_view kCreating[] = {"creat", "mkdir", "touch"};
constexpr std::string_view kWriting[] = {"writ",  "remov",      "unlink",      "renam", "read-only",
                                         "erofs", "for append", "cannot move", "save"};
constexpr std::string_view kExecuting[] = {"exec", "interpreter", "spawn"};
constexpr std::string_view kBinding[] = {"bind", "listen"};

std::string lowered(std::string_view text) {
  std::string low(text);
  for (char& c : low)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return low;
}

template <class Words>
bool has_one_of(std::string_view text, const Words& words) {
  return std::ranges::any_of(
      words, [text](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

/// Where the first of `words` begins.
template <class Words>
std::size_t first_of(std::string_view text, const Words& words) {
  std::size_t first = std::string_view::npos;
  for (const auto word : words) first = std::min(first, text.find(word));
  return first;
}

/// A line taken apart: what it names, in its order, each once.
class Names {
 public:
  explicit Names(std::string_view line) : line_(line) {}

  std::vector<std::string> take(std::size_t phrase) {
    add_quoted();
    add_words();
    if (paths_.empty()) add_segment(phrase);
    return std::move(paths_);
  }

 private:
  void add(std::string_view path) {
    while (!path.empty() && std::string_view(",:;.)]}'\"").find(path.back()) != path.npos &&
           path != "." && path != "..")
      path.remove_suffix(1);
    if (path.empty() || path.size() > kLongestPath || path.find('\0') != path.npos) return;
    const bool is_known = std::ranges::find(paths_, path) != paths_.end();
    if (!is_known && paths_.size() < kMostOfLine) paths_.emplace_back(path);
  }

  /// Whatever stands in quotes; with a slash, or alone as a file's name.
  void add_quoted() {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kQuotes{
        {{"'", "'"}, {"\"", "\""}, {"`", "'"}, {"\xe2\x80\x98", "\xe2\x80\x99"}}};
    for (const auto& [open, close] : kQuotes) {
      for (std::size_t at = 0;;) {
        const auto begin = line_.find(open, at);
        if (begin == line_.npos) break;
        const auto end = line_.find(close, begin + open.size());
        if (end == line_.npos) break;
        const auto inner = line_.substr(begin + open.size(), end - begin - open.size());
        const bool is_path = inner.find('/') != inner.npos || inner.find(' ') == inner.npos;
        if (is_path && inner.find(": ") == inner.npos) add(inner);
        at = end + close.size();
      }
    }
  }

  void add_words() {
    for (std::size_t begin = 0; begin < line_.size();) {
      const auto end = std::min(line_.find_first_of(" \t", begin), line_.size());
      if (end > begin && line_[begin] == '/') add(line_.substr(begin, end - begin));
      begin = end + 1;
    }
  }

  /// "cat: notes: Permission denied": the part between the colons in front of the phrase.
  void add_segment(std::size_t phrase) {
    const auto colon = phrase == line_.npos || phrase < 2 ? line_.npos : line_.rfind(": ", phrase);
    if (colon == line_.npos || colon == 0) return;
    const auto before = line_.rfind(": ", colon - 1);
    auto segment = line_.substr(before == line_.npos ? 0 : before + 2,
                                colon - (before == line_.npos ? 0 : before + 2));
    const auto blank = segment.rfind(' ');  // of "cannot create out": the last word
    if (blank != segment.npos) segment.remove_prefix(blank + 1);
    if (before != line_.npos) add(segment);
  }

  std::string_view line_;
  std::vector<std::string> paths_;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_host_char(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || c == '.' || c == '-'; }

std::optional<unsigned> number_at(std::string_view text, std::size_t at) {
  unsigned value = 0;
  std::size_t end = at;
  for (; end < text.size() && is_digit(text[end]) && end - at < 6; ++end)
    value = value * 10 + static_cast<unsigned>(text[end] - '0');
  const bool is_whole = end > at && (end == text.size() || !is_host_char(text[end]));
  if (!is_whole || value == 0 || value > 65535) return std::nullopt;
  return value;
}

/// "port 80" or "127.0.0.1:80"; a lone ":13" is a line number as often as not.
std::optional<std::string> port_in(std::string_view low) {
  const auto word = low.find("port ");
  if (word != low.npos)
    if (const auto port = number_at(low, word + 5)) return std::to_string(*port);
  for (auto colon = low.find(':'); colon != low.npos; colon = low.find(':', colon + 1)) {
    const auto port = number_at(low, colon + 1);
    auto begin = colon;
    while (begin > 0 && is_host_char(low[begin - 1])) --begin;
    const auto host = low.substr(begin, colon - begin);
    if (host.size() > kLongestHost) continue;
    if (port && host.find('.') != host.npos && host.find('/') == host.npos)
      return std::string(host) + ":" + std::to_string(*port);
    if (port && host == "localhost") return "localhost:" + std::to_string(*port);
  }
  return std::nullopt;
}

void add_line(std::vector<Attempt>& all, std::string_view line) {
  const auto low = lowered(line);
  const bool is_refused = has_one_of(low, kRefusals);
  const bool is_absence = !is_refused && has_one_of(low, kAbsences);
  if (!is_refused && !is_absence) return;
  const auto add = [&all](Attempt attempt) {
    if (all.size() < kMostAttempts && std::ranges::find(all, attempt) == all.end())
      all.push_back(std::move(attempt));
  };
  const auto port = is_refused ? port_in(low) : std::nullopt;
  if (port)
    add({has_one_of(low, kBinding) ? Operation::Bind : Operation::Connect, *port, true, false,
         false});
  Attempt attempt;
  attempt.is_absence = is_absence;
  attempt.creates = has_one_of(low, kCreating);
  const bool writes = attempt.creates || has_one_of(low, kWriting);
  const bool runs = !writes && has_one_of(low, kExecuting);
  attempt.is_sure = writes || runs;
  if (writes) attempt.operation = Operation::Write;
  if (runs) attempt.operation = Operation::Exec;
  auto phrase = is_refused ? first_of(low, kRefusals) : first_of(low, kAbsences);
  if (port) phrase = std::string_view::npos;  // what stands before it is no file
  for (auto& path : Names{line}.take(phrase)) {
    attempt.target = std::move(path);
    add(attempt);
  }
}

}  // namespace

bool is_path(const Attempt& attempt) {
  return attempt.operation != Operation::Connect && attempt.operation != Operation::Bind;
}

std::vector<Attempt> attempts_in(const std::vector<std::string>& lines) {
  std::vector<Attempt> all;
  for (const std::string_view line : lines) add_line(all, line.substr(0, kLongestLine));
  return all;
}

}  // namespace ringfort::platform
