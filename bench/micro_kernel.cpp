// What one container costs the kernel before its shim is asked for, and what a question to an actor
// costs.
#include "ringfort/api/runtime.hpp"
#include "ringfort/platform/container_files.hpp"
#include "ringfort/platform/ports.hpp"
#include "scratch.hpp"

#include <benchmark/benchmark.h>

#include <filesystem>

namespace ringfort {
namespace {

void port_claim(benchmark::State& state) {
  std::uint16_t cursor = 0;
  for (auto _ : state) benchmark::DoNotOptimize(platform::claim_port({}, cursor));
}
BENCHMARK(port_claim);

void container_files(benchmark::State& state, Durability durability) {
  const Scratch scratch;
  auto files = platform::ContainerFiles::open(scratch.path() + "/data").value();
  std::filesystem::create_directory(scratch.path() + "/image");
  std::filesystem::copy_file(RINGFORT_BIN_DIR "/noop", scratch.path() + "/image/noop");
  const auto image = files->images().add("noop", scratch.path() + "/image").value();
  platform::NewContainer what;
  what.id = {"bench", 1};
  what.image = image;
  what.durability = durability;
  if (durability != Durability::None) {
    what.config_json.assign(1000, ' ');
    what.seatbelt.assign(3000, ' ');
    what.record = "owner " + files->owner_nonce() + "\n";
  }
  for (auto _ : state) {
    if (!files->create(what)) state.SkipWithError("create failed");
    if (!files->discard(what.id, durability)) state.SkipWithError("discard failed");
  }
  files->drain();
}
BENCHMARK_CAPTURE(container_files, process, Durability::Process)->UseRealTime();
BENCHMARK_CAPTURE(container_files, none, Durability::None)->UseRealTime();

/// One question that the supervisor hands on to a container, and its answer, as each call has it.
void message_hop(benchmark::State& state) {
  const Scratch scratch;
  RuntimeConfig config;
  config.data_dir = scratch.path() + "/data";
  const auto runtime = Runtime::open(config).value();
  // A container that exists: for an unknown one the disk would be searched.
  specs::Service service;
  service.image.name = "host";
  const ContainerId id{"bench", 1};
  if (!runtime->create_container(id, service)) state.SkipWithError("create failed");
  for (auto _ : state) benchmark::DoNotOptimize(runtime->container_state(id));
}
BENCHMARK(message_hop)->UseRealTime();

}  // namespace
}  // namespace ringfort
