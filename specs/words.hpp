// The words of every enumeration of the schema, in the order of its values.
#pragma once

#include "ringfort/specs/deployment.hpp"

#include <array>
#include <string_view>
#include <type_traits>

namespace ringfort::specs {

template <class E>
inline constexpr std::array<std::string_view, 0> words{};

template <class... Word>
constexpr std::array<std::string_view, sizeof...(Word)> word_list(Word... word) {
  return {word...};
}

template <>
inline constexpr auto words<PullPolicy> = word_list("always", "newer", "if_not_present", "never");
template <>
inline constexpr auto words<SourcePolicy> = word_list("local_first", "s3_first", "remote_only",
                                                      "local_only");
template <>
inline constexpr auto words<GpuVendor> = word_list("nvidia", "amd", "intel", "apple", "other");
template <>
inline constexpr auto words<GpuMode> = word_list("native", "vm", "mps");
template <>
inline constexpr auto words<GpuScheduling> = word_list("best-effort", "gang", "spread");
template <>
inline constexpr auto words<GpuSharing> = word_list("exclusive", "mps", "time-slice");
template <>
inline constexpr auto words<StorageTier> = word_list("local", "cached", "network");
template <>
inline constexpr auto words<Protocol> = word_list("http", "https", "tcp", "udp", "websocket");
template <>
inline constexpr auto words<Transport> = word_list("tcp", "udp");
template <>
inline constexpr auto words<Expose> = word_list("public", "internal");
template <>
inline constexpr auto words<NetworkModeKind> = word_list("default", "host", "none", "bridge",
                                                         "container");
template <>
inline constexpr auto words<JoinMode> = word_list("open", "token", "closed");
template <>
inline constexpr auto words<JoinScope> = word_list("service", "global");
template <>
inline constexpr auto words<OverlayMode> = word_list("auto", "shared", "dedicated");
template <>
inline constexpr auto words<LocalhostReachability> = word_list("auto", "always", "never");
template <>
inline constexpr auto words<DependsCondition> = word_list("started", "healthy", "ready");
template <>
inline constexpr auto words<OnFailure> = word_list("fail", "warn", "continue");
template <>
inline constexpr auto words<InitFailureAction> = word_list("fail", "restart", "backoff");
template <>
inline constexpr auto words<PanicAction> = word_list("restart", "shutdown", "isolate");
template <>
inline constexpr auto words<RestartKind> = word_list("no", "always", "unless_stopped",
                                                     "on_failure");
template <>
inline constexpr auto words<ServiceType> = word_list("standard", "wasm_http", "wasm_plugin",
                                                     "wasm_transformer", "wasm_authenticator",
                                                     "wasm_rate_limiter", "wasm_middleware",
                                                     "wasm_router", "job");
template <>
inline constexpr auto words<ResourceType> = word_list("service", "job", "cron");
template <>
inline constexpr auto words<WindowsIsolation> = word_list("auto", "process", "hyperv");
template <>
inline constexpr auto words<NodeMode> = word_list("shared", "dedicated", "exclusive");
template <>
inline constexpr auto words<LogMode> = word_list("drop", "block");
template <>
inline constexpr auto words<SeccompProfile> = word_list("default", "build", "strict");
template <>
inline constexpr auto words<RootfsMode> = word_list("auto", "visible", "overlay");
template <>
inline constexpr auto words<PlatformOs> = word_list("linux", "windows", "macos");
template <>
inline constexpr auto words<PlatformArch> = word_list("amd64", "arm64");
template <>
inline constexpr auto words<AffinityKind> = word_list("spread", "pack", "pin");
template <>
inline constexpr auto words<MemberKind> = word_list("user", "group", "node", "cidr");
template <>
inline constexpr auto words<AccessAction> = word_list("allow", "deny");
template <>
inline constexpr auto words<RegistryAuthType> = word_list("basic", "token");

template <class E>
concept Worded = std::is_enum_v<E> &&(words<E>.size() > 0);

/// As written in YAML: `word(PullPolicy::Never)` is "never".
template <Worded E>
constexpr std::string_view word(E value) {
  const auto index = static_cast<std::size_t>(value);
  return index < words<E>.size() ? words<E>[index] : "unknown";
}

/// Which words tell the kinds of a variant apart, and under which key.
template <class Variant>
struct Tag {
  static constexpr bool exists = false;
};
template <>
struct Tag<Storage> {
  static constexpr bool exists = true;
  static constexpr std::string_view key = "type";
  static constexpr auto kinds = word_list("bind", "named", "anonymous", "tmpfs", "s3");
};
template <>
struct Tag<Scale> {
  static constexpr bool exists = true;
  static constexpr std::string_view key = "mode";
  static constexpr auto kinds = word_list("adaptive", "fixed", "manual");
};
template <>
struct Tag<HealthCheck> {
  static constexpr bool exists = true;
  static constexpr std::string_view key = "type";
  static constexpr auto kinds = word_list("tcp", "http", "command");
};
template <>
struct Tag<StreamCheck> {
  static constexpr bool exists = true;
  static constexpr std::string_view key = "type";
  static constexpr auto kinds = word_list("tcp_connect", "udp_probe");
};

template <class V>
concept Tagged = Tag<V>::exists;

}  // namespace ringfort::specs
