// The schema as a table: every struct's fields with their names, once. Reading, writing, spelling
// suggestions and the enforcement report all walk it; none of them knows a field by itself.
#pragma once

#include "ringfort/specs/deployment.hpp"
#include "ringfort/specs/key.hpp"
#include "ringfort/specs/part_fields.hpp"

namespace ringfort::specs {

RINGFORT_FIELDS(NodeSelector) {
  v("labels", s.labels...);
  v("prefer_labels", s.prefer_labels...);
}
RINGFORT_FIELDS(Platform) {
  v("os", s.os...);
  v("arch", s.arch...);
  v("osVersion", s.os_version...);
}
RINGFORT_FIELDS(Logs) {
  v("destination", s.destination...);
  v("max_size_bytes", s.max_size_bytes...);
  v("retention_secs", s.retention_secs...);
  v("max_size", s.max_size...);
  v("max_files", s.max_files...);
  v("mode", s.mode...);
}
RINGFORT_FIELDS(ReplicaGroup) {
  v(required("role"), s.role...);
  v(required("count"), s.count...);
  v("image", s.image...);
  v("env", s.env...);
  v("command", s.command...);
  v("resources", s.resources...);
  v("affinity", s.affinity...);
}
/// What runs, how often, and with what.
template <class V, class... S>
void workload_fields(V& v, S&... s) {
  v("rtype", s.rtype...);
  v("schedule", s.schedule...);
  v(required("image"), s.image...);
  v("resources", s.resources...);
  v("command", s.command...);
  v("env", s.env...);
  v("network", s.network...);
  v("endpoints", s.endpoints...);
  v("scale", s.scale...);
  v("replica_groups", s.replica_groups...);
  v("depends", s.depends...);
  v("health", s.health...);
  v("init", s.init...);
  v("errors", s.errors...);
  v("lifecycle", s.lifecycle...);
  v("storage", s.storage...);
}
/// Where it runs, as whom, and under which of the host's rules.
template <class V, class... S>
void host_fields(V& v, S&... s) {
  v("devices", s.devices...);
  v("port_mappings", s.port_mappings...);
  v(also("capabilities", "cap_add"), s.capabilities...);
  v("cap_drop", s.cap_drop...);
  v("privileged", s.privileged...);
  v("isolation", s.isolation...);
  v("node_mode", s.node_mode...);
  v("node_selector", s.node_selector...);
  v("affinity", s.affinity...);
  v("platform", s.platform...);
  v("service_type", s.service_type...);
  v(also("wasm", "wasm_http"), s.wasm...);
  v("logs", s.logs...);
  v("network_mode", s.network_mode...);
  // Another way to write network_mode: host.
  v.shorthand(
      "host_network",
      [](auto& it) {
        it.network_mode = {NetworkModeKind::Host, {}};
      },
      s...);
  v("hostname", s.hostname...);
  v("dns", s.dns...);
  v("extra_hosts", s.extra_hosts...);
  v("restart_policy", s.restart_policy...);
  v("labels", s.labels...);
  v("user", s.user...);
  v("stop_signal", s.stop_signal...);
  v("stop_grace_period", s.stop_grace_period...);
  v("sysctls", s.sysctls...);
  v("ulimits", s.ulimits...);
  v("security_opt", s.security_opt...);
  v("pid_mode", s.pid_mode...);
  v("ipc_mode", s.ipc_mode...);
  v("userns_mode", s.userns_mode...);
  v("extra_groups", s.extra_groups...);
  v("read_only_root_fs", s.read_only_root_fs...);
  v("init_container", s.init_container...);
  v("tty", s.tty...);
  v("stdin_open", s.stdin_open...);
  v("expose", s.expose...);
  v("cgroup_parent", s.cgroup_parent...);
  v("overlay", s.overlay...);
  v("localhost_reachability", s.localhost_reachability...);
  v("linger", s.linger...);
  v("require", s.require...);
  v("seccomp", s.seccomp...);
  v("rootfs", s.rootfs...);
}
RINGFORT_FIELDS(Service) {
  workload_fields(v, s...);
  host_fields(v, s...);
}

RINGFORT_FIELDS(External) {
  v(required("backends"), s.backends...);
  v("endpoints", s.endpoints...);
  v("health", s.health...);
}
RINGFORT_FIELDS(Tunnel) {
  v(required("from"), s.from...);
  v(required("to"), s.to...);
  v(required("local_port"), s.local_port...);
  v(required("remote_port"), s.remote_port...);
  v("protocol", s.protocol...);
  v("expose", s.expose...);
}
RINGFORT_FIELDS(Api) {
  v("enabled", s.enabled...);
  v("bind", s.bind...);
  v("jwt_secret", s.jwt_secret...);
  v("swagger", s.swagger...);
}
RINGFORT_FIELDS(Deployment) {
  v(required("version"), s.version...);
  v(required("deployment"), s.deployment...);
  v("services", s.services...);
  v("externals", s.externals...);
  v("tunnels", s.tunnels...);
  v("api", s.api...);
}

RINGFORT_FIELDS(NetworkMember) {
  v(required("name"), s.name...);
  v(required("kind"), s.kind...);
}
RINGFORT_FIELDS(AccessRule) {
  v("service", s.service...);
  v("deployment", s.deployment...);
  v("ports", s.ports...);
  v("action", s.action...);
}
RINGFORT_FIELDS(NetworkPolicy) {
  v(required("name"), s.name...);
  v("description", s.description...);
  v("cidrs", s.cidrs...);
  v("members", s.members...);
  v("access_rules", s.access_rules...);
}
RINGFORT_FIELDS(RegistryAuth) {
  v(required("username"), s.username...);
  v(required("password"), s.password...);
  v("auth_type", s.auth_type...);
}

/// Takes every field and does nothing: only to ask which types have a table.
struct AnyVisitor {
  template <class... T>
  void operator()(Key, T&...) {}
  template <class Apply, class... S>
  void shorthand(Key, Apply, S&...) {}
};

template <class T>
concept Struct = requires(AnyVisitor visitor, T& value) {
  fields(type<T>, visitor, value);
};

}  // namespace ringfort::specs
