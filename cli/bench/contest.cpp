#include "ringfort/cli/bench/contest.hpp"

#include "ringfort/cli/bench/machine.hpp"
#include "ringfort/specs/names.hpp"
#include "ringfort/specs/nearest.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include <fcntl.h>
#include <unistd.h>

namespace ringfort::cli {
namespace {

constexpr auto kPatience = std::chrono::seconds{20};  // for one life of a peer, or a preparation

std::string search_path() {
  const char* path = std::getenv("PATH");
  // An administrator's programs are not on everybody's PATH, but everybody may run them.
  return std::string{path != nullptr ? path : "/usr/bin:/bin"} + ":/usr/sbin:/sbin";
}

const char* payload_of(Stamp stamp) { return stamp == Stamp::Written ? "stamp" : "noop"; }

std::string this_command() {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "ringfort" : path.string();
}

Status unknown_peer(const std::string& name) {
  std::vector<std::string_view> names;
  for (const auto& peer : peers()) names.push_back(peer.name);
  std::string list;
  for (const auto one : names) list += (list.empty() ? "" : ", ") + std::string{one};
  const auto near = specs::nearest(name, names);
  return fail(ErrorKind::InvalidSpec, "\"" + printable(name, 60) + "\" is no peer",
              near ? "write " + std::string{*near} : "write some of " + list);
}

}  // namespace

Result<WantedPeers> parse_peers(std::string_view text) {
  if (text == "auto") return WantedPeers{};
  WantedPeers wanted{false, {}};
  if (text == "none") return wanted;
  std::istringstream words{std::string{text}};
  for (std::string name; std::getline(words, name, ',');) {
    if (find_peer(name) == nullptr) return fail(unknown_peer(name).error());
    wanted.names.push_back(name);
  }
  if (wanted.names.empty())
    return fail(ErrorKind::InvalidSpec, "no peer is named", "write auto, none or names");
  return wanted;
}

std::shared_ptr<const specs::Service> payload_service(const std::string& payload,
                                                      const Words& arguments) {
  auto service = std::make_shared<specs::Service>();
  service->image.name = payload;
  service->command.entrypoint = {"/" + payload};
  service->command.entrypoint.insert(service->command.entrypoint.end(), arguments.begin(),
                                     arguments.end());
  return service;
}

Contest::Contest(const Workplace& place, Runtime& runtime, Level level)
    : place_(place), runtime_(runtime), level_(level) {}

Contest::~Contest() {
  for (const auto& steps : clean_up_)
    for (const auto& step : steps) (void)run_host_program(host_program(step));
}

Status Contest::open(const WantedPeers& wanted) {
  null_ = platform::Fd{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  if (!null_) return fail(platform::os_error("cannot open /dev/null"));
  add_bare();
  add_ringfort(kRingfort, Durability::Process, "durability: process");
  add_ringfort(kRingfortNone, Durability::None, "durability: none");
  add_command();
  const auto path = search_path();
  for (const auto& peer : peers()) {
    const bool is_named = std::ranges::find(wanted.names, peer.name) != wanted.names.end();
    if (!wanted.is_auto && !is_named) continue;
    if (auto added = add_peer(peer, path, is_named); !added) return added;
  }
  return {};
}

void Contest::add_bare() {
  Contender bare;
  bare.entrant.name = kBare;
  bare.entrant.command = "posix_spawn and waitpid of " + place_.program("noop");
  bare.live = [this](const Load& load, Stamp stamp) {
    return bare_lives(place_.program(payload_of(stamp)), load, stamp);
  };
  contenders_.push_back(std::move(bare));
}

void Contest::add_ringfort(const char* name, Durability durability, const std::string& calls) {
  Contender ringfort;
  ringfort.entrant.name = name;
  ringfort.entrant.version = version();
  ringfort.entrant.command =
      "Runtime: create_container, start_container, wait_container, "
      "remove_container; " +
      calls;
  ringfort.live = [this, durability](const Load& load, Stamp stamp) {
    const ContainerKind kind{payload_service(payload_of(stamp)), durability, stamp};
    return runtime_lives(runtime_, kind, load);
  };
  contenders_.push_back(std::move(ringfort));
}

void Contest::add_command() {
  Contender command;
  command.entrant.name = kRingfortRun;
  command.entrant.version = version();
  command.most_in_flight = kPeerInFlight;
  add_program(std::move(command), [this](const std::string& payload, const std::string&) {
    return Words{this_command(), "--data-dir",  place_.data(),
                 "run",          "--isolation", std::string{to_string(level_)},
                 "--image",      payload,       "--",
                 "/" + payload};
  });
}

Status Contest::add_peer(const Peer& peer, const std::string& path, bool is_named) {
  Contender contender;
  contender.entrant.name = peer.name;
  if (!is_named) contender.most_in_flight = kPeerInFlight;
  PeerSetting setting{find_program(std::string{peer.program}, path), place_.path(), level_,
                      ::geteuid(), ::getegid()};
  if (setting.program.empty()) {
    if (is_named)
      return fail(ErrorKind::NotFound, std::string{peer.program} + " is not on PATH",
                  "install it, or leave " + std::string{peer.name} + " out of --peers");
    return {};
  }
  contender.entrant.version = version_of(setting.program);
  for (const std::string payload : {"noop", "stamp"}) {
    const auto bundle = place_.path() + "/bundle-" + payload;
    std::error_code error;
    std::filesystem::create_directory(bundle, error);
    const auto config = oci_config(setting, payload).dump(2);
    if (auto written = write_text_file(bundle + "/config.json", config); !written) return written;
  }
  if (peer.clean_up != nullptr) clean_up_.push_back(peer.clean_up(setting));
  add_program(std::move(contender),
              [peer, setting](const std::string& payload, const std::string& id) {
                return peer.life(setting, payload, id);
              });
  auto& added = contenders_.back();
  const auto before = peer.prepare != nullptr ? peer.prepare(setting) : std::vector<Words>{};
  for (const auto& step : before)
    if (const auto done = try_host_program(host_program(step)); !done) {
      added.entrant.refusal = done.error().what;
      return {};
    }
  const auto lived = try_host_program(host_program(peer.life(setting, "noop", "ringfort-bench")));
  if (!lived) added.entrant.refusal = lived.error().what;
  return {};
}

void Contest::add_program(
    Contender contender,
    std::function<Words(const std::string& payload, const std::string& id)> life) {
  contender.entrant.command = shell_line(life("noop", "ID"));
  contender.live = [this, life = std::move(life)](const Load& load, Stamp stamp) {
    return run_lives(load, [&](std::size_t number) {
      const auto id = "ringfort-bench-" + std::to_string(::getpid()) + "-" + std::to_string(number);
      return host_life(host_program(life(payload_of(stamp), id)), stamp);
    });
  };
  contenders_.push_back(std::move(contender));
}

HostProgram Contest::host_program(Words argv) const {
  // What a peer is prepared with is named as one would type it.
  if (const auto path = find_program(argv.front(), search_path()); !path.empty())
    argv.front() = path;
  return {std::move(argv), own_environment(), null_.get(), null_.get(), kPatience};
}

}  // namespace ringfort::cli
