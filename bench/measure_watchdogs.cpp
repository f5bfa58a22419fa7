#include "measure.hpp"
#include "ringfort/cli/bench/contest.hpp"
#include "ringfort/cli/pipes.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

namespace ringfort::bench {
namespace {

using cli::Json;

Status settle(const cli::Figures& figures) {
  if (figures.failures == 0) return {};
  return fail(ErrorKind::Internal, figures.first_error, {});
}

std::shared_ptr<specs::Service> limited(const std::string& image, const cli::Words& argv,
                                        std::size_t mib) {
  auto service = std::make_shared<specs::Service>();
  service->image.name = image;
  service->command.entrypoint = argv;
  service->resources.memory = Bytes{mib << 20U};
  return service;
}

Status start(Runtime& runtime, const ContainerId& id,
             const std::shared_ptr<const specs::Service>& service, const RunOptions& options) {
  if (auto made = runtime.create_container(id, service, options); !made) return fail(made.error());
  if (auto begun = runtime.start_container(id); !begun) return fail(begun.error());
  return {};
}

double processor_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

/// What hog.c tells.
struct Report {
  std::int64_t time = 0;
  std::int64_t bytes = 0;
};

struct HogLife {
  Report first, passed, last;  ///< passed: the first beyond the limit
  std::string reason;
};

Result<HogLife> hog_life(Runtime& runtime, const WatchdogsAsked& asked, std::size_t number) {
  auto pipe = cli::make_pipe();
  if (!pipe) return fail(pipe.error());
  // Room for all that it will ever tell, so that nobody needs to read while it grows.
  ::fcntl(pipe->write.get(), F_SETPIPE_SZ, 1 << 20);
  ::fcntl(pipe->read.get(), F_SETFL, O_NONBLOCK);
  RunOptions options;
  options.stdout_fd = pipe->write.get();
  const ContainerId id{"hog-" + std::to_string(number), 1};
  const auto service = limited("hog", {"/hog", std::to_string(asked.rate_mib)}, asked.limit_mib);
  if (auto begun = start(runtime, id, service, options); !begun) return fail(begun.error());
  const auto exit = runtime.wait_exit(id, std::chrono::seconds{60});
  if (!exit) return fail(exit.error());
  HogLife life;
  life.reason = to_string(exit->reason);
  Report report;
  const auto limit = static_cast<std::int64_t>(asked.limit_mib) << 20;
  while (::read(pipe->read.get(), &report, sizeof report) == sizeof report) {
    if (life.first.time == 0) life.first = report;
    if (life.passed.time == 0 && report.bytes > limit) life.passed = report;
    life.last = report;
  }
  if (auto gone = runtime.remove_container(id); !gone) return fail(gone.error());
  return life;
}

Json to_value(const HogLife& life, const WatchdogsAsked& asked) {
  const double mib = 1 << 20;
  const double seconds = static_cast<double>(life.last.time - life.first.time) / 1e9;
  const double rate = static_cast<double>(life.last.bytes - life.first.bytes) / mib / seconds;
  const double peak = static_cast<double>(life.last.bytes) / mib;
  return {{"reason", life.reason},
          {"rate_mib", rate},
          {"peak_mib", peak},
          {"late_ms", (peak - static_cast<double>(asked.limit_mib)) / rate * 1000}};
}

Result<Json> measure(Runtime& runtime, const WatchdogsAsked& asked) {
  const auto service = limited("stamp", {"/stamp", "sleep"}, asked.limit_mib);
  const auto started = cli::run_lives(
      {asked.containers, 32, {}, {}}, [&](std::size_t number) -> Result<cli::LifeTimes> {
        const ContainerId id{"sleeper-" + std::to_string(number), 1};
        if (auto begun = start(runtime, id, service, {}); !begun) return fail(begun.error());
        return cli::LifeTimes{};
      });
  if (auto well = settle(started); !well) return fail(well.error());
  std::this_thread::sleep_for(std::chrono::seconds{2});  // what the starts left to do is over
  const double before = processor_seconds();
  std::this_thread::sleep_for(std::chrono::seconds{asked.seconds});
  const double used = processor_seconds() - before;
  Json value;
  value["containers"] = asked.containers;
  value["processor_percent"] = used / static_cast<double>(asked.seconds) * 100;
  value["limit_mib"] = asked.limit_mib;
  value["hogs"] = Json::array();
  for (std::size_t number = 0; number < asked.hogs; ++number) {
    const auto life = hog_life(runtime, asked, number);
    if (!life) return fail(life.error());
    value["hogs"].push_back(to_value(*life, asked));
  }
  return value;
}

void print_text(const Json& value) {
  std::printf("%d watchdogs: %.2f %% of one core\n", value["containers"].get<int>(),
              value["processor_percent"].get<double>());
  for (const auto& hog : value["hogs"])
    std::printf("limit %d MiB, growing %.0f MiB/s: %s at %.0f MiB, %.1f ms late\n",
                value["limit_mib"].get<int>(), hog["rate_mib"].get<double>(),
                hog["reason"].get<std::string>().c_str(), hog["peak_mib"].get<double>(),
                hog["late_ms"].get<double>());
}

}  // namespace

int measure_watchdogs(const WatchdogsAsked& asked) {
  ::setenv("RINGFORT_TEST_NO_CGROUP", "1", 1);  // else the kernel holds the limits
  const auto stage = open_stage(asked.level);
  if (!stage) return refuse(stage.error());
  const auto& [place, runtime] = *stage;
  std::error_code error;
  const auto image = place.path() + "/image-hog";
  std::filesystem::create_directory(image, error);
  std::filesystem::copy_file(RINGFORT_BIN_DIR "/hog", image + "/hog", error);
  if (auto added = runtime->register_local_rootfs("hog", image); !added)
    return refuse(added.error());
  const auto value = measure(*runtime, asked);
  if (!value) return refuse(value.error());
  if (asked.is_json)
    cli::print(*value);
  else
    print_text(*value);
  return 0;
}

}  // namespace ringfort::bench
