// ringfort-churn: thousands of lives through one runtime, then what they left behind.
#include "ringfort/cli/bench/lives.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include <stdlib.h>
#include <unistd.h>

namespace ringfort::bench {
namespace {

namespace fs = std::filesystem;

struct Left {
  long descriptors = 0, helper_descriptors = 0, mounts = 0, processes = 0, zombies = 0, entries = 0;
  bool operator==(const Left&) const = default;
};

long entries_in(const fs::path& path) {
  std::error_code error;
  long count = 0;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error))
    ++count;
  return count;
}

std::string field(const std::string& pid, const std::string& name) {
  std::ifstream file("/proc/" + pid + "/status");
  for (std::string line; std::getline(file, line);)
    if (line.rfind(name, 0) == 0) return line.substr(line.find_first_not_of(" \t", name.size()));
  return {};
}

long lines_in(const std::string& path) {
  std::ifstream file(path);
  long count = 0;
  for (std::string line; std::getline(file, line);) ++count;
  return count;
}

/// Processes below this one, their descriptors, and the dead among them.
void count_below(const std::string& parent, Left& left) {
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const auto pid = entry.path().filename().string();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    if (field(pid, "PPid:") != parent) continue;
    ++left.processes;
    left.zombies += field(pid, "State:").rfind("Z", 0) == 0;
    left.helper_descriptors += entries_in("/proc/" + pid + "/fd");
    count_below(pid, left);
  }
}

Left count(const std::string& data) {
  Left left;
  left.descriptors = entries_in("/proc/self/fd");
  left.mounts = lines_in("/proc/self/mountinfo");
  count_below(std::to_string(::getpid()), left);
  // state/owners is there while the runtime is.
  for (const char* folder : {"containers", "state"})
    left.entries += entries_in(data + "/" + folder);
  return left;
}

/// Ends are handled in the background for a moment: shims on their last instructions. The count
/// that has stood for 200 ms, or the last one of five seconds.
Left settled(const std::string& data) {
  auto last = count(data);
  for (int i = 0, same = 0; i < 500 && same < 20; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    const auto now = count(data);
    same = now == last ? same + 1 : 0;
    last = now;
  }
  return last;
}

long rss_bytes() { return std::stol(field("self", "VmRSS:")) * 1024; }

/// Slope of the least-squares line, in bytes a life.
double slope(const std::vector<std::pair<double, double>>& points) {
  double x = 0, y = 0, xy = 0, xx = 0;
  const auto n = static_cast<double>(points.size());
  for (const auto& [lives, bytes] : points) x += lives / n, y += bytes / n;
  for (const auto& [lives, bytes] : points)
    xy += (lives - x) * (bytes - y), xx += (lives - x) * (lives - x);
  return xx > 0 ? xy / xx : 0;
}

int churn(std::size_t lives, std::size_t in_flight, std::size_t warm_up, const std::string& level,
          const std::string& directory) {
  RuntimeConfig config;
  config.data_dir = directory + "/data";
  config.isolation = parse_isolation(level).value_or(Isolation::Auto);
  const auto data = config.data_dir;
  auto runtime = Runtime::open(std::move(config));
  fs::create_directories(directory + "/image");
  fs::copy_file(RINGFORT_BIN_DIR "/noop", directory + "/image/noop");
  if (!runtime || !(*runtime)->register_local_rootfs("noop", directory + "/image")) return 2;
  specs::Service service;
  service.image.name = "noop";
  service.command.entrypoint = {"/noop"};
  const auto shared = std::make_shared<const specs::Service>(service);
  const auto live = [&](std::size_t number) {
    const auto figures = cli::runtime_lives(
        **runtime, {shared, Durability::Process, cli::Stamp::None}, {number, in_flight, {}, {}});
    if (!figures.first_error.empty())
      std::fprintf(stderr, "ringfort-churn: %s\n", figures.first_error.c_str());
    return figures.first_error.empty();
  };
  if (!live(warm_up)) return 1;
  const auto before = settled(data);
  std::vector<std::pair<double, double>> memory;
  constexpr std::size_t kPieces = 20;
  for (std::size_t piece = 1; piece <= kPieces; ++piece) {
    if (!live(lives / kPieces)) return 1;
    memory.emplace_back(static_cast<double>(piece * (lives / kPieces)),
                        static_cast<double>(rss_bytes()));
  }
  const auto after = settled(data);
  const double growth = slope(memory) * 10;
  std::printf(
      "%zu lives, %zu at once, level %s: left descriptors %ld, helpers' descriptors %ld, "
      "mounts %ld, processes %ld, zombies %ld, directories and sockets %ld; memory %.0f "
      "bytes for 10 lives\n",
      lives, in_flight, level.c_str(), after.descriptors - before.descriptors,
      after.helper_descriptors - before.helper_descriptors, after.mounts - before.mounts,
      after.processes - before.processes, after.zombies, after.entries - 1, growth);
  return after == before && after.zombies == 0 && after.entries == 1 && growth < 4096 ? 0 : 1;
}

}  // namespace
}  // namespace ringfort::bench

int main(int argc, char** argv) {
  std::size_t lives = 10000, in_flight = 64, warm_up = 2000;
  std::string level = "landlock";
  CLI::App app{"Lives many lives and counts what they leave. Exit code 1: something."};
  app.add_option("-n", lives, "lives")->capture_default_str();
  app.add_option("-j", in_flight, "lives in flight")->capture_default_str();
  app.add_option("--warmup", warm_up, "lives before that")->capture_default_str();
  app.add_option("--level", level, "landlock, namespaces or network")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  std::string directory = "/tmp/ringfort-churn-XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) return 2;
  std::filesystem::permissions(directory, std::filesystem::perms(0755));
  const int code = ringfort::bench::churn(lives, in_flight, warm_up, level, directory);
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
  return code;
}
