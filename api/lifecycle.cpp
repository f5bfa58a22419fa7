// From create to remove.
#include "ringfort/api/impl.hpp"
#include "ringfort/api/user_name.hpp"

namespace ringfort {

using namespace messages;

namespace {

WallTime now() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

/// What the callee may take on top of the caller's own patience.
Duration with_slack(Duration patience) {
  constexpr Duration longest = std::chrono::hours(24 * 365);
  return std::min(patience, longest) + kCallLimit;
}

}  // namespace

Result<Created> Runtime::create_container(const ContainerId& id, const specs::Service& service,
                                          const RunOptions& options) {
  return create_container(id, std::make_shared<const specs::Service>(service), options);
}

Result<Created> Runtime::create_container(const ContainerId& id,
                                          std::shared_ptr<const specs::Service> service,
                                          const RunOptions& options) {
  Create create{id, std::move(service), options};
  if (!create.service) return fail(ErrorKind::InvalidSpec, "no service is given", "give one");
  if (!create.options.user) create.options.user = create.service->user;
  if (create.options.user) {
    auto numbers = user_in_numbers(*create.options.user);
    if (!numbers) return fail(std::move(numbers.error()));
    create.options.user = std::move(*numbers);
  }
  return impl_->ask<Result<Created>>(std::move(create), kQueuedCallLimit);
}

Result<Started> Runtime::start_container(const ContainerId& id) {
  auto called = now();
  auto started = impl_->ask<Result<Started>>(id, Start{}, kQueuedCallLimit);
  if (started) started->took = std::max(Duration{0}, Duration{started->at - called});
  return started;
}

Status Runtime::stop_container(const ContainerId& id, Duration patience) {
  return impl_->ask<Status>(id, Stop{patience}, with_slack(patience));
}

Status Runtime::kill_container(const ContainerId& id, std::string_view signal, bool whole_tree) {
  return impl_->ask<Status>(id, Kill{std::string(signal), whole_tree});
}

Status Runtime::pause_container(const ContainerId& id) { return impl_->ask<Status>(id, Pause{}); }

Status Runtime::unpause_container(const ContainerId& id) {
  return impl_->ask<Status>(id, Unpause{});
}

Status Runtime::remove_container(const ContainerId& id) {
  return impl_->ask<Status>(id, Remove{}, kQueuedCallLimit);
}

Result<std::vector<ContainerId>> Runtime::adopt_containers() {
  return impl_->ask<Result<std::vector<ContainerId>>>(AdoptAll{});
}

Result<ExitRecord> Runtime::wait_exit(const ContainerId& id, std::optional<Duration> patience) {
  Duration limit = patience ? with_slack(*patience) : kForEver;
  return impl_->ask<Result<ExitRecord>>(id, Wait{patience}, limit);
}

Result<int> Runtime::wait_container(const ContainerId& id, std::optional<Duration> patience) {
  return wait_exit(id, patience).map([](const ExitRecord& exit) { return exit.code; });
}

Result<ExecResult> Runtime::exec(const ContainerId& id, const std::vector<std::string>& command,
                                 const ExecOptions& options) {
  Duration limit = options.timeout ? with_slack(*options.timeout) : kForEver;
  return impl_->ask<Result<ExecResult>>(id, Exec{command, options}, limit);
}

}  // namespace ringfort
