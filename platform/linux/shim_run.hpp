// One run's way to its shim: the control socket, and exec over it. Linux body of platform::Run.
#pragma once

#include "ringfort/platform/protocol.hpp"
#include "ringfort/platform/spawner.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace ringfort::platform {

class ExecJob;

class ShimRun final : public Run, public std::enable_shared_from_this<ShimRun> {
 public:
  /// Either `state_dir` holds the socket, or `private_connection` is the only one. `protocol` is
  /// the shim's.
  ShimRun(EventLoop& loop, std::string container, std::string state_dir, Fd private_connection,
          std::uint32_t protocol = helper_protocol());
  /// The run is over. An exec that its shim has never taken up is answered: who made the listening
  /// socket may keep it, and then no end of file tells of the shim's end.
  ~ShimRun() override;

  Status stop(Duration patience) override;
  Status signal(int number, bool whole_tree) override;
  Status kill_tree(bool oom) override;
  Status freeze() override;
  Status thaw() override;
  void exec(ExecRequest request, std::function<void(Result<ExecResult>)> done) override;

  /// A fresh connection, or a copy of the private one. Error: Conflict when the shim is gone.
  Result<Fd> connect() const;

 private:
  Status send(wire::ControlRequest request) const;
  void remember(const std::shared_ptr<ExecJob>& job);

  EventLoop& loop_;
  std::uint8_t protocol_;
  std::string container_;
  std::string state_dir_;
  Fd private_connection_;
  /// One exec at a time on the private connection: two would read each other's answers.
  std::shared_ptr<std::atomic<bool>> private_exec_ = std::make_shared<std::atomic<bool>>(false);
  std::mutex mutex_;
  std::vector<std::weak_ptr<ExecJob>> jobs_;  ///< in progress, and some that have ended
};

}  // namespace ringfort::platform
