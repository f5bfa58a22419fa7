// A container that nobody makes, for questions about one that somebody might. Only for the sources
// of api/.
#pragma once

#include "ringfort/platform/host_probe.hpp"
#include "ringfort/platform/launch_plan.hpp"
#include "ringfort/platform/policy.hpp"
#include "ringfort/platform/spawner.hpp"

#include <memory>

namespace ringfort {

/// A spawner for trials, with the loop under it.
struct Trials {
  std::unique_ptr<platform::EventLoop> loop;
  std::shared_ptr<platform::Spawner> spawner;
};
Result<Trials> open_trials();

Result<platform::ChosenLevel> level_of(const RunOptions& options, Isolation isolation);
platform::PolicyContext context_of(const specs::Service& service, const RunOptions& options);
platform::Command command_of(const specs::Service& service, const RunOptions& options);

}  // namespace ringfort
