// One schedule against one fresh data directory, and the comparison at its end.
#pragma once

#include "client.hpp"
#include "history.hpp"
#include "model.hpp"
#include "schedule.hpp"
#include "supervisor.hpp"
#include "world.hpp"

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace ringfort::chaos {

struct Verdict {
  std::vector<std::string> violations;
  int operations = 0;
  int interrupted = 0;
  std::map<std::string, int> faults;  ///< those that hit something
};

class Round {
 public:
  Round(const Schedule& schedule, History& history);
  ~Round();
  Verdict run();

 private:
  using Clock = std::chrono::steady_clock;
  struct Hand;  ///< a client's thread
  struct Hold {
    Clock::time_point until;
    std::function<void()> release;
  };

  void give(int client, int number, const Step& step);
  void do_step(int number, const Step& step);
  Reply ask(int number, const Step& step, Client& client);
  void check_lines(const Step& step, const Reply& reply);

  void operate(int number, const Step& step);
  std::optional<std::pair<std::string, Process>> choose_main(const Step& step);
  void kill_shim(int number, const Step& step);
  void kill_main(int number, const Step& step);
  void freeze(const Step& step, pid_t pid);
  void soil(const Model& model);
  void fill_disk(const Step& step);
  void thief(const Step& step);
  void hold(const Step& step, std::function<void()> release);
  void release_due(bool all);
  void hit(int number, Verb verb, const std::string& name, int life, pid_t pid, int signal);

  void look_at_mains();
  void forget_old(bool all);
  void settle(const std::string& name);
  void compare(const std::string& name);
  bool is_printed_limit(const Process& process);
  void clean_up();
  void violate(const std::string& text);

  const Schedule& schedule_;
  History& history_;
  World world_;
  Supervisor supervisor_{world_};
  std::vector<std::unique_ptr<Hand>> hands_;
  Client own_{world_, supervisor_};  ///< asks at the end

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Model> models_;
  std::map<int, std::pair<std::string, Clock::time_point>> interrupted_;
  std::vector<Hold> holds_;
  std::map<std::string, std::optional<int>> ports_;
  std::set<std::string> supervised_;  ///< names whose containers may be the living supervisor's
  std::vector<std::pair<std::string, int>> orphans_;  ///< name and life
  bool is_full_ = false;
  int fills_ = 0;
  std::set<int> soiled_;  ///< lives whose output a full disk may have taken
  Verdict verdict_;
  int next_number_ = 0;
};

}  // namespace ringfort::chaos
