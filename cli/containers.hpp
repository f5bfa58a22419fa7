// Containers by the names that people give them, from a process that does not own them.
#pragma once

#include "ringfort/api/runtime.hpp"
#include "ringfort/cli/command.hpp"
#include "ringfort/cli/output/json.hpp"
#include "ringfort/cli/output/words.hpp"
#include "ringfort/platform/log_follower.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ringfort::cli {

/// A runtime that leaves containers alone when it goes.
Result<std::unique_ptr<Runtime>> open_keeping_runtime(const Call& call);

/// Also true of one that can't be read: whatever is done to it says what is wrong.
bool exists(Runtime& runtime, const ContainerId& id);

/// `web-1` itself, `web` for `web-1`, or the beginning of exactly one id.
/// Errors: NotFound; InvalidSpec when several begin so.
Result<ContainerId> find_container(Runtime& runtime, const std::string& name);

/// `id`, and without "-1" for what has one replica only.
std::string display_name(const ContainerId& id);

/// Does `act` for each of `names`; prints the error of each that fails. The first error's exit code
/// is kOwnError, otherwise 0.
template <class Act>
int for_each_container(Runtime& runtime, const std::vector<std::string>& names,
                       std::string_view verb, Act act) {
  int code = 0;
  for (const auto& name : names) {
    Status done;
    if (auto id = find_container(runtime, name)) {
      done = act(*id);
    } else {
      done = fail(id.error());
    }
    if (done) continue;
    print_error(done.error(), verb);
    code = kOwnError;
  }
  return code;
}

/// Follows what a container writes; its runtime is not asked. Errors: Io.
Result<platform::LogFollower> follow_log(const std::string& data_dir, const ContainerId& id,
                                         const LogQuery& query);

/// "queued 0.8 s, 312 before it".
std::string queued_text(const QueuePlace& place);

/// As `inspect` shows it.
Json to_value(const ContainerEntry& entry);

}  // namespace ringfort::cli
