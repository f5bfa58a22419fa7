// bench: how fast, beside a bare spawn and whatever else this machine has.
#include "ringfort/cli/bench/course.hpp"
#include "ringfort/cli/bench/live_memory.hpp"
#include "ringfort/cli/bench/machine.hpp"
#include "ringfort/cli/bench/pictures.hpp"
#include "ringfort/cli/bench/text.hpp"
#include "ringfort/cli/commands/verbs.hpp"
#include "ringfort/cli/options.hpp"
#include "ringfort/cli/output/words.hpp"
#include "ringfort/cli/signals.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <atomic>
#include <sstream>

#include <unistd.h>

namespace ringfort::cli {
namespace {

constexpr std::size_t kMostLives = 1'000'000;
constexpr std::size_t kMostInFlight = 10'000;
/// What a fresh directory flatters is over then; on ext4 more of it comes with thousands of lives.
constexpr std::size_t kWarmUp = 1000;
constexpr std::size_t kMostLive = 1000;

Result<std::vector<std::size_t>> parse_in_flight(std::string_view text) {
  std::vector<std::size_t> all;
  std::istringstream words{std::string{text}};
  for (std::string word; std::getline(words, word, ',');) {
    const auto count = parse_count(word, kMostInFlight);
    if (!count) return fail(count.error());
    all.push_back(*count);
  }
  if (all.empty()) return fail(ErrorKind::InvalidSpec, "no number is given", "write 1,8,64");
  std::ranges::sort(all);
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

/// One line on stderr that is written over, on a terminal; else nothing.
class ProgressLine {
 public:
  void show(std::size_t done, std::size_t all, const std::string& text) const {
    if (!is_on_) return;
    const auto width = terminal_size(STDERR_FILENO).columns;
    write_all(STDERR_FILENO, "\r\x1b[K" + progress_line(done, all, text, width - 1));
  }
  void clear() const {
    if (is_on_) write_all(STDERR_FILENO, "\r\x1b[K");
  }

 private:
  bool is_on_ = is_terminal(STDERR_FILENO);
};

class Bench : public Command {
 public:
  void declare(CLI::App& app) override {
    add_option(
        app, "-n,--lives", "N", "lives at each J, at least J (default 2000)",
        into([](std::string_view text) { return parse_count(text, kMostLives); }, course_.lives));
    add_option(app, "-j,--jobs", "J[,J...]", "lives in flight (default 1,8,64,1000)",
               into(parse_in_flight, course_.in_flight));
    add_option(app, "--isolation,--level", "LEVEL", "as of run (default auto)",
               into(parse_isolation_flag, isolation_));
    add_option(app, "--peers", "NAMES",
               "auto (default: those on PATH, up to 64 in flight), none, or some of bubblewrap, "
               "firejail, nsjail, crun, runc, podman, docker, systemd-run, unshare",
               into(parse_peers, peers_));
    add_option(app, "--budget", "TIME", "for each one at each J (default 3s)",
               into(parse_time_limit, budget_));
    add_option(app, "--csv", "FILE", "write all figures there", into(parse_text, csv_));
    add_option(app, "--svg", "FILE",
               "draw FILE-throughput.svg, FILE-start.svg and FILE-memory.svg, with gnuplot where "
               "it is installed",
               into(parse_text, svg_));
    add_flag(app, "--json", "print it as JSON", is_json_);
    add_flag(app, "--keep", "leave the working directory, so that each command can be repeated",
             is_kept_);
  }

  Result<int> run(const Call& call) override {
    block_signals();
    const SignalListener listener{[this](int number) { on_signal(number); }};
    course_.budget = budget_;
    course_.stop = stop_.get_token();
    auto place = Workplace::make(call.data_dir);
    if (!place) return fail(place.error());
    if (is_kept_) place->keep();
    const auto measured = measure(*place);
    if (!measured) return fail(measured.error());
    if (const int number = signal_; number != 0) return 128 + number;
    return report();
  }

 private:
  Status measure(const Workplace& place) {
    RuntimeConfig config;
    config.data_dir = place.data();
    config.isolation = isolation_;
    auto runtime = Runtime::open(std::move(config));
    if (!runtime) return fail(runtime.error());
    for (const std::string payload : {"noop", "stamp"})
      if (auto added = (*runtime)->register_local_rootfs(payload, place.image(payload)); !added)
        return added;
    const auto level = level_of(**runtime);
    if (!level) return fail(level.error());
    results_.version = version();
    results_.level = to_string(*level);
    results_.machine = this_machine(place.path());

    Contest contest{place, **runtime, *level};
    if (auto opened = contest.open(peers_); !opened) return opened;
    begin(contest);
    // Before anything else: what thousands of lives leave free in the heap would hide new use.
    measure_memory(**runtime);
    warm_up(contest);
    results_.entrants =
        run_course(course_, contest.contenders(), [this](auto... all) { progress_.show(all...); });
    progress_.clear();
    return {};
  }

  /// That of a container made as all others will be.
  static Result<Level> level_of(Runtime& runtime) {
    const ContainerId id{"first", 1};
    const auto created = runtime.create_container(id, payload_service("noop"));
    if (!created) return fail(created.error());
    if (auto gone = runtime.remove_container(id); !gone) return fail(gone.error());
    return created->level;
  }

  void begin(const Contest& contest) {
    if (is_json_) return;
    BenchResults shown = results_;
    for (const auto& contender : contest.contenders()) shown.entrants.push_back(contender.entrant);
    const Paint paint{may_colour(STDOUT_FILENO)};
    put(to_string(results_.machine) + "\nlevel " + results_.level + ", " +
        std::to_string(course_.lives) + " lives at each J\n\n" + entrants_text(shown, paint) +
        "\n");
  }

  void warm_up(const Contest& contest) {
    progress_.show(0, 1, "warm-up");
    const Load load{std::min(course_.lives, kWarmUp), 8, course_.budget, course_.stop};
    for (const auto& contender : contest.contenders())
      if (contender.entrant.name == kRingfort) (void)contender.live(load, Stamp::None);
  }

  void measure_memory(Runtime& runtime) {
    progress_.show(0, 1, "memory");
    const auto most = std::min(kMostLive, std::max<std::size_t>(course_.lives / 2, 4));
    auto points = memory_over(runtime, payload_service("stamp", {"sleep"}),
                              {0, most / 4, most / 2, most}, course_.stop);
    if (points)
      results_.memory = *std::move(points);
    else
      results_.memory_refusal = to_string(points.error());
  }

  Result<int> report() {
    if (is_json_) {
      if (!print(to_value(results_))) return kOwnError;
    } else {
      report_text();
    }
    if (!csv_.empty())
      if (auto written = write_text_file(csv_, to_csv(results_)); !written)
        return fail(written.error());
    if (!svg_.empty()) {
      const auto files = draw(results_, svg_);
      if (!files) return fail(files.error());
      if (!is_json_)
        for (const auto& file : *files) put(file + "\n");
    }
    return failures(results_) == 0 ? 0 : 1;
  }

  void report_text() const {
    const bool is_shown = is_terminal(STDOUT_FILENO);
    print(results_table(results_));
    put("J lives in flight. Times in ms: P50 and P99 of whole lives, START and its P99 to the "
        "program's\nfirst instruction. /BARE and /RINGFORT: LIVES/S divided by theirs.\n\n");
    put_histogram(is_shown);
    if (results_.memory_refusal.empty())
      print(memory_table(results_));
    else
      put("memory was not measured: " + results_.memory_refusal + "\n");
    if (const auto failed = failures_text(results_); !failed.empty()) put("\n" + failed);
  }

  /// Of ringfort's starts beside bare ones, at the number in flight nearest below 64.
  void put_histogram(bool is_shown) const {
    const auto all = in_flights(results_);
    const auto above = std::ranges::upper_bound(all, std::size_t{64});
    if (all.empty()) return;
    const auto in_flight = above == all.begin() ? all.front() : *(above - 1);
    const auto width = is_shown ? terminal_size(STDOUT_FILENO).columns : 80;
    for (const auto* name : {kBare, kRingfort})
      if (const auto* cell = find_cell(results_, name, in_flight); cell != nullptr)
        put("starts of " + std::string{name} + ", " + std::to_string(in_flight) + " at once\n" +
            histogram(cell->starts.first, width, is_shown ? Bars::Blocks : Bars::Hashes) + "\n");
  }

  static void put(const std::string& text) { write_all(STDOUT_FILENO, text); }

  void on_signal(int number) {
    if (number != SIGINT && number != SIGTERM && number != SIGHUP && number != SIGQUIT) return;
    signal_ = number;
    stop_.request_stop();
  }

  Course course_;
  Isolation isolation_ = Isolation::Auto;
  WantedPeers peers_;
  Duration budget_ = std::chrono::seconds{3};
  std::string csv_, svg_;
  bool is_json_ = false;
  bool is_kept_ = false;
  BenchResults results_;
  ProgressLine progress_;
  std::stop_source stop_;
  std::atomic<int> signal_ = 0;
};

}  // namespace

std::unique_ptr<Command> make_bench() { return std::make_unique<Bench>(); }

}  // namespace ringfort::cli
