// What happened, a JSON object a line.
#pragma once

#include <nlohmann/json.hpp>

#include <chrono>
#include <deque>
#include <fstream>
#include <mutex>
#include <string>

namespace ringfort::chaos {

class History {
 public:
  explicit History(const std::string& path) : file_(path, std::ios::trunc) {}

  void add(nlohmann::json event) {
    const std::lock_guard lock(mutex_);
    const auto since = std::chrono::steady_clock::now() - begin_;
    event["ms"] = std::chrono::duration_cast<std::chrono::microseconds>(since).count() / 1000.0;
    const auto line = event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    file_ << line << std::endl;
    if (has_violation_) return;
    has_violation_ = event.at("event") == "VIOLATION";
    last_.push_back(line);
    if (last_.size() > 60) last_.pop_front();
  }
  /// The last events; those up to the first violation if there is one.
  std::string tail() {
    const std::lock_guard lock(mutex_);
    std::string text;
    for (const auto& line : last_) text += line + "\n";
    return text;
  }

 private:
  std::mutex mutex_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::ofstream file_;
  std::deque<std::string> last_;
  bool has_violation_ = false;
};

}  // namespace ringfort::chaos
