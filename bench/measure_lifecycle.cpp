#include "filter_cost.hpp"
#include "measure.hpp"
#include "ringfort/api/runtime.hpp"
#include "ringfort/cli/bench/lives.hpp"
#include "ringfort/cli/output/json.hpp"

#include <cmath>
#include <cstdio>
#include <filesystem>

#include <stdlib.h>

namespace ringfort::bench {
namespace {

namespace fs = std::filesystem;
using cli::bare_lives;
using cli::Figures;
using cli::Json;
using cli::Load;
using cli::percentile;
using cli::runtime_lives;
using cli::Stamp;

constexpr const char* kImage = "bench/noop:latest";
constexpr const char* kProgram = RINGFORT_BIN_DIR "/noop";

/// A directory for data, gone at the end when it was ours.
class DataDirectory {
 public:
  explicit DataDirectory(std::string asked) : path_(std::move(asked)), is_ours_(path_.empty()) {
    if (!is_ours_) return;
    const char* base = std::getenv("TMPDIR");
    path_ = std::string(base != nullptr ? base : "/tmp") + "/ringfort-bench-XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) path_.clear();
    std::error_code ignored;
    fs::permissions(path_, fs::perms(0755), ignored);  // containers of root have uids of their own
  }
  DataDirectory(const DataDirectory&) = delete;
  DataDirectory& operator=(const DataDirectory&) = delete;
  ~DataDirectory() {
    std::error_code ignored;
    if (is_ours_ && !path_.empty()) fs::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
  bool is_ours_;
};

double milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

/// False when a life went wrong: figures of failures say nothing.
bool print(const char* name, const Figures& figures, bool is_shown) {
  if (!figures.first_error.empty()) {
    std::fprintf(stderr, "ringfort-bench: %s: %s\n", name, figures.first_error.c_str());
    return false;
  }
  if (!is_shown) return true;
  std::printf("%-20s %9.0f /s   p50 %8.3f ms   p99 %8.3f ms\n", name, figures.per_second(),
              milliseconds(percentile(figures.took, 0.5)),
              milliseconds(percentile(figures.took, 0.99)));
  std::fflush(stdout);
  return true;
}

Result<std::unique_ptr<Runtime>> open_lifecycle_runtime(const LifecycleAsked& asked,
                                                        Isolation level, const std::string& program,
                                                        const std::string& directory) {
  RuntimeConfig config;
  config.data_dir = directory + "/data";
  config.isolation = level;
  config.workers = asked.workers;
  auto runtime = Runtime::open(std::move(config));
  if (!runtime) return runtime;

  std::error_code error;
  fs::create_directories(directory + "/image", error);
  fs::copy_file(program, directory + "/image/noop", fs::copy_options::overwrite_existing, error);
  if (error)
    return fail(ErrorKind::Io, "cannot copy " + program + ": " + error.message(),
                "build the target noop, or name one with --program");
  auto registered = (*runtime)->register_local_rootfs(kImage, directory + "/image");
  if (!registered) return fail(std::move(registered.error()));
  return runtime;
}

void print_filter_cost(Isolation level) {
  const auto cost = filter_cost({NetMode::Full, specs::SeccompProfile::Default,
                                 parse_level(to_string(level)).value_or(Level::Landlock)});
  if (!cost) {
    std::printf("seccomp filter       refused by this kernel\n");
    return;
  }
  std::printf("seccomp filter       %zu instructions, at most %zu a call, %.1f us a spawn\n",
              cost->instructions, cost->longest_path,
              std::chrono::duration<double, std::micro>(cost->attach).count());
}

double rounded(double value) { return std::round(value * 1000) / 1000; }

/// Lives of one run, each kind after the other, divided by bare ones. Empty = a life went wrong.
std::optional<Json> one_run(const LifecycleAsked& asked, Runtime& runtime,
                            const std::shared_ptr<const specs::Service>& service,
                            const std::string& program) {
  const Load load{asked.lives, asked.in_flight, {}, {}};
  const bool is_shown = !asked.is_json;
  const auto bare = bare_lives(program, load);
  if (!print("bare posix_spawn", bare, is_shown)) return std::nullopt;
  Json value;
  value["bare_per_second"] = rounded(bare.per_second());
  std::string ratios = "ratio " + asked.level;
  std::vector<std::pair<Durability, const char*>> kinds{{Durability::Process, "durability process"},
                                                        {Durability::None, "durability none"}};
  if (asked.with_full) kinds.emplace_back(Durability::Full, "durability full");
  for (const auto& [durability, name] : kinds) {
    const auto figures = runtime_lives(runtime, {service, durability, Stamp::None}, load);
    if (!print(name, figures, is_shown)) return std::nullopt;
    const double ratio = figures.per_second() / bare.per_second();
    const std::string key{to_string(durability)};
    value[key + "_per_second"] = rounded(figures.per_second());
    value[key] = rounded(ratio);
    char text[64];
    std::snprintf(text, sizeof text, durability == Durability::Full ? " %s=%.3f" : " %s=%.2f",
                  key.c_str(), ratio);
    ratios += text;
  }
  if (is_shown) std::printf("%s\n", ratios.c_str());
  return value;
}

}  // namespace

int measure_lifecycle(const LifecycleAsked& asked) {
  const auto level = level_named(asked.level);
  if (!level) return refuse(level.error());
  const auto program = asked.program.empty() ? kProgram : asked.program;
  const DataDirectory directory(asked.data_dir);
  auto runtime = open_lifecycle_runtime(asked, *level, program, directory.path());
  if (!runtime) return refuse(runtime.error());
  auto service = std::make_shared<specs::Service>();
  service->image.name = kImage;
  service->command.entrypoint = {"/noop"};

  const auto file_system = cli::file_system_of(directory.path());
  if (!asked.is_json) {
    std::printf("%zu lives, %zu at once, level %s, data on %s, after a warm-up of %zu\n",
                asked.lives, asked.in_flight, asked.level.c_str(), file_system.c_str(),
                asked.warm_up);
    print_filter_cost(*level);
  }
  // ext4 slows down after some thousands of unlinks, so figures of a fresh directory flatter.
  const auto warm = runtime_lives(**runtime, {service, Durability::Process, Stamp::None},
                                  {asked.warm_up, asked.in_flight, {}, {}});
  if (!print("warm-up", warm, !asked.is_json)) return 1;
  Json runs = Json::array();
  for (std::size_t run = 0; run < asked.runs; ++run) {
    const auto value = one_run(asked, **runtime, service, program);
    if (!value) return 1;
    runs.push_back(*value);
  }
  if (asked.is_json)
    cli::print(Json{{"level", asked.level}, {"file_system", file_system}, {"runs", runs}});
  return 0;
}

}  // namespace ringfort::bench
