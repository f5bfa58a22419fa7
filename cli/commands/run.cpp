#include "ringfort/cli/commands/verbs.hpp"
#include "ringfort/cli/detached.hpp"
#include "ringfort/cli/job.hpp"
#include "ringfort/cli/last_lines.hpp"
#include "ringfort/cli/options.hpp"
#include "ringfort/cli/output/access.hpp"
#include "ringfort/cli/output/words.hpp"
#include "ringfort/cli/report_file.hpp"
#include "ringfort/cli/run_denials.hpp"
#include "ringfort/cli/runtime_config.hpp"
#include "ringfort/cli/signals.hpp"
#include "ringfort/cli/trace.hpp"
#include "ringfort/cli/tty/terminal_session.hpp"

#include <CLI/CLI.hpp>

#include <optional>

#include <unistd.h>

namespace ringfort::cli {
namespace {

/// What a person at the terminal would not guess from the code alone.
void explain_end(const ExitRecord& exit, const JobFlags& flags) {
  if (exit.reason == EndReason::Oom) {
    const auto limit = flags.memory ? to_string(*flags.memory) : "none";
    say("ended for memory (limit " + limit + "); write: ringfort run --memory SIZE");
  } else if (exit.reason == EndReason::Timeout) {
    const auto limit = flags.timeout ? to_string(*flags.timeout) : "none";
    say("ended after " + limit + "; write: ringfort run --timeout TIME");
  } else if (exit.reason == EndReason::Lost) {
    say("nobody saw how the program ended: its shim was killed; see: ringfort run --help");
  }
}

/// The id is ours and new at each run: it tells the reader nothing.
Error without_id(Error error) {
  error.container.clear();
  return error;
}

class Run : public Command {
 public:
  Tail tail() const override { return Tail::Program; }

  void declare(CLI::App& app) override {
    declare_job_flags(app, flags_);
    declare_log_flags(app, flags_);
    add_option(app, "--report", "FILE", "write how it went as JSON, whatever happens",
               into(parse_text, report_path_));
    add_flag(app, "-i,--interactive", "hand stdin on; without --detach that is always so",
             is_interactive_);
    add_flag(app, "-t,--tty", "give it a terminal of its own, shown in this one", has_tty_);
    add_flag(app, "--trace", "watch each access and say what was denied, and by what; slower",
             is_traced_);
    add_flag(app, "-d,--detach", "leave it running and print its id", is_detached_);
    add_option(app, "--name", "NAME", "of a detached one (default: a made one)",
               into(parse_text, name_));
  }

  Status open(const Arguments& options) override {
    const auto path = find_report_flag(options);
    if (!path) return {};
    auto file = ReportFile::open(*path);
    if (!file) return fail(file.error());
    file_.emplace(*std::move(file));
    return {};
  }

  Result<int> run(const Call& call) override {
    if (is_detached_) return detach(call);
    if (!name_.empty())
      return fail(ErrorKind::InvalidSpec, "--name is for containers that stay",
                  "write --detach, too, or leave it out");
    if (flags_.log_size || flags_.log_files || flags_.log_mode)
      return fail(ErrorKind::InvalidSpec, "--log-* is for containers that stay",
                  "write --detach, too, or leave them out");
    block_signals();
    if (auto ready = prepare_terminal(); !ready) return fail(ready.error());
    auto job = make_job(flags_, call.tail, find_caller());
    if (!job) return fail(job.error());
    job->options.stdin_fd = terminal_ ? terminal_->program_fd() : STDIN_FILENO;
    job->options.stdout_fd = terminal_ ? terminal_->program_fd() : STDOUT_FILENO;
    job->options.stderr_fd = terminal_ ? terminal_->program_fd() : STDERR_FILENO;
    job->options.terminal = has_tty_;
    report_.id = job->id.str();
    const auto runtime = open_runtime(call);
    if (!runtime) return fail(runtime.error());
    if (is_traced_) {
      auto trace = Trace::start();
      if (!trace) return fail(trace.error());
      trace_ = *std::move(trace);
      job->options.trace_fd = trace_->program_fd();
    }
    auto code = run_to_the_end(**runtime, *job, call.tail, call.started);
    const auto removed = (*runtime)->remove_container(job->id);
    if (code && !removed) return fail(removed.error());
    if (!code) return code;
    if (auto written = write_report(); !written) return fail(written.error());
    return code;
  }

  void failed(const Error& error) override {
    report_.error = error;
    (void)write_report();  // there is an error to print already
  }

 private:
  Result<int> detach(const Call& call) {
    if (file_)
      return fail(ErrorKind::InvalidSpec,
                  "--report tells of an end, which --detach does not wait for",
                  "leave it out, and write: ringfort inspect NAME");
    if (is_traced_)
      return fail(ErrorKind::InvalidSpec, "--trace watches a program that somebody waits for",
                  "leave out --detach, or ask later: ringfort why NAME");
    if (has_tty_ || is_interactive_)
      return fail(ErrorKind::InvalidSpec,
                  "--detach leaves nobody at the terminal for --tty and --interactive",
                  "leave one out, and write later: ringfort exec -it NAME sh");
    return make_detached(call, flags_, name_, true);
  }

  Status prepare_terminal() {
    if (!has_tty_) return {};
    if (auto there = check_terminal(); !there) return there;
    auto terminal = TerminalSession::open(is_interactive_);
    if (!terminal) return fail(terminal.error());
    terminal_ = std::move(*terminal);
    // In front: what the caller wrote wins.
    if (!terminal_type().empty()) flags_.env.insert(flags_.env.begin(), {"TERM", terminal_type()});
    return {};
  }

  /// With a terminal what reaches us is about that: whoever ends this process ends the session.
  void on_signal(Runtime& runtime, const ContainerId& id, int number) {
    if (terminal_ && number == SIGWINCH) return terminal_->resize();
    // The program may have ended in between: then there is nobody to tell.
    if (terminal_) {
      (void)runtime.stop_container(id, flags_.grace);
    } else {
      (void)runtime.kill_container(id, signal_name(number));
    }
  }

  Status write_report() {
    if (!file_) return {};
    return file_->write(report_);
  }

  Result<int> run_to_the_end(Runtime& runtime, const Job& job, const Arguments& command,
                             WallTime called) {
    auto created = runtime.create_container(job.id, job.service, job.options);
    if (!created) return fail(without_id(created.error()));
    report_.add(*created);
    if (!created->lowered.empty()) warn("lowered to " + created->lowered);
    for (const auto& field : created->not_enforced) warn(field + " is not enforced");

    if (trace_)
      if (auto ready = trace_->judge(job, *created, runtime.config().data_dir, flags_); !ready)
        return fail(without_id(ready.error()));
    if (terminal_) terminal_->start();
    auto started = runtime.start_container(job.id);
    if (!started && terminal_) terminal_->finish();
    if (!started) {
      auto code = did_not_start(runtime, job, started.error());
      if (code) explain_words(runtime, job, *created, {command.front()});
      return code;
    }
    report_.start = started->at - called;
    report_.queued = started->queued;
    const SignalListener listener{[&](int number) { on_signal(runtime, job.id, number); }};
    auto exit = runtime.wait_exit(job.id);
    if (terminal_) terminal_->finish();
    if (!exit) return fail(exit.error());
    report_.exit = *exit;
    explain_end(*exit, flags_);
    if (trace_) {
      report_.denials = trace_->finish();
    } else if (is_to_explain(*exit)) {
      explain_words(runtime, job, *created, command);
    }
    return exit->code;
  }

  /// Its output went past us: all we have are the words it was called with.
  void explain_words(Runtime& runtime, const Job& job, const Created& created,
                     const Arguments& command) {
    report_.denials.emplace();
    report_.denial_grade = "probable";
    if (job.service.image.name != "host") return;  // its paths are not the host's
    const auto directory = flags_.workdir.empty() ? find_caller().directory : std::string{};
    const auto files = named_files_there(command, directory);
    if (files.empty()) return;  // most unhappy ends are the program's own
    const auto judge = judge_of(job, created, runtime.config().data_dir, flags_);
    if (!judge) return;  // advice only
    report_.denials = named_denials(*judge, files, directory);
    for (const auto& denial : *report_.denials) say(denial_line(denial, report_.denial_grade));
  }

  /// 126 and 127 are the program's fault and have a record; all else is ours.
  Result<int> did_not_start(Runtime& runtime, const Job& job, const Error& error) {
    report_.error = without_id(error);
    if (const auto exit = runtime.wait_exit(job.id, std::chrono::seconds{1})) report_.exit = *exit;
    if (!report_.exit || report_.exit->code == kOwnError) return fail(without_id(error));
    print_error(without_id(error), "run");
    return report_.exit->code;
  }

  JobFlags flags_;
  std::string report_path_;
  std::string name_;
  bool is_detached_ = false;
  bool is_interactive_ = false;
  bool has_tty_ = false;
  bool is_traced_ = false;
  std::unique_ptr<Trace> trace_;
  std::unique_ptr<TerminalSession> terminal_;
  std::optional<ReportFile> file_;
  Report report_;
};

/// What `run -d` does, without the start.
class Create : public Command {
 public:
  Tail tail() const override { return Tail::Program; }
  void declare(CLI::App& app) override {
    declare_job_flags(app, flags_);
    declare_log_flags(app, flags_);
    add_option(app, "--name", "NAME", "of the container (default: a made one)",
               into(parse_text, name_));
  }
  Result<int> run(const Call& call) override { return make_detached(call, flags_, name_, false); }

 private:
  JobFlags flags_;
  std::string name_;
};

}  // namespace

std::unique_ptr<Command> make_create() { return std::make_unique<Create>(); }

std::unique_ptr<Command> make_run() { return std::make_unique<Run>(); }

}  // namespace ringfort::cli
