// `run --trace`: what the program was denied, seen while it ran.
#pragma once

#include "ringfort/api/access.hpp"
#include "ringfort/cli/job.hpp"
#include "ringfort/messages/answers.hpp"
#include "ringfort/platform/tracer.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace ringfort::cli {

class Trace {
 public:
  static Result<std::unique_ptr<Trace>> start();

  int program_fd() const { return tracer_->program_fd(); }

  /// By whose policy: between creation and start.
  Status judge(const Job& job, const Created& created, const std::string& data_dir,
               const JobFlags& flags);

  /// Ends the trace and says what was denied, each once, in the order in which it was tried.
  std::vector<AccessAnswer> finish();

 private:
  /// On the tracer's thread; what it writes is read after its end.
  void hear(const platform::TracedCall& call);

  std::optional<AccessJudge> judge_;
  std::atomic<bool> has_judge_{false};
  std::set<std::pair<platform::Operation, std::string>> asked_;
  std::vector<AccessAnswer> denials_;
  bool is_full_ = false;
  std::unique_ptr<platform::Tracer> tracer_;  ///< last: its thread uses the others
};

}  // namespace ringfort::cli
