// Finding and ending the processes below this shim without allocation.
#pragma once

#include <cstdint>

#include <sys/types.h>

namespace ringfort::shim {

/// Sends `number` to every process of the tree below this process (itself excluded). Where nobody
/// else is in reach (the init of a PID namespace; a Landlock domain that scopes signals) that is
/// kill(-1), which no fork can escape; else one walk over /proc by parent pid. Returns how many
/// were signalled (1 at least for kill(-1) that found any).
int signal_tree(int number, bool reaches_tree_only);

/// Sum of a figure over all processes below this one, in whatever PID namespace. Pids are as /proc
/// names them.
std::uint64_t sum_over_tree(std::uint64_t (*figure)(pid_t));

/// Kills every process whose parent is this one and that `is_ours` does not claim: what a dead
/// shim left to the zygote.
int kill_strangers(bool (*is_ours)(pid_t));

}  // namespace ringfort::shim
