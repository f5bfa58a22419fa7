// ringfort-clone-bench: what a container's root costs, beside the cheapest way to get one by hand.
#include "ringfort/api/runtime.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <random>

#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ringfort::bench {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using Took = std::optional<double>;  ///< milliseconds; empty = it failed

constexpr const char* kProgram = RINGFORT_BIN_DIR "/noop";
// A difference of two short lives: what others do on the machine weighs more in it.
constexpr std::size_t kOverlayRounds = 20;
constexpr const char* kLarge = "clone/large";
constexpr const char* kTiny = "clone/tiny";

struct Asked {
  std::size_t files = 2000;
  std::size_t kilobytes = 100 * 1024;
  std::size_t rounds = 7;
  std::string base;  ///< on the file system to measure
};

double since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

/// Twenty files a directory, of random content: nothing compresses or is a hole.
void make_tree(const std::string& path, std::size_t files, std::size_t bytes) {
  std::mt19937_64 random(1);
  std::vector<std::uint64_t> words(bytes / std::max<std::size_t>(files, 1) / 8 + 1);
  for (std::size_t i = 0; i < files; ++i) {
    const auto directory = path + "/d" + std::to_string(i / 20);
    fs::create_directories(directory);
    for (auto& word : words) word = random();
    std::ofstream(directory + "/f" + std::to_string(i), std::ios::binary)
        .write(reinterpret_cast<const char*>(words.data()),
               static_cast<std::streamsize>(words.size() * 8));
  }
  fs::create_directories(path);
  fs::copy_file(kProgram, path + "/noop");
}

bool has_reflink(const std::string& base) {
  std::ofstream(base + "/a") << "x";
  const int from = ::open((base + "/a").c_str(), O_RDONLY | O_CLOEXEC);
  const int to = ::open((base + "/b").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const bool cloned = ::ioctl(to, FICLONE, from) == 0;
  ::close(from);
  ::close(to);
  return cloned;
}

/// From before the spawn to the end.
Took command(std::vector<std::string> words) {
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const auto begin = Clock::now();
  pid_t pid = 0;
  int status = 0;
  if (::posix_spawnp(&pid, argv[0], nullptr, nullptr, argv.data(), environ) != 0 ||
      ::waitpid(pid, &status, 0) != pid || status != 0)
    return std::nullopt;
  return since(begin);
}

/// mount(2) of one overlay in a process with a mount namespace of its own; the end of both counts.
Took overlay_by_hand(const std::string& image, const std::string& place) {
  const auto begin = Clock::now();
  const pid_t pid = ::fork();
  if (pid == 0) {
    const auto options =
        "lowerdir=" + image + ",upperdir=" + place + "/u,workdir=" + place + "/w,volatile";
    const auto at = place + "/m";
    for (const char* below : {"", "/u", "/w", "/m"}) ::mkdir((place + below).c_str(), 0755);
    const bool done =
        ::unshare(CLONE_NEWNS) == 0 &&
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
        ::mount("overlay", at.c_str(), "overlay", MS_NOSUID | MS_NODEV, options.c_str()) == 0;
    ::_exit(done ? 0 : 1);
  }
  int status = 0;
  if (pid < 0 || ::waitpid(pid, &status, 0) != pid || status != 0) return std::nullopt;
  return since(begin);
}

class Bench {
 public:
  Bench(Asked asked, Runtime& runtime) : asked_(std::move(asked)), runtime_(runtime) {}

  /// create alone, or with the life of a no-op: where an overlay is mounted.
  Took ours(const char* image, RootfsMode rootfs, bool lives) {
    specs::Service service;
    service.image.name = image;
    service.command.entrypoint = {"/noop"};
    RunOptions options;
    options.rootfs = rootfs;
    options.own_port = false;
    options.durability = Durability::None;
    const ContainerId id{"clone-" + std::to_string(++made_), 1};
    made_ids_.push_back(id);
    const auto begin = Clock::now();
    const auto created = runtime_.create_container(id, service, options);
    if (!created) return say(created.error());
    if (created->overlay != (rootfs == RootfsMode::Overlay)) return std::nullopt;
    if (!lives) return since(begin);
    const auto started = runtime_.start_container(id);
    if (!started) return say(started.error());
    const auto code = runtime_.wait_container(id);
    if (!code) return say(code.error());
    return since(begin);
  }

  /// In turns, so that both see the same disk; what was made stays until the end.
  bool compare(const char* name, const std::function<Took()>& mine,
               const std::function<Took()>& theirs, std::size_t rounds) {
    std::vector<double> a;
    std::vector<double> b;
    for (std::size_t round = 0; round <= rounds; ++round) {
      const auto x = mine();
      const auto y = theirs();
      if (!x || !y) return false;
      if (round == 0) continue;  // a first time fills caches
      a.push_back(*x);
      b.push_back(*y);
    }
    const double ratio = median(a) / median(b);
    std::printf("%-8s ours %9.3f ms   by hand %9.3f ms   ratio %5.2f   goal 1.20 %s\n", name,
                median(a), median(b), ratio, ratio <= 1.2 ? "met" : "not met");
    std::fflush(stdout);
    return true;
  }

  std::string next_place() { return asked_.base + "/hand-" + std::to_string(++places_); }

  static double median(std::vector<double> all) {
    std::ranges::sort(all);
    return all[all.size() / 2];
  }

  void clean() {
    for (const auto& id : made_ids_) (void)runtime_.remove_container(id);
    for (std::size_t i = 1; i <= places_; ++i)
      fs::remove_all(asked_.base + "/hand-" + std::to_string(i));
    made_ids_.clear();
  }

 private:
  static Took say(const Error& error) {
    std::fprintf(stderr, "ringfort-clone-bench: %s\n", to_string(error).c_str());
    return std::nullopt;
  }

  Asked asked_;
  Runtime& runtime_;
  std::vector<ContainerId> made_ids_;
  std::size_t made_ = 0;
  std::size_t places_ = 0;
};

int measure(const Asked& asked) {
  make_tree(asked.base + "/large", asked.files, asked.kilobytes * 1024);
  make_tree(asked.base + "/tiny", 0, 0);
  RuntimeConfig config;
  config.data_dir = asked.base + "/data";
  config.isolation = Isolation::Namespaces;
  auto runtime = Runtime::open(std::move(config));
  if (!runtime) return std::fprintf(stderr, "%s\n", to_string(runtime.error()).c_str()), 1;
  for (const auto& [name, tree] : {std::pair{kLarge, "/large"}, std::pair{kTiny, "/tiny"}})
    if (auto added = (*runtime)->register_local_rootfs(name, asked.base + tree); !added)
      return std::fprintf(stderr, "%s\n", to_string(added.error()).c_str()), 1;
  Bench bench(asked, **runtime);
  std::string image;
  for (const auto& entry : fs::directory_iterator(asked.base + "/data/images"))
    if (entry.path().filename().string().find("large") != std::string::npos)
      image = entry.path().string() + "/rootfs";

  std::printf("%zu files, %zu KiB, medians of %zu rounds in turns\n", asked.files, asked.kilobytes,
              asked.rounds);
  const bool reflink = has_reflink(asked.base);
  const auto copied = [&] {
    ::sync();  // one's dirty pages are not the other's work
    return bench.ours(kLarge, RootfsMode::Visible, false);
  };
  const auto by_cp = [&] {
    ::sync();
    return command(
        {"cp", "-a", reflink ? "--reflink=always" : "--reflink=never", image, bench.next_place()});
  };
  bool done = bench.compare(reflink ? "reflink" : "copy", copied, by_cp, asked.rounds);
  if (!reflink) std::printf("reflink  not on this file system: --base DIR on xfs or btrfs\n");
  bench.clean();
  if (::geteuid() != 0) {
    std::printf("overlay  by hand takes root\n");
    return done ? 0 : 1;
  }
  // What it adds to a life whose root is one small file.
  const auto laid = [&]() -> Took {
    const auto with = bench.ours(kLarge, RootfsMode::Overlay, true);
    const auto without = bench.ours(kTiny, RootfsMode::Visible, true);
    if (!with || !without) return std::nullopt;
    return *with - *without;
  };
  const auto by_hand = [&] { return overlay_by_hand(image, bench.next_place()); };
  done = bench.compare("overlay", laid, by_hand, asked.rounds * kOverlayRounds) && done;
  bench.clean();
  return done ? 0 : 1;
}

}  // namespace
}  // namespace ringfort::bench

int main(int argc, char** argv) {
  ringfort::bench::Asked asked;
  std::string base = "/tmp";
  CLI::App app{"What a container's root costs: copy, reflink and overlay beside doing it by hand."};
  app.add_option("--files", asked.files, "of the image")->capture_default_str();
  app.add_option("--kib", asked.kilobytes, "of the image, all files together")
      ->capture_default_str();
  app.add_option("-r", asked.rounds, "rounds")->capture_default_str();
  app.add_option("--base", base, "a directory on the file system to measure")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  asked.base = base + "/ringfort-clone-XXXXXX";
  if (::mkdtemp(asked.base.data()) == nullptr) return std::perror(asked.base.c_str()), 1;
  std::error_code ignored;
  namespace fs = std::filesystem;
  fs::permissions(asked.base, fs::perms(0755), ignored);  // root's containers have other uids
  const int code = ringfort::bench::measure(asked);
  fs::remove_all(asked.base, ignored);
  return code;
}
