#include "measure_overlay.hpp"
#include "ringfort/api/runtime.hpp"
#include "ringfort/cli/bench/contest.hpp"
#include "ringfort/platform/fd.hpp"

#include <cstdio>
#include <filesystem>

#include <fcntl.h>
#include <unistd.h>

namespace ringfort::bench {
namespace {

namespace fs = std::filesystem;
using cli::Json;
using cli::Samples;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kFolders = 40;

/// An image of the host's noop and files of equal size in some directories.
Status make_image(const cli::Workplace& place, const std::string& image, const ClonesAsked& asked) {
  std::error_code error;
  fs::create_directory(image, error);
  fs::copy_file(place.program("noop"), image + "/noop", error);
  const std::string content((asked.mib << 20U) / asked.files, 'x');
  for (std::size_t file = 0; file < asked.files; ++file) {
    const auto folder = image + "/folder-" + std::to_string(file % kFolders);
    if (file < kFolders) fs::create_directory(folder, error);
    if (error) return fail(ErrorKind::Io, folder + ": " + error.message(), {});
    const auto name = folder + "/file-" + std::to_string(file);
    if (auto written = cli::write_text_file(name, content); !written) return written;
  }
  return {};
}

/// One way to have the image's files once more; `remove` is not timed.
struct Way {
  std::string name;
  std::function<Status(std::size_t number)> make;
  std::function<void(std::size_t number)> remove;
  std::string refusal;
  Samples took;
};

Way copied(const std::string& name, const std::string& flag, const std::string& image,
           const std::string& directory) {
  const auto target = [directory, name](std::size_t number) {
    return directory + "/" + name + "-" + std::to_string(number);
  };
  Way way{name, {}, {}, {}, {}};
  way.make = [=](std::size_t number) {
    return cli::try_host_program({{"/bin/cp", "-a", flag, image, target(number)},
                                  cli::own_environment(),
                                  -1,
                                  -1,
                                  std::chrono::minutes{2}});
  };
  way.remove = [=](std::size_t number) {
    std::error_code ignored;
    fs::remove_all(target(number), ignored);
  };
  return way;
}

Way created(Runtime& runtime) {
  Way way{"ringfort", {}, {}, {}, {}};
  const auto service = std::make_shared<specs::Service>();
  service->image.name = "large";
  service->command.entrypoint = {"/noop"};
  const auto id_of = [](std::size_t number) {
    return ContainerId{"clone-" + std::to_string(number), 1};
  };
  way.make = [&runtime, service, id_of](std::size_t number) -> Status {
    RunOptions options;
    options.durability = Durability::None;
    const auto made = runtime.create_container(id_of(number), service, options);
    if (!made) return fail(made.error());
    return {};
  };
  way.remove = [&runtime, id_of](std::size_t number) {
    (void)runtime.remove_container(id_of(number));
  };
  return way;
}

Status measure(std::vector<Way>& ways, std::size_t clones) {
  for (std::size_t number = 0; number < clones; ++number)
    for (auto& way : ways) {
      if (!way.refusal.empty()) continue;
      ::sync();  // what was written before is not this one's to wait for
      const auto begin = Clock::now();
      auto made = way.make(number);
      const auto took = Clock::now() - begin;
      way.remove(number);
      if (made) {
        way.took.push_back(took);
      } else if (number == 0) {
        way.refusal = made.error().what;
      } else {
        return made;
      }
    }
  for (auto& way : ways) std::ranges::sort(way.took);
  return {};
}

}  // namespace

int measure_clones(const ClonesAsked& asked) {
  const auto stage = open_stage(asked.level, asked.base);
  if (!stage) return refuse(stage.error());
  const auto& [place, runtime] = *stage;
  const auto image = place.path() + "/image-large";
  if (auto made = make_image(place, image, asked); !made) return refuse(made.error());
  if (auto added = runtime->register_local_rootfs("large", image); !added)
    return refuse(added.error());
  std::vector<Way> ways{created(*runtime), copied("cp", "--reflink=never", image, place.path()),
                        copied("cp-reflink", "--reflink=always", image, place.path())};
  if (auto measured = measure(ways, asked.clones); !measured) return refuse(measured.error());
  constexpr std::size_t kOverlaysForEach = 30;
  Json value{{"file_system", cli::file_system_of(place.path())},
             {"overlay", overlay_beside_hand(image, asked.clones * kOverlaysForEach, asked.base)}};
  for (const auto& way : ways) {
    const double p50 = cli::microseconds(cli::percentile(way.took, 0.5)) / 1000;
    value[way.name] = way.refusal.empty() ? Json{{"p50_ms", p50}} : Json{{"refusal", way.refusal}};
    if (asked.is_json) continue;
    if (way.refusal.empty())
      std::printf("%-12s p50 %8.1f ms\n", way.name.c_str(), p50);
    else
      std::printf("%-12s %s\n", way.name.c_str(), way.refusal.c_str());
  }
  if (asked.is_json)
    cli::print(value);
  else
    std::printf("overlay      %s\n", value["overlay"].dump().c_str());
  return 0;
}

}  // namespace ringfort::bench
