// start, stop, kill, rm, wait, pause, unpause, prune: what is done to containers by name.
#include "ringfort/cli/commands/verbs.hpp"
#include "ringfort/cli/containers.hpp"
#include "ringfort/cli/options.hpp"
#include "ringfort/cli/output/words.hpp"

#include <CLI/CLI.hpp>

#include <chrono>
#include <thread>

#include <unistd.h>

namespace ringfort::cli {
namespace {

/// NAME… and one thing that is done to each.
class OnEach : public Command {
 public:
  void declare(CLI::App& app) override {
    add_words(app, "NAME", "ids, names or beginnings of ids", names_);
    declare_more(app);
  }

  Result<int> run(const Call& call) override {
    const auto runtime = open_keeping_runtime(call);
    if (!runtime) return fail(runtime.error());
    return for_each_container(**runtime, names_, name(), [&](const ContainerId& id) {
      auto done = act(**runtime, id);
      if (done && says_name()) write_all(STDOUT_FILENO, id.str() + "\n");
      return done;
    });
  }

 protected:
  virtual void declare_more(CLI::App& app) { (void)app; }
  virtual std::string_view name() const = 0;
  virtual bool says_name() const { return true; }
  virtual Status act(Runtime& runtime, const ContainerId& id) = 0;

 private:
  std::vector<std::string> names_;
};

class StartVerb : public OnEach {
  std::string_view name() const override { return "start"; }
  Status act(Runtime& runtime, const ContainerId& id) override {
    if (auto started = runtime.start_container(id); !started) return fail(started.error());
    return {};
  }
};

class StopVerb : public OnEach {
  void declare_more(CLI::App& app) override {
    add_option(app, "-t,--time", "TIME", "from TERM to KILL (default 10s); a number is in seconds",
               [this](const std::string& text) -> Status {
                 const bool plain = text.find_first_not_of("0123456789") == text.npos;
                 const auto parsed = parse_duration(plain ? text + "s" : text);
                 if (!parsed) return fail(parsed.error());
                 patience_ = *parsed;
                 return {};
               });
  }
  std::string_view name() const override { return "stop"; }
  Status act(Runtime& runtime, const ContainerId& id) override {
    return runtime.stop_container(id, patience_);
  }
  Duration patience_ = std::chrono::seconds(10);
};

class KillVerb : public OnEach {
  void declare_more(CLI::App& app) override {
    add_option(app, "-s,--signal", "SIGNAL", "its name (default KILL)", into(parse_text, signal_));
    add_flag(app, "--all", "to every process of the container", is_all_);
  }
  std::string_view name() const override { return "kill"; }
  Status act(Runtime& runtime, const ContainerId& id) override {
    return runtime.kill_container(id, signal_, is_all_);
  }
  std::string signal_ = "KILL";
  bool is_all_ = false;
};

class RmVerb : public OnEach {
  void declare_more(CLI::App& app) override {
    add_flag(app, "-f,--force", "also what runs: it is killed", is_forced_);
  }
  std::string_view name() const override { return "rm"; }
  Status act(Runtime& runtime, const ContainerId& id) override {
    const auto state = runtime.container_state(id);
    const bool ended = state && (state->state == State::Exited || state->state == State::Failed ||
                                 state->state == State::Created);
    if (!is_forced_ && state && !ended)
      return fail(Error{ErrorKind::Conflict,
                        state->state == State::Backoff ? "waits to be started again" : "is running",
                        "stop it first, or write: ringfort rm -f " + id.str(), id.str(), 0});
    if (!is_forced_ && !state) return fail(state.error());
    auto removed = runtime.remove_container(id);
    // Somebody may start it again between its end and its removal: then that run is ended, too.
    for (int tries = 0; is_forced_ && is_conflict(removed) && tries < kMostTries; ++tries) {
      std::this_thread::sleep_for(kBetweenTries);  // until that start has come to its shim
      removed = runtime.remove_container(id);
    }
    return removed;
  }
  static bool is_conflict(const Status& status) {
    return !status && status.error().kind == ErrorKind::Conflict;
  }
  static constexpr int kMostTries = 50;
  static constexpr auto kBetweenTries = std::chrono::milliseconds(10);
  bool is_forced_ = false;
};

class WaitVerb : public OnEach {
  std::string_view name() const override { return "wait"; }
  bool says_name() const override { return false; }
  Status act(Runtime& runtime, const ContainerId& id) override {
    const auto code = runtime.wait_container(id);
    if (!code) return fail(code.error());
    write_all(STDOUT_FILENO, std::to_string(*code) + "\n");
    return {};
  }
};

class PauseVerb : public OnEach {
  std::string_view name() const override { return "pause"; }
  Status act(Runtime& runtime, const ContainerId& id) override {
    return runtime.pause_container(id);
  }
};

class UnpauseVerb : public OnEach {
  std::string_view name() const override { return "unpause"; }
  Status act(Runtime& runtime, const ContainerId& id) override {
    return runtime.unpause_container(id);
  }
};

class PruneVerb : public Command {
 public:
  void declare(CLI::App& app) override { (void)app; }
  Result<int> run(const Call& call) override {
    const auto runtime = open_keeping_runtime(call);
    if (!runtime) return fail(runtime.error());
    const auto entries = (*runtime)->list_containers(true);
    if (!entries) return fail(entries.error());
    int code = 0;
    for (const auto& entry : *entries) {
      if (entry.state.state != State::Exited && entry.state.state != State::Failed) continue;
      // What can't be read may be of worth to somebody; a runtime that lives wants to keep its own.
      if (entry.damaged || entry.is_others) continue;
      if (auto removed = (*runtime)->remove_container(entry.id); !removed) {
        if (removed.error().kind == ErrorKind::Conflict) continue;  // started meanwhile
        print_error(removed.error(), "prune");
        code = kOwnError;
        continue;
      }
      write_all(STDOUT_FILENO, entry.id.str() + "\n");
    }
    return code;
  }
};

}  // namespace

std::unique_ptr<Command> make_start() { return std::make_unique<StartVerb>(); }
std::unique_ptr<Command> make_stop() { return std::make_unique<StopVerb>(); }
std::unique_ptr<Command> make_kill() { return std::make_unique<KillVerb>(); }
std::unique_ptr<Command> make_rm() { return std::make_unique<RmVerb>(); }
std::unique_ptr<Command> make_wait() { return std::make_unique<WaitVerb>(); }
std::unique_ptr<Command> make_pause() { return std::make_unique<PauseVerb>(); }
std::unique_ptr<Command> make_unpause() { return std::make_unique<UnpauseVerb>(); }
std::unique_ptr<Command> make_prune() { return std::make_unique<PruneVerb>(); }

}  // namespace ringfort::cli
