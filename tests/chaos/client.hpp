// One request of a client as a command, or to the living supervisor, and its answer in the
// model's words.
#pragma once

#include "model.hpp"
#include "supervisor.hpp"
#include "world.hpp"

#include <atomic>
#include <optional>
#include <string>
#include <vector>

namespace ringfort::chaos {

struct Reply {
  Answer answer;
  std::string text;                ///< of an error
  std::string violation;           ///< what no model has to be asked about
  std::optional<int> port;         ///< of inspect
  std::vector<std::string> lines;  ///< of logs
  bool has_notice = false;         ///< of logs: output is missing, and that is said
};

class Client {
 public:
  Client(World& world, Supervisor& supervisor) : world_(world), supervisor_(supervisor) {}

  /// `life` of a create is that of its program.
  Reply ask(const Step& step, int life);
  /// SIGKILL to the command in flight; false if there is none.
  bool kill_command();

 private:
  Reply ask_command(const Step& step, int life);
  Reply ask_supervisor(const Step& step, int life);

  World& world_;
  Supervisor& supervisor_;
  std::mutex mutex_;
  pid_t in_flight_ = 0;
};

}  // namespace ringfort::chaos
