// logs: what a container wrote, and what it is writing.
#include "ringfort/cli/commands/verbs.hpp"
#include "ringfort/cli/containers.hpp"
#include "ringfort/cli/options.hpp"
#include "ringfort/cli/output/words.hpp"
#include "ringfort/cli/runtime_config.hpp"
#include "ringfort/platform/log_follower.hpp"
#include "ringfort/specs/json.hpp"

#include <CLI/CLI.hpp>

#include <array>

#include <unistd.h>

namespace ringfort::cli {
namespace {

// inotify(7) tells of everything; this is for file systems that can't.
constexpr std::chrono::milliseconds kLookAgain{500};

/// Bytes as they were said: the parts of a long line are put together again.
class LogPrinter {
 public:
  LogPrinter(bool has_times, bool is_json) : has_times_(has_times), is_json_(is_json) {}

  /// False when nobody listens any more.
  bool print(const std::vector<LogEntry>& entries) {
    std::string text;
    int text_fd = STDOUT_FILENO;
    for (const auto& entry : entries) {
      const int fd = entry.stream == LogStream::Stderr && !is_json_ ? STDERR_FILENO : STDOUT_FILENO;
      if (fd != text_fd || text.size() > kPiece) {
        if (!flush(text_fd, text)) return false;
        text_fd = fd;
      }
      add(text, entry);
    }
    return flush(text_fd, text);
  }

 private:
  static constexpr std::size_t kPiece = 65536;

  static bool flush(int fd, std::string& text) {
    const bool done = text.empty() || write_all(fd, text);
    text.clear();
    return done;
  }

  void add(std::string& text, const LogEntry& entry) {
    if (is_json_) {
      text += specs::to_json(entry) + "\n";
      return;
    }
    bool& goes_on = goes_on_[entry.stream == LogStream::Stderr ? 1 : 0];
    if (entry.is_notice && goes_on) text += "\n";
    if (entry.is_notice) goes_on = false;
    if (has_times_ && !goes_on) text += to_rfc3339(entry.time) + " ";
    text += entry.message;
    if (!entry.is_partial) text += "\n";
    goes_on = entry.is_partial;
  }

  bool has_times_;
  bool is_json_;
  std::array<bool, 2> goes_on_{};
};

class Logs : public Command {
 public:
  void declare(CLI::App& app) override {
    add_word(app, "NAME", "id, name or beginning of an id", name_, true);
    add_flag(app, "-f,--follow", "go on until the container ends", is_following_);
    add_option(
        app, "-n,--tail", "N", "only the last N lines",
        into([](std::string_view text) { return parse_count(text, 1U << 30); }, query_.tail));
    add_option(app, "--since", "TIME", "only what came since, such as 10m or 2026-01-31T12:00:00Z",
               into(
                   [](std::string_view text) {
                     const auto now = std::chrono::system_clock::now();
                     return parse_moment(text, std::chrono::time_point_cast<Duration>(now));
                   },
                   query_.since));
    add_flag(app, "-t,--timestamps", "the time before each line", has_times_);
    add_flag(app, "--json", "a JSON object for each line", is_json_);
  }

  Result<int> run(const Call& call) override {
    LogPrinter printer{has_times_, is_json_};
    auto runtime = open_keeping_runtime(call);
    if (!runtime) return fail(runtime.error());
    const auto id = find_container(**runtime, name_);
    if (!id) return fail(id.error());
    if (is_following_) {
      const auto config = runtime_config(call);
      if (!config) return fail(config.error());
      // Nobody is asked from here on, so a signal may end this process at any time.
      runtime->reset();
      return follow(config->data_dir, *id, printer);
    }
    const auto lines = (*runtime)->get_logs(*id, query_);
    if (!lines) return fail(lines.error());
    (void)printer.print(*lines);
    return 0;
  }

 private:
  Result<int> follow(const std::string& data_dir, const ContainerId& id,
                     LogPrinter& printer) const {
    auto follower = follow_log(data_dir, id, query_);
    if (!follower) return fail(follower.error());
    while (printer.print(follower->read())) {
      if (auto whole = follower->trouble(); !whole) return fail(whole.error());
      if (!follower->is_open()) break;
      follower->wait(kLookAgain);
    }
    return 0;
  }

  std::string name_;
  LogQuery query_;
  bool is_following_ = false;
  bool has_times_ = false;
  bool is_json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_logs() { return std::make_unique<Logs>(); }

}  // namespace ringfort::cli
