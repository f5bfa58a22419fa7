// What can be asked about containers.
#include "ringfort/api/impl.hpp"

namespace ringfort {

using namespace messages;

Result<ContainerState> Runtime::container_state(const ContainerId& id) {
  return impl_->ask<Result<ContainerState>>(id, GetState{});
}

Result<std::vector<LogEntry>> Runtime::container_logs(const ContainerId& id, std::size_t tail) {
  return get_logs(id, LogQuery{tail, {}});
}

Result<std::vector<LogEntry>> Runtime::get_logs(const ContainerId& id, const LogQuery& query) {
  return impl_->ask<Result<std::vector<LogEntry>>>(id, GetLogs{query});
}

Result<std::vector<LogEntry>> Runtime::get_logs(const ContainerId& id) {
  return get_logs(id, LogQuery{});
}

Result<Stats> Runtime::get_container_stats(const ContainerId& id) {
  return impl_->ask<Result<Stats>>(id, GetStats{});
}

Result<std::optional<std::int32_t>> Runtime::get_container_pid(const ContainerId& id) {
  return impl_->ask<Result<ContainerEntry>>(id, GetEntry{}).map(&ContainerEntry::pid);
}

Result<std::optional<std::string>> Runtime::get_container_ip(const ContainerId& id) {
  // Its own port makes the difference: at level `network` a relay listens there, below it the
  // container has the host's addresses.
  return impl_->ask<Result<ContainerEntry>>(id, GetEntry{}).map([](const ContainerEntry&) {
    return std::optional<std::string>{"127.0.0.1"};
  });
}

Result<std::optional<std::uint16_t>> Runtime::get_container_port_override(const ContainerId& id) {
  return impl_->ask<Result<ContainerEntry>>(id, GetEntry{}).map(&ContainerEntry::port);
}

Result<ContainerEntry> Runtime::container_entry(const ContainerId& id) {
  return impl_->ask<Result<ContainerEntry>>(id, GetEntry{});
}

Result<std::vector<ContainerEntry>> Runtime::list_containers(bool all) {
  return impl_->ask<Result<std::vector<ContainerEntry>>>(ListContainers{all});
}

}  // namespace ringfort
