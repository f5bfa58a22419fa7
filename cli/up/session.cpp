#include "ringfort/cli/up/session.hpp"

#include "ringfort/specs/enforcement.hpp"

#include <algorithm>
#include <csignal>
#include <system_error>
#include <utility>

#include <poll.h>

namespace ringfort::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto board_period = 1s;
constexpr Duration usual_patience = 10s;

struct StopJob {
  ContainerId id;
  Duration patience;
};

/// One service after the other, its replicas side by side.
void stop_in_turn(Runtime& runtime, const std::vector<std::vector<StopJob>>& services) {
  for (const auto& jobs : services) {
    std::vector<std::thread> threads;
    threads.reserve(jobs.size());
    for (const auto& job : jobs) {
      const auto stop = [&runtime, job] { (void)runtime.stop_container(job.id, job.patience); };
      try {
        threads.emplace_back(stop);
      } catch (const std::system_error&) {
        stop();  // the system allows no more threads: one after the other
      }
    }
    for (auto& thread : threads) thread.join();
  }
}

}  // namespace

Session::Session(Runtime& runtime, const specs::Deployment& deployment, UpOutput& output,
                 std::shared_ptr<NewsBox> news, std::optional<Duration> timeout,
                 const RunOptions& options)
    : runtime_(runtime),
      output_(output),
      news_(std::move(news)),
      timeout_(timeout),
      options_(options) {
  for (const auto& name : start_order(deployment)) {
    Member member{name, &deployment.services.at(name), {}, false, false};
    for (auto& id : replicas_of(name, *member.service)) member.replicas.emplace_back(std::move(id));
    members_.push_back(std::move(member));
  }
  runtime_.on_exit([box = news_](const ContainerId& id, const ExitRecord& exit) {
    box->put(ContainerEnded{id, exit});
  });
}

Session::~Session() {
  if (stopper_.joinable()) stopper_.join();
  for (auto member = members_.rbegin(); member != members_.rend(); ++member)
    for (const auto& replica : member->replicas)
      if (replica.is_started()) (void)runtime_.remove_container(replica.id());
}

int Session::run() {
  for (const auto& member : members_) warn_about(member);
  for (;;) {
    start_what_may();
    if (is_over()) next_board_ = Clock::now();  // the last one stays
    show_board();
    if (is_over()) break;
    wait_for_news();
  }
  if (is_timed_out_) return 124;
  return has_failed() ? 1 : 0;
}

void Session::warn_about(const Member& member) {
  const auto& service = *member.service;
  warn_not_enforced(member.name, specs::not_enforced(service));
  if (service.rtype == specs::ResourceType::Cron)
    output_.warning(member.name + ": is not started, as it is a cron service");
  for (const auto& depends : service.depends) {
    const auto* on = find(depends.service);
    if (on != nullptr && on->service->rtype == specs::ResourceType::Service &&
        depends.condition != specs::DependsCondition::Started)
      output_.warning(member.name + ": waits until " + depends.service +
                      " has started, not until it is healthy");
  }
}

void Session::warn_not_enforced(const std::string& name, const std::vector<std::string>& fields) {
  for (const auto& field : fields) {
    if (field == "depends.condition") continue;  // it depends on whom: see warn_about
    if (!warned_.insert(name + ": " + field).second) continue;
    const auto* rule = specs::find_rule(field);
    const bool has_note = rule != nullptr && !rule->note.empty();
    output_.warning(name + ": " + field + " is not enforced" +
                    (has_note ? " (" + std::string{rule->note} + ")" : ""));
  }
}

Session::Member* Session::find(const std::string& name) {
  const auto found = std::ranges::find(members_, name, &Member::name);
  return found == members_.end() ? nullptr : &*found;
}

Replica* Session::find(const ContainerId& id) {
  auto* member = find(id.service);
  if (member == nullptr) return nullptr;
  const auto found = std::ranges::find(member->replicas, id, &Replica::id);
  return found == member->replicas.end() ? nullptr : &*found;
}

Progress Session::progress_of(const Member& member) const {
  if (member.is_given_up) return Progress::Failed;
  if (!member.is_begun) return Progress::Waiting;
  const auto& replicas = member.replicas;
  const bool is_job = member.service->rtype == specs::ResourceType::Job;
  if (!std::ranges::any_of(replicas, &Replica::is_started) && !replicas.empty())
    return Progress::Failed;
  if (is_job && std::ranges::any_of(replicas, &Replica::has_failed)) return Progress::Failed;
  if (is_job && std::ranges::all_of(replicas, &Replica::is_over)) return Progress::Completed;
  return Progress::Started;
}

void Session::start_what_may() {
  // One pass is enough: what a service depends on stands before it.
  for (auto& member : members_) {
    if (member.is_begun || member.is_given_up) continue;
    if (is_stopping_ || member.service->rtype == specs::ResourceType::Cron) {
      member.is_begun = true;
      member.replicas.clear();
    } else if (may_start(member)) {
      begin(member);
    }
  }
}

bool Session::may_start(Member& member) {
  for (const auto& depends : member.service->depends) {
    auto* on = find(depends.service);
    if (on == nullptr) continue;  // an external one: nobody here starts it
    switch (readiness(depends.condition, on->service->rtype, progress_of(*on))) {
      case Readiness::Ready:
        continue;
      case Readiness::Never:
        give_up(member, "it depends on " + depends.service + ", which failed");
        return false;
      case Readiness::NotYet:
        break;
    }
    if (Clock::now() - begun_ < depends.timeout) return false;
    const auto why = "waited " + to_string(depends.timeout) + " for " + depends.service;
    if (depends.on_timeout == specs::OnFailure::Fail) {
      give_up(member, why);
      return false;
    }
    if (depends.on_timeout == specs::OnFailure::Warn) output_.warning(member.name + ": " + why);
  }
  return true;
}

void Session::give_up(Member& member, const std::string& why) {
  member.is_given_up = true;
  for (auto& replica : member.replicas) replica.set_failed(why);
  output_.failed(member.name, {ErrorKind::StartFailed, "not started: " + why, {}, {}, 0});
}

void Session::begin(Member& member) {
  member.is_begun = true;
  next_board_ = Clock::now();
  for (auto& replica : member.replicas) {
    auto created = replica.start(runtime_, *member.service, options_, output_);
    if (created) {
      if (!created->lowered.empty())
        output_.warning(replica.id().str() + " is lowered to " + created->lowered);
      warn_not_enforced(member.name, created->not_enforced);
    } else {
      replica.set_failed(created.error().what);
      output_.failed(replica.id().str(), created.error());
    }
  }
}

bool Session::is_over() const {
  if (is_stopping_ && !is_stopped_) return false;
  return std::ranges::all_of(members_, [](const Member& member) {
    return (member.is_begun || member.is_given_up) &&
           std::ranges::all_of(member.replicas, &Replica::is_over);
  });
}

bool Session::has_failed() const {
  return std::ranges::any_of(members_, [](const Member& member) {
    return member.is_given_up || std::ranges::any_of(member.replicas, &Replica::has_failed);
  });
}

Duration Session::time_to_wait() const {
  // Waiting services look at their own clocks; a tenth of a second is near enough for them.
  const bool is_waiting = std::ranges::any_of(
      members_, [](const Member& member) { return !member.is_begun && !member.is_given_up; });
  Duration patience = is_waiting ? Duration{100ms} : Duration{1h};
  const auto now = Clock::now();
  const auto until = [&](Clock::time_point time) {
    patience =
        std::min(patience, std::chrono::ceil<Duration>(std::max(time - now, Clock::duration{})));
  };
  for (const auto& member : members_)
    for (const auto& replica : member.replicas)
      if (const auto look = replica.when_to_look()) patience = std::min(patience, *look);
  if (timeout_ && !is_timed_out_) until(begun_ + *timeout_);
  if (output_.has_board()) until(next_board_);
  return patience;
}

void Session::wait_for_news() {
  std::vector<pollfd> ready{{news_->fd(), POLLIN, 0}};
  std::vector<Replica*> owners;
  for (auto& member : members_) {
    for (auto& replica : member.replicas) {
      ready.push_back({replica.log_fd(), POLLIN, 0});
      owners.push_back(&replica);
    }
  }
  const auto patience = std::chrono::ceil<std::chrono::milliseconds>(time_to_wait());
  (void)::poll(ready.data(), ready.size(), static_cast<int>(patience.count()));
  for (const auto& news : news_->take()) hear(news);
  for (std::size_t i = 0; i < owners.size(); ++i) {
    if (ready[1 + i].revents != 0 || owners[i]->when_to_look()) owners[i]->read(output_);
    owners[i]->announce_end(runtime_, output_);
  }
  if (timeout_ && !is_timed_out_ && !is_stopping_ && Clock::now() - begun_ >= *timeout_) {
    is_timed_out_ = true;
    output_.note("stopping: " + to_string(*timeout_) + " are over");
    stop_all();
  }
}

void Session::hear(const News& news) {
  if (const auto* ended = std::get_if<ContainerEnded>(&news)) {
    if (auto* replica = find(ended->id))
      replica->on_end(runtime_, ended->exit, is_stopping_, output_);
    next_board_ = Clock::now();
  } else if (const auto* came = std::get_if<SignalCame>(&news)) {
    on_signal(came->number);
  } else {
    is_stopped_ = true;
    for (auto& member : members_)
      for (auto& replica : member.replicas) replica.on_stopped(runtime_);
  }
}

void Session::on_signal(int number) {
  if (number == SIGWINCH) next_board_ = Clock::now();
  if (number != SIGINT && number != SIGTERM && number != SIGHUP && number != SIGQUIT) return;
  if (is_stopping_) {
    output_.note("killing what is left");
    kill_all();
  } else {
    output_.note("stopping; once more to kill");
    stop_all();
  }
}

void Session::stop_all() {
  is_stopping_ = true;
  std::vector<std::vector<StopJob>> services;
  for (auto member = members_.rbegin(); member != members_.rend(); ++member) {
    std::vector<StopJob> jobs;
    for (const auto& replica : member->replicas)
      if (replica.is_running())
        jobs.push_back({replica.id(), member->service->stop_grace_period.value_or(usual_patience)});
    services.push_back(std::move(jobs));
  }
  const auto stop = [&runtime = runtime_, box = news_, services = std::move(services)] {
    stop_in_turn(runtime, services);
    box->put(StopFinished{});
  };
  try {
    stopper_ = std::thread(stop);
  } catch (const std::system_error&) {
    stop();  // the system allows no more threads: nothing is shown meanwhile
  }
}

void Session::kill_all() {
  for (const auto& member : members_)
    for (const auto& replica : member.replicas)
      if (replica.is_running()) (void)runtime_.kill_container(replica.id(), "KILL", true);
}

void Session::show_board() {
  if (!output_.has_board() || Clock::now() < next_board_) return;
  next_board_ = Clock::now() + board_period;
  Board board;
  for (const auto& member : members_)
    for (const auto& replica : member.replicas) board.push_back(replica.row(runtime_));
  output_.board(board);
}

}  // namespace ringfort::cli
