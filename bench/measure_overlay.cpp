// What an overlay adds to a life, beside one that is mounted by hand.
#include "measure_overlay.hpp"

#include "ringfort/cli/bench/contest.hpp"

#include <chrono>
#include <vector>

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ringfort::bench {
namespace {

using cli::Json;
using Clock = std::chrono::steady_clock;
using Milliseconds = double;

Milliseconds since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

/// create, start and wait of a no-op; what was made is removed after the clock has stopped.
Result<Milliseconds> life(Runtime& runtime, const char* image, RootfsMode rootfs,
                          std::size_t number) {
  specs::Service service;
  service.image.name = image;
  service.command.entrypoint = {"/noop"};
  RunOptions options;
  options.rootfs = rootfs;
  options.own_port = false;
  options.durability = Durability::None;
  const ContainerId id{std::string("overlay-") + image, static_cast<std::uint32_t>(number + 1)};
  const auto begin = Clock::now();
  const auto created = runtime.create_container(id, service, options);
  if (!created) return fail(created.error());
  if (auto started = runtime.start_container(id); !started) return fail(started.error());
  const auto code = runtime.wait_container(id);
  const auto took = since(begin);
  if (auto gone = runtime.remove_container(id); !gone) return fail(gone.error());
  if (!code) return fail(code.error());
  if (*code != 0) return fail(ErrorKind::Internal, "the no-op ended unhappily", {});
  return took;
}

/// One mount(2) in a process with a mount namespace of its own; the end of both counts.
Result<Milliseconds> by_hand(const std::string& image, const std::string& place) {
  const std::string at = place + "/m";
  const std::string options =
      "lowerdir=" + image + ",upperdir=" + place + "/u,workdir=" + place + "/w,volatile";
  const std::string directories[] = {place, place + "/u", place + "/w", at};
  const auto begin = Clock::now();
  const pid_t pid = ::fork();
  if (pid == 0) {
    for (const auto& directory : directories) ::mkdir(directory.c_str(), 0755);
    const bool done =
        ::unshare(CLONE_NEWNS) == 0 &&
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
        ::mount("overlay", at.c_str(), "overlay", MS_NOSUID | MS_NODEV, options.c_str()) == 0;
    ::_exit(done ? 0 : 1);
  }
  int status = 0;
  if (pid < 0 || ::waitpid(pid, &status, 0) != pid || status != 0)
    return fail(ErrorKind::Unsupported, "an overlay by hand can't be mounted here", {});
  return since(begin);
}

Result<Json> measure(Runtime& runtime, const cli::Workplace& place, const std::string& image,
                     std::size_t rounds) {
  std::vector<Milliseconds> ours, theirs;
  for (std::size_t round = 0; round <= rounds; ++round) {
    // Its root is one small file, made by a copy.
    const auto without = life(runtime, "noop", RootfsMode::Visible, round);
    if (!without) return fail(without.error());
    const auto with = life(runtime, "large", RootfsMode::Overlay, round);
    if (!with) return fail(with.error());
    // Each in a place of its own, which is removed with the stage: a removal now would be paid by
    // the next.
    const auto hand = by_hand(image, place.path() + "/hand-" + std::to_string(round));
    if (!hand) return fail(hand.error());
    if (round == 0) continue;  // fills caches
    ours.push_back(*with - *without);
    theirs.push_back(*hand);
  }
  return Json{{"ringfort_ms", median(ours)}, {"by_hand_ms", median(theirs)}};
}

}  // namespace

Json overlay_beside_hand(const std::string& image, std::size_t rounds, const std::string& base) {
  const auto refused = [](const Error& error) { return Json{{"refusal", error.what}}; };
  if (::geteuid() != 0) return {{"refusal", "one by hand takes root"}};
  const auto stage = open_stage("namespaces", base);
  if (!stage) return refused(stage.error());
  const auto& [place, runtime] = *stage;
  if (auto added = runtime->register_local_rootfs("large", image); !added)
    return refused(added.error());
  const auto value = measure(*runtime, place, image, rounds);
  return value ? *value : refused(value.error());
}

}  // namespace ringfort::bench
