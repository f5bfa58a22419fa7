// The WebAssembly part of the schema: read and checked, refused at creation.
#pragma once

#include "ringfort/specs/units.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ringfort::specs {

enum class ServiceType {
  Standard,
  WasmHttp,
  WasmPlugin,
  WasmTransformer,
  WasmAuthenticator,
  WasmRateLimiter,
  WasmMiddleware,
  WasmRouter,
  Job,
};

struct WasmPreopen {
  std::string source;
  std::string target;
  bool readonly = false;
  bool operator==(const WasmPreopen&) const = default;
};

struct Wasm {
  std::uint32_t min_instances = 0;
  std::uint32_t max_instances = 10;
  Duration idle_timeout = std::chrono::seconds{300};
  Duration request_timeout = std::chrono::seconds{30};
  std::optional<Bytes> max_memory;
  std::uint64_t max_fuel = 0;  ///< 0 = no limit
  std::optional<Duration> epoch_interval;
  std::optional<std::map<std::string, bool>> capabilities;
  bool allow_http_outgoing = true;
  std::vector<std::string> allowed_hosts;
  bool allow_tcp = false;
  bool allow_udp = false;
  std::vector<WasmPreopen> preopens;
  bool kv_enabled = true;
  std::optional<std::string> kv_namespace;
  Bytes kv_max_value_size{1 << 20};
  std::vector<std::string> secrets;
  bool precompile = true;
  bool operator==(const Wasm&) const = default;
};

}  // namespace ringfort::specs
