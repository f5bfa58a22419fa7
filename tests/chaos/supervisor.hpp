// A program that holds a runtime and lives: it makes, starts and adopts containers as it is asked
// to over a socket, with `on_exit: keep`. It is there to be killed.
#pragma once

#include "model.hpp"
#include "world.hpp"

#include <nlohmann/json.hpp>

#include <atomic>
#include <chrono>
#include <string>

namespace ringfort::chaos {

/// Serves at this listening socket until SIGTERM; returns the exit code.
int supervise(const std::string& data_dir, int listener);

/// The living supervisor of a world. Who asks while none lives is answered by the next.
class Supervisor {
 public:
  explicit Supervisor(World& world);
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;
  ~Supervisor();

  pid_t pid() const { return pid_; }
  void kill_and_replace();
  /// Asks it to go; its exit code, -1 if it did not in time.
  int finish();
  /// Null if it was killed meanwhile, or did not answer in time (`late`).
  nlohmann::json ask(const nlohmann::json& request, std::chrono::milliseconds patience, bool& late);

 private:
  void start();
  World& world_;
  int listener_ = -1;
  std::atomic<pid_t> pid_ = -1;
};

}  // namespace ringfort::chaos
