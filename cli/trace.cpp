#include "ringfort/cli/trace.hpp"

#include "ringfort/cli/output/access.hpp"
#include "ringfort/cli/output/words.hpp"
#include "ringfort/cli/run_denials.hpp"

namespace ringfort::cli {
namespace {

constexpr std::size_t kMostAsked = 65536;  // different ones; some 10 MB
constexpr std::size_t kMostDenials = 64;

/// Landlock, the mounts and the filter are the policy; the mode of a file is its owner's.
bool is_by_policy(const AccessAnswer& answer) {
  return answer.held_by == "landlock" || answer.held_by == "mounts" || answer.held_by == "seccomp";
}

}  // namespace

Result<std::unique_ptr<Trace>> Trace::start() {
  auto trace = std::make_unique<Trace>();
  auto tracer = platform::Tracer::start([raw = trace.get()](const auto& call) { raw->hear(call); });
  if (!tracer) return fail(tracer.error());
  trace->tracer_ = *std::move(tracer);
  return trace;
}

Status Trace::judge(const Job& job, const Created& created, const std::string& data_dir,
                    const JobFlags& flags) {
  auto judge = judge_of(job, created, data_dir, flags);
  if (!judge) return fail(judge.error());
  judge_ = std::move(*judge);
  has_judge_ = true;
  return {};
}

void Trace::hear(const platform::TracedCall& call) {
  // No call comes before the start, and that comes after judge().
  if (!has_judge_ || is_full_) return;
  const auto target = platform::target_text(call.question);
  if (!asked_.emplace(call.question.operation, target).second) return;
  is_full_ = asked_.size() >= kMostAsked || denials_.size() >= kMostDenials;
  auto answer = judge_->ask(to_string(call.question.operation), target);
  if (!answer || answer->allowed || !is_by_policy(*answer)) return;
  // What is not there would not have been found either: no denial.
  if (answer->has_no_place || (answer->is_absent && !call.creates)) return;
  denials_.push_back(*std::move(answer));
}

std::vector<AccessAnswer> Trace::finish() {
  tracer_->finish();
  for (const auto& denial : denials_) say(denial_line(denial, "traced"));
  if (is_full_) say("there may be more denials: only the first are kept");
  if (tracer_->unread() > 0)
    say(std::to_string(tracer_->unread()) +
        " accesses could not be looked at: of programs that nobody may read");
  return std::move(denials_);
}

}  // namespace ringfort::cli
