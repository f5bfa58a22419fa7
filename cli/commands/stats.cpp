// stats: what containers use, once or again and again.
#include "ringfort/cli/commands/verbs.hpp"
#include "ringfort/cli/containers.hpp"
#include "ringfort/cli/options.hpp"
#include "ringfort/cli/output/table.hpp"
#include "ringfort/cli/output/terminal.hpp"
#include "ringfort/cli/output/usage.hpp"
#include "ringfort/cli/output/words.hpp"
#include "ringfort/cli/signals.hpp"
#include "ringfort/platform/fd.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdint>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace ringfort::cli {
namespace {

using platform::Fd;

constexpr int kBetweenSamplesMs = 1000;
constexpr int kFirstInterval = 200;  // ms; CPU needs two samples

class StatsVerb : public Command {
 public:
  void declare(CLI::App& app) override {
    add_words(app, "NAME", "ids, names or beginnings of ids (default: all that run)", names_,
              Need::Optional);
    add_flag(app, "--no-stream", "print once, not every second", is_once_);
    add_flag(app, "--json", "print JSON lines", is_json_);
  }

  Result<int> run(const Call& call) override {
    block_signals();
    interrupted_ = Fd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (!interrupted_) return fail(platform::os_error("cannot make an eventfd"));
    const auto opened = open_keeping_runtime(call);
    if (!opened) return fail(opened.error());
    runtime_ = opened->get();
    const SignalListener listener{[this](int number) {
      if (number == SIGWINCH) return;
      const std::uint64_t one = 1;
      (void)!::write(interrupted_.get(), &one, sizeof one);  // fails only when it is said already
    }};
    const int code = for_each_container(*runtime_, names_, "stats", [&](const ContainerId& id) {
      const auto stats = runtime_->get_container_stats(id);
      if (!stats) return Status{fail(stats.error())};
      watched_.push_back({id, *stats, {}});
      return Status{};
    });
    if (names_.empty())
      if (auto found = find_running(); !found) return fail(found.error());
    if (!watched_.empty()) watch();
    return code;
  }

 private:
  /// False when there is nothing more to do.
  bool wait(int patience_ms) const {
    pollfd set{interrupted_.get(), POLLIN, 0};
    return ::poll(&set, 1, patience_ms) == 0;
  }

  void watch() {
    for (int patience = kFirstInterval; wait(patience); patience = kBetweenSamplesMs) {
      if (names_.empty())
        if (auto found = find_running(); !found) return print_error(found.error(), "stats");
      sample();
      if (watched_.empty() || !show() || is_once_) return;
    }
    // The terminal echoed ^C in the middle of a line.
    if (is_terminal(STDOUT_FILENO)) write_all(STDOUT_FILENO, "\n");
  }

  Status find_running() {
    const auto entries = runtime_->list_containers(true);
    if (!entries) return fail(entries.error());
    for (const auto& entry : *entries) {
      const auto is_it = [&](const Usage& usage) { return usage.id == entry.id; };
      if (entry.state.state != State::Running || std::ranges::any_of(watched_, is_it)) continue;
      // It may end in between: then it is none of those that run.
      if (const auto stats = runtime_->get_container_stats(entry.id))
        watched_.push_back({entry.id, *stats, {}});
    }
    return {};
  }

  /// What has ended is not watched any longer.
  void sample() {
    std::erase_if(watched_, [this](Usage& usage) {
      const auto stats = runtime_->get_container_stats(usage.id);
      if (!stats) {
        const auto kind = stats.error().kind;
        if (kind != ErrorKind::Conflict && kind != ErrorKind::NotFound)
          print_error(stats.error(), "stats");
        return true;
      }
      if (stats->taken_at > usage.stats.taken_at)
        usage.cpu_percent = cpu_percent(usage.stats, *stats);
      usage.stats = *stats;
      return false;
    });
  }

  /// False when the reader has gone.
  bool show() {
    std::string text;
    if (is_json_) {
      for (const auto& usage : watched_) text += dump(to_value(usage)) + "\n";
      return write_all(STDOUT_FILENO, text);
    }
    const bool redraws = is_terminal(STDOUT_FILENO);
    const auto size = terminal_size(STDOUT_FILENO);
    auto lines = usage_table(watched_).lines(redraws ? size.columns : 0);
    if (redraws) {
      if (shown_ > 0) text += "\x1b[" + std::to_string(shown_) + "A\r\x1b[J";
      // More lines than the terminal has could not be gone back over.
      lines.resize(std::min(lines.size(), std::max<std::size_t>(size.rows, 2) - 1));
    } else if (shown_ > 0) {
      lines.erase(lines.begin());  // the heads are there already
    }
    shown_ = lines.size();
    for (const auto& line : lines) text += line + "\n";
    return write_all(STDOUT_FILENO, text);
  }

  std::vector<std::string> names_;
  bool is_once_ = false;
  bool is_json_ = false;
  Fd interrupted_;
  Runtime* runtime_ = nullptr;
  std::vector<Usage> watched_;
  std::size_t shown_ = 0;  ///< lines of the last table
};

}  // namespace

std::unique_ptr<Command> make_stats() { return std::make_unique<StatsVerb>(); }

}  // namespace ringfort::cli
