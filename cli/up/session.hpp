// The life of one `up`: starts services as those they depend on allow, shows what they write, stops
// them in reverse order. One thread decides; calls that block longer run beside it.
#pragma once

#include "ringfort/cli/up/news.hpp"
#include "ringfort/cli/up/order.hpp"
#include "ringfort/cli/up/replica.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace ringfort::cli {

class Session {
 public:
  Session(Runtime& runtime, const specs::Deployment& deployment, UpOutput& output,
          std::shared_ptr<NewsBox> news, std::optional<Duration> timeout,
          const RunOptions& options);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Until nothing runs and nothing will. 0 all ended well or were stopped, 1 one failed, 124.
  int run();

 private:
  using Clock = std::chrono::steady_clock;
  struct Member {
    std::string name;
    const specs::Service* service = nullptr;
    std::vector<Replica> replicas;
    bool is_begun = false;
    bool is_given_up = false;
  };

  void start_what_may();
  bool may_start(Member& member);
  void give_up(Member& member, const std::string& why);
  void begin(Member& member);
  void warn_about(const Member& member);
  void warn_not_enforced(const std::string& name, const std::vector<std::string>& fields);
  Progress progress_of(const Member& member) const;
  Member* find(const std::string& name);
  Replica* find(const ContainerId& id);

  void wait_for_news();
  void hear(const News& news);
  void on_signal(int number);
  void stop_all();
  void kill_all();
  void show_board();
  Duration time_to_wait() const;
  bool is_over() const;
  bool has_failed() const;

  Runtime& runtime_;
  UpOutput& output_;
  std::shared_ptr<NewsBox> news_;
  std::vector<Member> members_;  ///< in start order
  Clock::time_point begun_ = Clock::now();
  std::optional<Duration> timeout_;
  RunOptions options_;  ///< of every container
  Clock::time_point next_board_ = begun_;
  std::set<std::string> warned_;  ///< "web: restart_policy"
  std::thread stopper_;
  bool is_stopping_ = false;
  bool is_stopped_ = false;
  bool is_timed_out_ = false;
};

}  // namespace ringfort::cli
