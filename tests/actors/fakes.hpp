// A platform without an operating system: files that are a set of names, a spawner whose programs
// begin and end when a test says so.
#pragma once

#include "ringfort/actors/context.hpp"
#include "ringfort/platform/container_files.hpp"
#include "ringfort/platform/spawner.hpp"
#include "ringfort/support/temp_dir.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace ringfort::fakes {

struct FakeFiles final : platform::ContainerFiles {
  std::set<std::string> present;
  std::set<std::string> held_elsewhere;
  std::optional<Error> create_error;
  std::optional<Error> open_error;
  std::optional<Error> discard_error;
  std::optional<Error> mark_error;
  std::optional<Error> rewrite_error;
  std::set<std::string> marked;
  std::set<std::string> cut_short;
  std::size_t opened = 0;

  const std::string& data_dir() const override { return data_dir_; }
  const std::string& owner_nonce() const override { return nonce_; }
  bool found_dead_owner() const override { return false; }
  platform::ImageStore& images() override { return images_; }
  std::string container_dir(const ContainerId& id) const override {
    return data_dir_ + "/containers/" + id.str();
  }
  bool held_by_live_owner(const ContainerId& id) const override {
    return held_elsewhere.contains(id.str());
  }
  bool has_live_owner(const ContainerId& id) const override { return held_by_live_owner(id); }
  Status create(const platform::NewContainer& what) override {
    if (create_error) return fail(*create_error);
    present.insert(what.id.str());
    if (!what.record.empty()) records[what.id.str()] = what.record;
    return {};
  }
  Result<platform::RunFiles> open_for_run(const ContainerId&, Durability) override {
    if (open_error) return fail(*open_error);
    ++opened;
    return platform::RunFiles{};
  }
  Status discard(const ContainerId& id, Durability) override {
    if (discard_error) return fail(*discard_error);
    present.erase(id.str());
    records.erase(id.str());
    return {};
  }
  Status discard_found(const ContainerId& id, Durability durability,
                       std::optional<WallTime>) override {
    return discard(id, durability);
  }
  Status mark_leaving(const ContainerId& id, Durability, WallTime) override {
    if (mark_error) return fail(*mark_error);
    marked.insert(id.str());
    return {};
  }
  bool has_directory(const ContainerId& id) const override { return !cut_short.contains(id.str()); }
  bool has_overlay(const ContainerId&) const override { return false; }
  platform::PortTable& ports() override { return ports_; }
  Result<std::vector<platform::VolumeOnDisk>> volumes() override {
    return std::vector<platform::VolumeOnDisk>{};
  }
  Status remove_volume(const std::string&, const std::function<Status()>& is_free) override {
    return is_free();
  }
  void drain() override {}
  std::map<std::string, std::string> records;
  std::set<std::string> live_owners;
  Result<std::vector<ContainerId>> recorded() const override {
    std::vector<ContainerId> ids;
    for (const auto& [name, text] : records) ids.push_back(*parse_container_id(name));
    return ids;
  }
  Result<std::string> read_record(const ContainerId& id) const override {
    const auto found = records.find(id.str());
    if (found == records.end())
      return fail(Error{ErrorKind::NotFound, "no such container", "create it", id.str(), 0});
    return found->second;
  }
  bool is_alive(const std::string& owner) const override {
    return owner == nonce_ || live_owners.contains(owner);
  }
  bool is_overtaken(const ContainerId& id) const override {
    const auto found = records.find(id.str());
    return found == records.end() || !found->second.starts_with("owner " + nonce_ + "\n");
  }
  Status rewrite(const ContainerId& id, const std::string& text, Durability) override {
    if (rewrite_error) return fail(*rewrite_error);
    records[id.str()] = text;
    return {};
  }
  std::function<void()> on_take_over;  ///< once
  std::optional<Error> take_over_error;
  Status take_over(const ContainerId& id, const std::string& text, Durability) override {
    if (const auto hook = std::exchange(on_take_over, {})) hook();
    if (take_over_error) return fail(*take_over_error);
    records[id.str()] = text;
    return {};
  }

 private:
  std::string data_dir_ = "/fake";
  std::string nonce_ = "nonce";
  platform::ImageStore images_;
  test::TempDir dir_;
  platform::Fd root_{::open(dir_.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  platform::PortTable ports_{root_.get()};
};

struct FakeRun final : platform::Run {
  std::vector<std::string> calls;
  std::optional<Error> freeze_error;
  std::function<void(Result<ExecResult>)> exec_done;

  Status stop(Duration patience) override { return note("stop " + to_string(patience)); }
  Status signal(int number, bool whole_tree) override {
    return note("signal " + std::to_string(number) + (whole_tree ? " tree" : ""));
  }
  Status kill_tree(bool oom) override { return note(oom ? "kill oom" : "kill"); }
  Status freeze() override {
    if (freeze_error) return fail(*freeze_error);
    return note("freeze");
  }
  Status thaw() override { return note("thaw"); }
  void exec(ExecRequest, std::function<void(Result<ExecResult>)> done) override {
    calls.emplace_back("exec");
    exec_done = std::move(done);
  }

 private:
  Status note(std::string call) {
    calls.push_back(std::move(call));
    return {};
  }
};

struct FakeSpawner final : platform::Spawner {
  struct Launched {
    std::shared_ptr<FakeRun> run;
    platform::RunHandlers handlers;
    platform::RunRequest request;
    bool over = false;
  };
  std::vector<Launched> launched;
  std::size_t prepared = 0;
  std::optional<Error> run_error;

  Result<std::shared_ptr<platform::Run>> run(platform::RunRequest request,
                                             platform::RunHandlers handlers) override {
    if (run_error) return fail(*run_error);
    launched.push_back({std::make_shared<FakeRun>(), std::move(handlers), std::move(request)});
    return launched.back().run;
  }
  Result<std::shared_ptr<platform::Run>> adopt(const std::string&, const std::string&,
                                               platform::RunHandlers handlers) override {
    if (run_error) return fail(*run_error);
    launched.push_back({std::make_shared<FakeRun>(), std::move(handlers), {}});
    return launched.back().run;
  }
  void prepare() override { ++prepared; }
  Status end_found(const std::string&, const std::string&) override { return {}; }
  std::int32_t zygote_pid() const override { return 1; }

  FakeRun& last() { return *launched.back().run; }
  void begin(std::size_t number) {
    auto pid = static_cast<std::int32_t>(100 * (number + 1));
    launched[number].handlers.started({pid, pid + 1, WallTime{std::chrono::seconds(1)}});
  }
  void end(std::size_t number, RawExit raw = {}, EndCauses causes = {}) {
    launched[number].over = true;
    launched[number].handlers.ended({make_exit_record(raw, causes), std::nullopt});
  }
  void fail_start(std::size_t number, int code, Error error) {
    launched[number].over = true;
    ExitRecord record;
    record.code = code;
    record.reason = EndReason::StartFailed;
    launched[number].handlers.ended({record, std::move(error)});
  }
  std::size_t living() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(launched, [](const Launched& run) { return !run.over; }));
  }
};

/// The two of them and harmless answers for the rest.
struct FakePlatform {
  std::shared_ptr<FakeFiles> files = std::make_shared<FakeFiles>();
  std::shared_ptr<FakeSpawner> spawner = std::make_shared<FakeSpawner>();
  std::shared_ptr<platform::TreeStats> tree =
      std::make_shared<platform::TreeStats>(platform::TreeStats{7, 4096, 1, {}});
  std::shared_ptr<std::uint64_t> pss = std::make_shared<std::uint64_t>(0);
  std::shared_ptr<std::size_t> looks = std::make_shared<std::size_t>(0);
  std::shared_ptr<std::size_t> doubts = std::make_shared<std::size_t>(0);
  std::shared_ptr<bool> still = std::make_shared<bool>(false);
  std::shared_ptr<platform::ShimTraces> traces = std::make_shared<platform::ShimTraces>();
  platform::HostFacts host = plain_user();
  std::shared_ptr<std::string> boot_id = std::make_shared<std::string>("boot");
  std::set<std::uint16_t> taken_ports;
  std::shared_ptr<std::size_t> cores = std::make_shared<std::size_t>(16);

  static platform::HostFacts plain_user() {
    platform::HostFacts host;
    host.landlock_abi = 7;
    host.uid = host.gid = 1000;
    return host;
  }

  actors::Seams seams(std::function<std::chrono::steady_clock::time_point()> uptime) const {
    actors::Seams seams;
    seams.files = files;
    seams.spawner = spawner;
    seams.choose_level = [](Isolation, platform::Effort) -> Result<platform::ChosenLevel> {
      return platform::ChosenLevel{Level::Landlock, {}, {}};
    };
    seams.doubt_levels = [doubts = doubts] { ++*doubts; };
    seams.check_sources = [](const platform::Policy&) { return Status{}; };
    seams.check_overlay = [](const platform::Image&) { return Status{}; };
    seams.prefers_overlay = [](const platform::Image&) { return false; };
    seams.check_reachable = [](const platform::Policy&, std::uint32_t, std::uint32_t) {
      return Status{};
    };
    seams.host_facts = [host = host] { return host; };
    seams.headroom = [cores = cores] { return platform::Headroom{.cores = *cores}; };
    seams.claim_port = [taken = taken_ports](platform::PortRange range,
                                             std::uint16_t& cursor) -> Result<platform::HeldPort> {
      while (taken.contains(cursor) && cursor < range.last) ++cursor;
      if (taken.contains(cursor)) return fail(ErrorKind::Conflict, "every port is taken", "wait");
      platform::HeldPort held;
      held.port = cursor++;
      return held;
    };
    seams.forget_stray_ports = [] { return false; };
    seams.tree_stats =
        [tree = tree,
         looks = looks](std::span<const pid_t> roots) -> Result<std::vector<platform::TreeStats>> {
      ++*looks;
      return std::vector<platform::TreeStats>(roots.size(), *tree);
    };
    seams.is_still = [still = still](const platform::TreePulse&) { return *still; };
    seams.tree_pss_bytes = [pss = pss](pid_t) -> Result<std::uint64_t> { return *pss; };
    seams.shim_traces = [traces = traces](const std::string&) { return *traces; };
    seams.has_cgroups = [] { return false; };
    seams.now = [] { return WallTime{std::chrono::seconds(42)}; };
    seams.boot_time = [uptime, boot = boot_id] {
      return specs::BootTime{*boot, std::chrono::floor<Duration>(uptime().time_since_epoch())};
    };
    seams.duplicate = [](int fd) { return platform::Fd{::dup(fd)}; };
    seams.uptime = std::move(uptime);
    seams.workers = actors::Workers::Scheduled;
    return seams;
  }
};

}  // namespace ringfort::fakes
