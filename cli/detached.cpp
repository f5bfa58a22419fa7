#include "ringfort/cli/detached.hpp"

#include "ringfort/cli/containers.hpp"
#include "ringfort/cli/output/words.hpp"

#include <unistd.h>

namespace ringfort::cli {
namespace {

Status check_free(Runtime& runtime, const ContainerId& id) {
  if (!exists(runtime, id)) return {};
  return fail(ErrorKind::Conflict, "the name " + display_name(id) + " is in use",
              "choose another one, or write: ringfort rm -f " + id.str());
}

}  // namespace

Result<int> make_detached(const Call& call, const JobFlags& flags, const std::string& name,
                          bool begin) {
  auto job = make_job(flags, call.tail, find_caller());
  if (!job) return fail(job.error());
  job->options.durability = flags.durability.value_or(Durability::Process);
  job->options.replace = false;
  if (!name.empty()) job->id = {name, 1};
  if (auto sound = check(job->id); !sound) return fail(sound.error());
  const auto runtime = open_keeping_runtime(call);
  if (!runtime) return fail(runtime.error());
  if (auto free = check_free(**runtime, job->id); !free) return fail(free.error());

  const auto created = (*runtime)->create_container(job->id, job->service, job->options);
  if (!created) return fail(created.error());
  if (!created->lowered.empty()) warn("lowered to " + created->lowered);
  for (const auto& field : created->not_enforced) warn(field + " is not enforced");
  Status done;
  if (done && begin)
    if (auto started = (*runtime)->start_container(job->id); !started) done = fail(started.error());
  if (!done) {
    (void)(*runtime)->remove_container(job->id);  // there is an error to print already
    return fail(done.error());
  }
  write_all(STDOUT_FILENO, job->id.str() + "\n");
  return 0;
}

}  // namespace ringfort::cli
