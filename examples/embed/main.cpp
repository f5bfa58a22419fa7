// Runs 1,000 short jobs, 64 at a time, and counts how they end. Usage: embed [data directory]
#include "ringfort/api/runtime.hpp"

#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <map>
#include <mutex>
#include <queue>

namespace {

using ringfort::ContainerId;
using ringfort::ExitRecord;

/// Deaths as they are heard on ringfort's thread, waiting for ours.
class Deaths {
 public:
  void add(const ContainerId& id, const ExitRecord& exit) {
    const std::lock_guard lock(mutex_);
    queue_.emplace(id, exit);
    heard_.notify_one();
  }
  std::pair<ContainerId, ExitRecord> next() {
    std::unique_lock lock(mutex_);
    heard_.wait(lock, [this] { return !queue_.empty(); });
    auto death = std::move(queue_.front());
    queue_.pop();
    return death;
  }

 private:
  std::mutex mutex_;
  std::condition_variable heard_;
  std::queue<std::pair<ContainerId, ExitRecord>> queue_;
};

int complain(const ringfort::Error& error) {
  std::fprintf(stderr, "embed: %s\n", to_string(error).c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  ringfort::RuntimeConfig config;
  config.data_dir = argc > 1 ? argv[1] : std::filesystem::temp_directory_path() / "ringfort-embed";
  config.durability = ringfort::Durability::None;
  Deaths deaths;  // outlives the runtime, which calls it to the last
  auto runtime = ringfort::Runtime::open(config);
  if (!runtime) return complain(runtime.error());
  (*runtime)->on_exit([&](const auto& id, const auto& exit) { deaths.add(id, exit); });

  constexpr std::uint32_t jobs = 1000;
  constexpr std::uint32_t at_once = 64;
  std::map<int, int> ends;  // by exit code
  for (std::uint32_t n = 1; n <= jobs + at_once; ++n) {
    if (n > at_once) {
      const auto [id, exit] = deaths.next();
      ++ends[exit.code];
      if (auto gone = (*runtime)->remove_container(id); !gone) return complain(gone.error());
    }
    if (n > jobs) continue;
    ringfort::specs::Service job;
    job.image.name = "host";
    job.command.entrypoint = {"/bin/sh", "-c", "exit " + std::to_string(n % 3)};
    job.network_mode.kind = ringfort::specs::NetworkModeKind::None;
    const ContainerId id{"job", n};
    if (auto created = (*runtime)->create_container(id, job); !created)
      return complain(created.error());
    if (auto started = (*runtime)->start_container(id); !started) return complain(started.error());
  }
  for (const auto& [code, count] : ends) std::printf("%4d jobs ended with code %d\n", count, code);
}
