// The parts of a launch plan that speak of mounts and of Landlock. Pure; used by launch_plan.cpp.
#pragma once

#include "ringfort/platform/launch_plan.hpp"

namespace ringfort::platform {

// LANDLOCK_ACCESS_FS_*, as far as somebody here asks for one of them. landlock(7).
inline constexpr std::uint64_t kFsExecute = 1U << 0;
inline constexpr std::uint64_t kFsWriteFile = 1U << 1;
inline constexpr std::uint64_t kFsReadFile = 1U << 2;
inline constexpr std::uint64_t kFsReadDir = 1U << 3;
inline constexpr std::uint64_t kFsMakeReg = 1U << 8;
inline constexpr std::uint64_t kFsMakeSock = 1U << 9;

/// Rights of Landlock by ABI: asked for by version, never "all that exists". landlock(7).
struct LandlockRights {
  std::uint64_t all = 0;     ///< everything this ABI handles
  std::uint64_t read = 0;    ///< read, list and execute
  std::uint64_t write = 0;   ///< `read` and create, change, remove (no device nodes)
  std::uint64_t device = 0;  ///< use of one device node
};
LandlockRights landlock_rights(std::uint32_t abi);

inline constexpr std::uint64_t kBindTcp = 1;
inline constexpr std::uint64_t kConnectTcp = 2;
inline constexpr std::uint64_t kScopeAbstractSockets = 1;
inline constexpr std::uint64_t kScopeSignals = 2;

/// Mount steps, root and flags of level `namespaces` and above.
void add_mounts(LaunchPlan& plan, const Policy& policy, const Command& command,
                const HostFacts& host);

/// At level `network`: the namespace, and which ports lead into it.
void add_network(LaunchPlan& plan, const Policy& policy, const Command& command);

/// File rules, port rules and scopes as far as `host.landlock_abi` goes.
void add_landlock(LaunchPlan& plan, const Policy& policy, const HostFacts& host);

/// Directories that hold libraries: what a native image gets of the host.
std::vector<std::string> library_directories(const HostFacts& host);

inline constexpr const char* kDevices[] = {"/dev/null",   "/dev/zero",    "/dev/full",
                                           "/dev/random", "/dev/urandom", "/dev/tty"};

}  // namespace ringfort::platform
