// All actors of one runtime, wired. The only place where they are put together and taken apart.
#pragma once

#include "ringfort/actors/context.hpp"
#include "ringfort/messages/supervisor.hpp"

#include <memory>
#include <optional>
#include <string>

namespace ringfort::actors {

/// What the actors of a runtime run on.
struct ActorThreads {
  std::shared_ptr<caf::actor_system> system;
  std::shared_ptr<FileThreads> for_files;  ///< those of them that may be blocked; empty = none
};

/// The actor system of this process for runtimes that bring none: made for the first of them, gone
/// with the last. `workers` counts for the first (0 = two); those for files are added.
ActorThreads shared_threads(std::size_t workers);

class System {
 public:
  /// Opens the data directory and starts the event loop. `threads` outlive the result.
  static Result<std::unique_ptr<System>> open(const std::string& data_dir, Settings settings,
                                              ActorThreads threads);
  /// The same over given seams, for tests.
  static std::unique_ptr<System> over(Seams seams, Settings settings,
                                      std::shared_ptr<caf::actor_system> actors);

  /// Ends the containers as `on_exit` says, then every actor; returns when all of it is gone.
  ~System();
  System(const System&) = delete;
  System& operator=(const System&) = delete;

  const std::shared_ptr<caf::actor_system>& actors() const { return actors_; }
  const messages::SupervisorHandle& supervisor() const { return supervisor_; }
  const Context& context() const { return *context_; }

 private:
  explicit System(std::shared_ptr<caf::actor_system> actors) : actors_(std::move(actors)) {}

  // In this order: whatever is below goes first.
  std::shared_ptr<caf::actor_system> actors_;
  std::shared_ptr<platform::EventLoop> loop_;
  std::shared_ptr<const Context> context_;
  messages::SupervisorHandle supervisor_;
};

}  // namespace ringfort::actors
