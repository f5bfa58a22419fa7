#include "ringfort/cli/batch/job_line.hpp"
#include "ringfort/cli/batch/line_reader.hpp"
#include "ringfort/cli/commands/verbs.hpp"
#include "ringfort/cli/options.hpp"
#include "ringfort/cli/output/words.hpp"
#include "ringfort/cli/pipes.hpp"
#include "ringfort/cli/runtime_config.hpp"
#include "ringfort/cli/signals.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>

#include <unistd.h>

namespace ringfort::cli {
namespace {

constexpr std::size_t longest_line = 64 << 20;
constexpr std::size_t most_in_flight = 1024;

WallTime now() { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }

/// Lines waiting for a free hand: never more than one a hand, so that input is read as it is used.
class Waiting {
 public:
  explicit Waiting(std::size_t room) : room_(room) {}

  void put(JobLine job) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return jobs_.size() < room_ || is_closed_; });
    if (!is_closed_) jobs_.push_back(std::move(job));
    changed_.notify_all();
  }

  std::optional<JobLine> take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !jobs_.empty() || is_closed_; });
    if (jobs_.empty()) return std::nullopt;
    JobLine job = std::move(jobs_.front());
    jobs_.pop_front();
    changed_.notify_all();
    return job;
  }

  void close() {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<JobLine> jobs_;
  std::size_t room_;
  bool is_closed_ = false;
};

/// Lines out, whole and one after the other; the count on a terminal.
class Results {
 public:
  void put(const std::string& line) {
    const std::lock_guard lock(mutex_);
    if (!is_broken_ && !write_all(STDOUT_FILENO, line + "\n")) is_broken_ = true;
    ++count_;
    if (is_terminal_) write_all(STDERR_FILENO, "\rringfort: " + std::to_string(count_) + " done");
  }
  void finish() const {
    if (is_terminal_ && count_ > 0) write_all(STDERR_FILENO, "\n");
  }
  bool is_broken() const { return is_broken_; }

 private:
  std::mutex mutex_;
  std::size_t count_ = 0;
  std::atomic<bool> is_broken_ = false;
  bool is_terminal_ = ::isatty(STDERR_FILENO) != 0 && ::isatty(STDOUT_FILENO) == 0;
};

class Batch : public Command {
 public:
  void declare(CLI::App& app) override {
    add_option(
        app, "-j,--jobs", "N", "how many run at once (default: two a processor)",
        into([](std::string_view text) { return parse_count(text, most_in_flight); }, hands_));
    add_option(app, "--output-limit", "SIZE", "bytes kept of each stream of a job (default 1Mi)",
               into(parse_size_limit, output_limit_));
    declare_job_flags(app, flags_);
  }

  Result<int> run(const Call& call) override {
    block_signals();
    caller_ = find_caller();
    auto stop = make_pipe();
    if (!stop) return fail(stop.error());
    stop_ = *std::move(stop);
    const auto runtime = open_runtime(call);
    if (!runtime) return fail(runtime.error());
    runtime_ = runtime->get();
    const SignalListener listener{[this](int number) { on_signal(number); }};

    Waiting waiting{hands_};
    std::vector<std::thread> threads;
    try {
      for (std::size_t i = 0; i < hands_; ++i) threads.emplace_back([&] { work_off(waiting); });
    } catch (const std::system_error&) {
      // The system allows no more threads: those that are there do the work.
      if (threads.empty()) throw;
    }
    const auto read = read_all(waiting);
    waiting.close();
    for (auto& thread : threads) thread.join();
    results_.finish();
    if (const int number = signal_; number != 0) return 128 + number;
    if (!read) return fail(read.error());
    if (results_.is_broken())
      return fail(ErrorKind::Io, "nobody reads the results any more",
                  "keep stdout open until ringfort batch ends");
    return 0;
  }

 private:
  void refuse(const std::string& id, const Error& error) {
    Report report;
    report.id = id;
    report.error = error;
    results_.put(to_json(report, {}, {}));
  }

  Status read_all(Waiting& waiting) {
    LineReader reader{STDIN_FILENO, stop_.read.get(), longest_line};
    for (std::size_t number = 1; !is_over(); ++number) {
      auto line = reader.next();
      if (!line) break;
      if (line->text.find_first_not_of(" \t\r") == std::string::npos) continue;
      JobLine job;
      job.id = std::to_string(number);
      if (line->is_too_long) {
        refuse(job.id,
               {ErrorKind::InvalidSpec, "the line is over 64 MiB", "hand files in by read", {}, 0});
      } else if (auto read = read_job_line(line->text, flags_, job); !read) {
        refuse(job.id, read.error());
      } else {
        waiting.put(std::move(job));
      }
    }
    if (reader.error() == 0) return {};
    return fail(platform::os_error(reader.error(), "cannot read stdin",
                                   "hand the jobs in: ringfort batch < jobs.jsonl"));
  }

  bool is_over() const { return signal_ != 0 || results_.is_broken(); }

  void work_off(Waiting& waiting) {
    while (auto job = waiting.take())
      if (!is_over()) carry_out(*std::move(job));
  }

  void carry_out(JobLine line) {
    Report report;
    report.id = line.id;
    Captured out;
    Captured err;
    if (auto done = run_one(line, report, out, err); !done) {
      report.error = done.error();
      report.error->container.clear();
    }
    results_.put(to_json(report, out, err));
    if (results_.is_broken()) stop_reading();
  }

  Status run_one(JobLine& line, Report& report, Captured& out, Captured& err) {
    const auto called = now();
    auto job = make_job(line.flags, line.command, caller_);
    if (!job) return fail(job.error());
    auto pipes = CapturePipes::open(std::move(line.stdin_text), output_limit_.count);
    if (!pipes) return fail(pipes.error());
    job->options.stdin_fd = pipes->stdin_fd();
    job->options.stdout_fd = pipes->stdout_fd();
    job->options.stderr_fd = pipes->stderr_fd();
    auto created = runtime_->create_container(job->id, job->service, job->options);
    if (!created) return fail(created.error());
    report.add(*created);
    const auto ended = run_created(*job, *pipes, called, report);
    out = pipes->take_stdout();
    err = pipes->take_stderr();
    const auto removed = runtime_->remove_container(job->id);
    return ended ? removed : ended;
  }

  Status run_created(const Job& job, CapturePipes& pipes, WallTime called, Report& report) {
    enter(job.id);
    const auto started = runtime_->start_container(job.id);
    pipes.close_far_ends();
    if (started) {
      report.start = started->at - called;
      report.queued = started->queued;
      // A signal that came while it started found nobody to hand it to.
      if (signal_ != 0) (void)runtime_->kill_container(job.id, "TERM");
      pipes.pump();
    }
    const auto patience = started ? std::nullopt : std::optional<Duration>{std::chrono::seconds{1}};
    auto exit = runtime_->wait_exit(job.id, patience);
    leave(job.id);
    if (exit) report.exit = *exit;
    if (!started) return fail(started.error());
    if (!exit) return fail(exit.error());
    return {};
  }

  void enter(const ContainerId& id) {
    const std::lock_guard lock(mutex_);
    running_.insert(id);
  }
  void leave(const ContainerId& id) {
    const std::lock_guard lock(mutex_);
    running_.erase(id);
  }

  /// The first one asks every program to end and takes no more jobs; a second one kills.
  void on_signal(int number) {
    if (number != SIGINT && number != SIGTERM && number != SIGHUP && number != SIGQUIT) return;
    const bool is_first = signal_ == 0;
    signal_ = number;
    std::set<ContainerId> running;
    {
      const std::lock_guard lock(mutex_);
      running = running_;
    }
    for (const auto& id : running) (void)runtime_->kill_container(id, is_first ? "TERM" : "KILL");
    stop_reading();
  }

  /// The rest of the input is nobody's.
  void stop_reading() const { write_all(stop_.write.get(), "."); }

  JobFlags flags_;
  std::size_t hands_ =
      std::max(std::size_t{1}, std::size_t{std::thread::hardware_concurrency()}) * 2;
  Bytes output_limit_{1 << 20};
  Caller caller_;
  Runtime* runtime_ = nullptr;
  Results results_;
  Pipe stop_;
  std::atomic<int> signal_ = 0;
  std::mutex mutex_;
  std::set<ContainerId> running_;
};

}  // namespace

std::unique_ptr<Command> make_batch() { return std::make_unique<Batch>(); }

}  // namespace ringfort::cli
