#include "ringfort/cli/bench/peers.hpp"

#include <algorithm>

namespace ringfort::cli {
namespace {

bool has_own_network(const PeerSetting& setting) { return setting.level == Level::Network; }

std::string root_of(const PeerSetting& setting) { return setting.directory + "/root"; }

void append(Words& words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
}

// As ringfort: no user namespace for root, an identity map for others.
Words bubblewrap(const PeerSetting& setting, const std::string& payload, const std::string& id) {
  (void)id;
  Words words{setting.program, "--unshare-pid", "--unshare-ipc", "--unshare-uts"};
  if (setting.uid != 0) words.emplace_back("--unshare-user");
  if (has_own_network(setting)) words.emplace_back("--unshare-net");
  append(words,
         {"--die-with-parent", "--new-session", "--cap-drop", "ALL", "--ro-bind", root_of(setting),
          "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--", "/" + payload});
  return words;
}

// It has no root of one's own without further set-up; the file system stays the host's.
Words firejail(const PeerSetting& setting, const std::string& payload, const std::string& id) {
  (void)id;
  Words words{setting.program, "--quiet",   "--noprofile",    "--caps.drop=all",
              "--nonewprivs",  "--seccomp", "--ipc-namespace"};
  if (has_own_network(setting)) words.emplace_back("--net=none");
  append(words, {"--", root_of(setting) + "/" + payload});
  return words;
}

Words nsjail(const PeerSetting& setting, const std::string& payload, const std::string& id) {
  (void)id;
  Words words{setting.program,
              "--mode",
              "o",
              "--really_quiet",
              "--chroot",
              root_of(setting),
              "--disable_clone_newcgroup"};
  if (!has_own_network(setting)) words.emplace_back("--disable_clone_newnet");
  append(words, {"--", "/" + payload});
  return words;
}

Words unshare(const PeerSetting& setting, const std::string& payload, const std::string& id) {
  (void)id;
  Words words{setting.program};
  if (setting.uid != 0) append(words, {"--user", "--map-current-user"});
  append(words, {"--mount", "--pid", "--ipc", "--uts"});
  if (has_own_network(setting)) words.emplace_back("--net");
  append(words,
         {"--fork", "--kill-child", "--mount-proc", "--root=" + root_of(setting), "/" + payload});
  return words;
}

Words oci_run(const PeerSetting& setting, const Words& options, const std::string& payload,
              const std::string& id) {
  Words words{setting.program, "--root", setting.directory + "/oci-state"};
  append(words, options);
  append(words, {"run", "--bundle", setting.directory + "/bundle-" + payload, id});
  return words;
}

Words crun(const PeerSetting& setting, const std::string& payload, const std::string& id) {
  return oci_run(setting, {"--cgroup-manager=disabled"}, payload, id);
}

Words runc(const PeerSetting& setting, const std::string& payload, const std::string& id) {
  return oci_run(setting, {}, payload, id);
}

std::string network_flag(const PeerSetting& setting) {
  return has_own_network(setting) ? "--network=none" : "--network=host";
}

Words podman(const PeerSetting& setting, const std::string& payload, const std::string& id) {
  return {setting.program, "run", "--rm", network_flag(setting), "--cap-drop=all", "--read-only",
          "--name", id, "--log-driver=none", "--cgroups=disabled",
          // By itself it asks for a million, and does not start where that is not to be had.
          "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024", "--rootfs", root_of(setting),
          "/" + payload};
}

constexpr const char* kDockerImage = "ringfort-bench-noop";

Words docker(const PeerSetting& setting, const std::string& payload, const std::string& id) {
  return {setting.program,
          "run",
          "--rm",
          network_flag(setting),
          "--cap-drop=ALL",
          "--security-opt",
          "no-new-privileges",
          "--read-only",
          "--name",
          id,
          "--log-driver=none",
          kDockerImage,
          "/" + payload};
}

std::vector<Words> docker_prepare(const PeerSetting& setting) {
  const auto archive = setting.directory + "/root.tar";
  return {{"tar", "-C", root_of(setting), "-cf", archive, "."},
          {setting.program, "import", archive, kDockerImage}};
}

std::vector<Words> docker_clean_up(const PeerSetting& setting) {
  return {{setting.program, "rmi", kDockerImage}};
}

Words systemd_run(const PeerSetting& setting, const std::string& payload, const std::string& id) {
  Words words{setting.program};
  if (setting.uid != 0) words.emplace_back("--user");
  append(words, {"--quiet", "--wait", "--pipe", "--collect", "--unit=" + id,
                 "-pRootDirectory=" + root_of(setting), "-pMountAPIVFS=yes", "-pPrivateIPC=yes",
                 "-pProtectHostname=yes", "-pNoNewPrivileges=yes", "-pCapabilityBoundingSet="});
  if (has_own_network(setting)) words.emplace_back("-pPrivateNetwork=yes");
  append(words, {"--", "/" + payload});
  return words;
}

Json mount(const char* where, const char* type, const Words& options) {
  return {{"destination", where}, {"type", type}, {"source", type}, {"options", options}};
}

bool is_plain(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view{"-_=./:,+@%"}.find(c) != std::string_view::npos;
}

}  // namespace

const std::vector<Peer>& peers() {
  static const std::vector<Peer> all{
      {"bubblewrap", "bwrap", bubblewrap},
      {"firejail", "firejail", firejail},
      {"nsjail", "nsjail", nsjail},
      {"crun", "crun", crun},
      {"runc", "runc", runc},
      {"podman", "podman", podman},
      {"docker", "docker", docker, docker_prepare, docker_clean_up},
      {"systemd-run", "systemd-run", systemd_run},
      {"unshare", "unshare", unshare},
  };
  return all;
}

const Peer* find_peer(std::string_view name) {
  const auto found = std::ranges::find(peers(), name, &Peer::name);
  return found == peers().end() ? nullptr : &*found;
}

Json oci_config(const PeerSetting& setting, const std::string& payload) {
  Json namespaces = Json::array();
  for (const char* type : {"pid", "mount", "ipc", "uts"}) namespaces.push_back({{"type", type}});
  if (has_own_network(setting)) namespaces.push_back({{"type", "network"}});
  Json config;
  config["ociVersion"] = "1.0.2";
  config["process"] = {
      {"terminal", false},       {"user", {{"uid", setting.uid}, {"gid", setting.gid}}},
      {"args", {"/" + payload}}, {"cwd", "/"},
      {"noNewPrivileges", true}, {"capabilities", Json::object()}};
  config["root"] = {{"path", root_of(setting)}, {"readonly", true}};
  config["hostname"] = "noop";
  config["mounts"] = {mount("/proc", "proc", {"nosuid", "noexec", "nodev"}),
                      mount("/dev", "tmpfs", {"nosuid", "mode=755"}),
                      mount("/tmp", "tmpfs", {"nosuid", "nodev"})};
  if (setting.uid != 0) {
    namespaces.push_back({{"type", "user"}});
    // Their runtimes want a root inside, which is the user outside.
    const auto map = [](std::uint32_t id) {
      return Json::array({{{"containerID", 0}, {"hostID", id}, {"size", 1}}});
    };
    config["linux"]["uidMappings"] = map(setting.uid);
    config["linux"]["gidMappings"] = map(setting.gid);
  }
  config["linux"]["namespaces"] = namespaces;
  return config;
}

std::string shell_line(const Words& argv) {
  std::string line;
  for (const auto& word : argv) {
    if (!line.empty()) line += ' ';
    if (!word.empty() && std::ranges::all_of(word, is_plain)) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char c : word) line += c == '\'' ? std::string{"'\\''"} : std::string(1, c);
    line += '\'';
  }
  return line;
}

}  // namespace ringfort::cli
