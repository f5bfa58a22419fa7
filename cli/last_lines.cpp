#include "ringfort/cli/last_lines.hpp"

#include <algorithm>

namespace ringfort::cli {
namespace {

constexpr std::size_t kMostLines = 24;
constexpr std::size_t kLongest = 8192;

}  // namespace

void LastLines::add(const LogEntry& entry) {
  if (entry.stream != LogStream::Stderr || entry.is_notice) return;
  if (!goes_on_) lines_.emplace_back();
  if (lines_.size() > kMostLines) lines_.pop_front();
  auto& line = lines_.back();
  line += entry.message.substr(0, kLongest - std::min(kLongest, line.size()));
  goes_on_ = entry.is_partial;
}

std::vector<std::string> LastLines::take() {
  std::vector<std::string> lines{lines_.begin(), lines_.end()};
  lines_.clear();
  goes_on_ = false;
  return lines;
}

bool is_to_explain(const ExitRecord& exit) {
  return exit.code != 0 && (exit.reason == EndReason::Exited || exit.reason == EndReason::Signaled);
}

std::vector<AccessAnswer> probable_denials(const std::string& data_dir, const ContainerId& id,
                                           const std::vector<std::string>& lines) {
  if (lines.empty()) return {};
  AccessSetting setting;
  setting.data_dir = data_dir;
  const auto judge = AccessJudge::of_container(id, setting);
  return judge ? judge->denials_in(lines) : std::vector<AccessAnswer>{};
}

}  // namespace ringfort::cli
