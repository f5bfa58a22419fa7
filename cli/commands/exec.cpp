// exec: one more program inside a container.
#include "ringfort/cli/commands/verbs.hpp"
#include "ringfort/cli/containers.hpp"
#include "ringfort/cli/options.hpp"
#include "ringfort/cli/output/words.hpp"
#include "ringfort/cli/signals.hpp"
#include "ringfort/cli/tty/terminal_session.hpp"
#include "ringfort/platform/fd.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <atomic>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace ringfort::cli {
namespace {

using platform::Fd;

class Exec : public Command {
 public:
  Tail tail() const override { return Tail::Program; }

  void declare(CLI::App& app) override {
    add_flag(app, "-i,--interactive", "hand stdin on; else it reads nothing", is_interactive_);
    add_flag(app, "-t,--tty", "give it a terminal of its own, shown in this one", has_tty_);
    add_option(app, "-e,--env", "NAME=VALUE", "a variable more",
               append(parse_variable, options_.env));
    add_option(app, "-w,--workdir", "DIR", "start there", into(parse_text, options_.workdir));
    add_option(app, "--timeout", "TIME", "kill it after this time; the code is then 124",
               [this](const std::string& text) -> Status {
                 const auto limit = parse_time_limit(text);
                 if (!limit) return fail(limit.error());
                 options_.timeout = *limit;
                 return {};
               });
  }

  Result<int> run(const Call& call) override {
    if (call.tail.size() < 2)
      return fail(ErrorKind::InvalidSpec, "a name and a command are needed",
                  "write: ringfort exec NAME CMD");
    if (has_tty_)
      if (auto there = check_terminal(); !there) return fail(there.error());
    block_signals();
    const auto runtime = open_keeping_runtime(call);
    if (!runtime) return fail(runtime.error());
    const auto id = find_container(**runtime, call.tail.front());
    if (!id) return fail(id.error());
    if (auto ready = choose_streams(); !ready) return fail(ready.error());
    return carry_out(**runtime, *id, {call.tail.begin() + 1, call.tail.end()});
  }

 private:
  Status choose_streams() {
    cancel_ = Fd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (!cancel_) return fail(platform::os_error("cannot make an eventfd"));
    options_.cancel_fd = cancel_.get();
    if (has_tty_) return make_terminal();
    options_.stdin_fd = STDIN_FILENO;
    if (!is_interactive_) {
      nothing_ = Fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
      if (!nothing_) return fail(platform::os_error("cannot open /dev/null"));
      options_.stdin_fd = nothing_.get();
    }
    options_.stdout_fd = STDOUT_FILENO;
    options_.stderr_fd = STDERR_FILENO;
    return {};
  }

  Status make_terminal() {
    auto terminal = TerminalSession::open(is_interactive_);
    if (!terminal) return fail(terminal.error());
    terminal_ = std::move(*terminal);
    options_.stdin_fd = options_.stdout_fd = options_.stderr_fd = terminal_->program_fd();
    options_.terminal = true;
    const auto is_type = [](const auto& variable) { return variable.first == "TERM"; };
    if (std::ranges::none_of(options_.env, is_type) && !terminal_type().empty())
      options_.env.emplace_back("TERM", terminal_type());
    return {};
  }

  Result<int> carry_out(Runtime& runtime, const ContainerId& id, const Arguments& command) {
    std::atomic<int> ended_by{0};
    if (terminal_) terminal_->start();
    const SignalListener listener{[&](int number) {
      if (number == SIGWINCH) {
        if (terminal_) terminal_->resize();
        return;
      }
      // The command has no way to hear a signal of ours but this one.
      ended_by = number;
      const std::uint64_t one = 1;
      (void)!::write(cancel_.get(), &one, sizeof one);  // fails only when it is said already
    }};
    const auto result = runtime.exec(id, command, options_);
    if (terminal_) terminal_->finish();
    if (!result) return fail(result.error());
    write_all(STDERR_FILENO, result->err);  // why it did not start
    return ended_by != 0 ? 128 + ended_by : result->code;
  }

  ExecOptions options_;
  bool is_interactive_ = false;
  bool has_tty_ = false;
  Fd cancel_;
  Fd nothing_;
  std::unique_ptr<TerminalSession> terminal_;
};

}  // namespace

std::unique_ptr<Command> make_exec() { return std::make_unique<Exec>(); }

}  // namespace ringfort::cli
