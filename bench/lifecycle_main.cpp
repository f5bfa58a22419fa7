// ringfort-bench: what the supervision of one short life costs, beside the life itself.
#include "lifecycle_filter.hpp"
#include "ringfort/cli/bench/lives.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <filesystem>
#include <optional>

#include <stdlib.h>
#include <sys/statfs.h>

namespace ringfort::bench {
namespace {

namespace fs = std::filesystem;
using cli::bare_lives;
using cli::ContainerKind;
using cli::Figures;
using cli::Load;
using cli::percentile;
using cli::runtime_lives;
using cli::Stamp;

constexpr const char* kImage = "bench/noop:latest";
constexpr const char* kProgram = RINGFORT_BIN_DIR "/noop";

struct Asked {
  std::size_t lives = 5000;
  std::size_t in_flight = 64;
  std::size_t warm_up = 3000;
  std::string level = "landlock";
  std::string data_dir;  ///< empty = a directory of its own in TMPDIR, removed at the end
  std::string program = kProgram;
  std::size_t workers = 0;
  bool with_full = false;
};

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

  std::string file_system() const {
    struct statfs status {};
    if (::statfs(path_.c_str(), &status) != 0) return "unknown file system";
    switch (static_cast<unsigned>(status.f_type)) {
      case 0xef53:
        return "ext4";
      case 0x01021994:
        return "tmpfs";
      case 0x9123683e:
        return "btrfs";
      case 0x58465342:
        return "xfs";
      case 0x794c7630:
        return "overlayfs";
      default:
        return "another file system";
    }
  }

 private:
  std::string path_;
  bool is_ours_;
};

double milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

/// False when a life went wrong: figures of failures say nothing.
bool print(const char* name, const Figures& figures) {
  if (!figures.first_error.empty()) {
    std::fprintf(stderr, "ringfort-bench: %s: %s\n", name, figures.first_error.c_str());
    return false;
  }
  std::printf("%-20s %9.0f /s   p50 %8.3f ms   p99 %8.3f ms\n", name, figures.per_second(),
              milliseconds(percentile(figures.took, 0.5)),
              milliseconds(percentile(figures.took, 0.99)));
  std::fflush(stdout);
  return true;
}

Result<std::unique_ptr<Runtime>> open_runtime(const Asked& asked, Isolation level,
                                              const std::string& directory) {
  RuntimeConfig config;
  config.data_dir = directory + "/data";
  config.isolation = level;
  config.workers = asked.workers;
  auto runtime = Runtime::open(std::move(config));
  if (!runtime) return runtime;

  std::error_code error;
  fs::create_directories(directory + "/image", error);
  fs::copy_file(asked.program, directory + "/image/noop", fs::copy_options::overwrite_existing,
                error);
  if (error)
    return fail(ErrorKind::Io, "cannot copy " + asked.program + ": " + error.message(),
                "build the target noop, or name one with --program");
  auto registered = (*runtime)->register_local_rootfs(kImage, directory + "/image");
  if (!registered) return fail(std::move(registered.error()));
  return runtime;
}

int refuse(const Error& error) {
  std::fprintf(stderr, "ringfort-bench: %s\n", to_string(error).c_str());
  return 1;
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

int lifecycle(const Asked& asked) {
  const auto level = parse_isolation(asked.level);
  if (!level || *level == Isolation::Auto)
    return refuse({ErrorKind::InvalidSpec,
                   "\"" + asked.level + "\" is not a level",
                   "write --level landlock, namespaces or network",
                   {},
                   0});
  const DataDirectory directory(asked.data_dir);
  auto runtime = open_runtime(asked, *level, directory.path());
  if (!runtime) return refuse(runtime.error());
  specs::Service service;
  service.image.name = kImage;
  service.command.entrypoint = {"/noop"};
  const auto shared = std::make_shared<const specs::Service>(service);

  std::printf("%zu lives, %zu at once, level %s, data on %s, after a warm-up of %zu\n", asked.lives,
              asked.in_flight, asked.level.c_str(), directory.file_system().c_str(), asked.warm_up);
  print_filter_cost(*level);
  // ext4 slows down after some thousands of unlinks, so figures of a fresh directory flatter.
  const auto warm = runtime_lives(**runtime, {shared, Durability::Process, Stamp::None},
                                  {asked.warm_up, asked.in_flight, {}, {}});
  if (!print("warm-up", warm)) return 1;
  const Load load{asked.lives, asked.in_flight, {}, {}};
  const auto bare = bare_lives(asked.program, load);
  if (!print("bare posix_spawn", bare)) return 1;
  const auto process = runtime_lives(**runtime, {shared, Durability::Process, Stamp::None}, load);
  if (!print("durability process", process)) return 1;
  const auto none = runtime_lives(**runtime, {shared, Durability::None, Stamp::None}, load);
  if (!print("durability none", none)) return 1;
  std::printf("ratio %s process=%.2f none=%.2f", asked.level.c_str(),
              process.per_second() / bare.per_second(), none.per_second() / bare.per_second());
  if (asked.with_full) {
    std::printf("\n");
    const auto full = runtime_lives(**runtime, {shared, Durability::Full, Stamp::None}, load);
    if (!print("durability full", full)) return 1;
    std::printf("ratio %s full=%.3f", asked.level.c_str(), full.per_second() / bare.per_second());
  }
  std::printf("\n");
  return 0;
}

}  // namespace
}  // namespace ringfort::bench

int main(int argc, char** argv) {
  ringfort::bench::Asked asked;
  CLI::App app{"Measures ringfort."};
  app.require_subcommand(1);
  auto* lives = app.add_subcommand("lifecycle", "create, start, wait, remove of a no-op program");
  lives->add_option("-n", asked.lives, "lives to measure")->capture_default_str();
  lives->add_option("-j", asked.in_flight, "lives in flight")->capture_default_str();
  lives->add_option("--level", asked.level, "landlock, namespaces or network")
      ->capture_default_str();
  lives->add_option("--data-dir", asked.data_dir, "where the containers live; kept");
  lives->add_option("--warmup", asked.warm_up, "lives before that")->capture_default_str();
  lives->add_flag("--full", asked.with_full, "also with records that survive a power cut");
  lives->add_option("--program", asked.program, "another static program")->capture_default_str();
  lives->add_option("--workers", asked.workers, "threads of the actor system; 0 = two");
  CLI11_PARSE(app, argc, argv);
  return ringfort::bench::lifecycle(asked);
}
