// The tables of everything that stands inside a service. See fields.hpp.
#pragma once

#include "ringfort/specs/deployment.hpp"
#include "ringfort/specs/key.hpp"

namespace ringfort::specs {

RINGFORT_FIELDS(Image) {
  v(required("name"), s.name...);
  v("pull_policy", s.pull_policy...);
  v("source_policy", s.source_policy...);
}
RINGFORT_FIELDS(Command) {
  v("entrypoint", s.entrypoint...);
  v("args", s.args...);
  v("workdir", s.workdir...);
}
RINGFORT_FIELDS(GpuDistributed) {
  v("backend", s.backend...);
  v("master_port", s.master_port...);
}
RINGFORT_FIELDS(Gpu) {
  v("count", s.count...);
  v("vendor", s.vendor...);
  v("mode", s.mode...);
  v("model", s.model...);
  v("scheduling", s.scheduling...);
  v("distributed", s.distributed...);
  v("sharing", s.sharing...);
  v("mps_pipe_dir", s.mps_pipe_dir...);
  v("mps_log_dir", s.mps_log_dir...);
  v("time_slice_index", s.time_slice_index...);
  v("time_slicing_config_path", s.time_slicing_config_path...);
}
RINGFORT_FIELDS(Resources) {
  v("cpu", s.cpu...);
  v("memory", s.memory...);
  v("gpu", s.gpu...);
  v("pids_limit", s.pids_limit...);
  v("cpuset", s.cpuset...);
  v("cpu_shares", s.cpu_shares...);
  v("memory_swap", s.memory_swap...);
  v("memory_reservation", s.memory_reservation...);
  v("memory_swappiness", s.memory_swappiness...);
  v("oom_score_adj", s.oom_score_adj...);
  v("oom_kill_disable", s.oom_kill_disable...);
  v("blkio_weight", s.blkio_weight...);
}
RINGFORT_FIELDS(Device) {
  v(required("path"), s.path...);
  v("read", s.read...);
  v("write", s.write...);
  v("mknod", s.mknod...);
}

RINGFORT_FIELDS(BindStorage) {
  v(required("source"), s.source...);
  v(required("target"), s.target...);
  v("readonly", s.readonly...);
}
RINGFORT_FIELDS(NamedStorage) {
  v(required("name"), s.name...);
  v(required("target"), s.target...);
  v("readonly", s.readonly...);
  v("tier", s.tier...);
  v("size", s.size...);
}
RINGFORT_FIELDS(AnonymousStorage) {
  v(required("target"), s.target...);
  v("tier", s.tier...);
}
RINGFORT_FIELDS(TmpfsStorage) {
  v(required("target"), s.target...);
  v("size", s.size...);
  v("mode", s.mode...);
}
RINGFORT_FIELDS(S3Storage) {
  v(required("bucket"), s.bucket...);
  v("prefix", s.prefix...);
  v(required("target"), s.target...);
  v("readonly", s.readonly...);
  v("endpoint", s.endpoint...);
  v("credentials", s.credentials...);
}

RINGFORT_FIELDS(TcpConnectCheck) {}
RINGFORT_FIELDS(UdpProbeCheck) {
  v(required("request"), s.request...);
  v("expect", s.expect...);
}
RINGFORT_FIELDS(Stream) {
  v("tls", s.tls...);
  v("proxy_protocol", s.proxy_protocol...);
  v("session_timeout", s.session_timeout...);
  v("health_check", s.health_check...);
}
RINGFORT_FIELDS(TunnelAccess) {
  v("enabled", s.enabled...);
  v("max_ttl", s.max_ttl...);
  v("audit", s.audit...);
}
RINGFORT_FIELDS(EndpointTunnel) {
  v("enabled", s.enabled...);
  v("from", s.from...);
  v("to", s.to...);
  v("remote_port", s.remote_port...);
  v("expose", s.expose...);
  v("access", s.access...);
}
RINGFORT_FIELDS(Endpoint) {
  v(required("name"), s.name...);
  v(required("protocol"), s.protocol...);
  v(required("port"), s.port...);
  v("target_port", s.target_port...);
  v("path", s.path...);
  v("host", s.host...);
  v("expose", s.expose...);
  v("stream", s.stream...);
  v("target_role", s.target_role...);
  v("tunnel", s.tunnel...);
  v("hold", s.hold...);
  v("socket_activation", s.socket_activation...);
}
RINGFORT_FIELDS(PortMapping) {
  v("host_port", s.host_port...);
  v(required("container_port"), s.container_port...);
  v("protocol", s.protocol...);
  v("host_ip", s.host_ip...);
}
RINGFORT_FIELDS(OverlayNetwork) {
  v("enabled", s.enabled...);
  v("encrypted", s.encrypted...);
  v("isolated", s.isolated...);
}
RINGFORT_FIELDS(Overlays) {
  v("service", s.service...);
  v("global", s.global...);
}
RINGFORT_FIELDS(Join) {
  v("mode", s.mode...);
  v("scope", s.scope...);
}
RINGFORT_FIELDS(ServiceNetwork) {
  v("overlays", s.overlays...);
  v("join", s.join...);
}
RINGFORT_FIELDS(Overlay) {
  v("mode", s.mode...);
  v("parent", s.parent...);
}

RINGFORT_FIELDS(FixedScale) { v(required("replicas"), s.replicas...); }
RINGFORT_FIELDS(ManualScale) {}
RINGFORT_FIELDS(ScaleTargets) {
  v("cpu", s.cpu...);
  v("memory", s.memory...);
  v("rps", s.rps...);
}
RINGFORT_FIELDS(AdaptiveScale) {
  v("min", s.min...);
  v("max", s.max...);
  v("cooldown", s.cooldown...);
  v("targets", s.targets...);
}
RINGFORT_FIELDS(TcpCheck) { v("port", s.port...); }
RINGFORT_FIELDS(HttpCheck) {
  v(required("url"), s.url...);
  v("expect_status", s.expect_status...);
}
RINGFORT_FIELDS(CommandCheck) { v(required("command"), s.command...); }
RINGFORT_FIELDS(Health) {
  v("start_grace", s.start_grace...);
  v("interval", s.interval...);
  v("timeout", s.timeout...);
  v("retries", s.retries...);
  v("check", s.check...);
}
RINGFORT_FIELDS(Depends) {
  v(required("service"), s.service...);
  v("condition", s.condition...);
  v("timeout", s.timeout...);
  v("on_timeout", s.on_timeout...);
}
RINGFORT_FIELDS(InitStep) {
  v(required("id"), s.id...);
  v(required("uses"), s.uses...);
  v("with", s.with...);
  v("retry", s.retry...);
  v("timeout", s.timeout...);
  v("on_failure", s.on_failure...);
}
RINGFORT_FIELDS(Init) { v("steps", s.steps...); }
RINGFORT_FIELDS(OnInitFailure) { v("action", s.action...); }
RINGFORT_FIELDS(OnPanic) { v("action", s.action...); }
RINGFORT_FIELDS(Errors) {
  v("on_init_failure", s.on_init_failure...);
  v("on_panic", s.on_panic...);
}
RINGFORT_FIELDS(Lifecycle) { v("delete_on_exit", s.delete_on_exit...); }
RINGFORT_FIELDS(RestartPolicy) {
  v(required("kind"), s.kind...);
  v("max_attempts", s.max_attempts...);
  v("delay", s.delay...);
}

RINGFORT_FIELDS(WasmPreopen) {
  v(required("source"), s.source...);
  v(required("target"), s.target...);
  v("readonly", s.readonly...);
}
RINGFORT_FIELDS(Wasm) {
  v("min_instances", s.min_instances...);
  v("max_instances", s.max_instances...);
  v("idle_timeout", s.idle_timeout...);
  v("request_timeout", s.request_timeout...);
  v("max_memory", s.max_memory...);
  v("max_fuel", s.max_fuel...);
  v("epoch_interval", s.epoch_interval...);
  v("capabilities", s.capabilities...);
  v("allow_http_outgoing", s.allow_http_outgoing...);
  v("allowed_hosts", s.allowed_hosts...);
  v("allow_tcp", s.allow_tcp...);
  v("allow_udp", s.allow_udp...);
  v("preopens", s.preopens...);
  v("kv_enabled", s.kv_enabled...);
  v("kv_namespace", s.kv_namespace...);
  v("kv_max_value_size", s.kv_max_value_size...);
  v("secrets", s.secrets...);
  v("precompile", s.precompile...);
}

}  // namespace ringfort::specs
