#include "ringfort/platform/remedies.hpp"

#include <algorithm>
#include <cerrno>

namespace ringfort::platform {
namespace {

/// Lifts both masks that container engines put around a process.
constexpr const char* kOpenEngine =
    "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined "
    "--security-opt systempaths=unconfined IMAGE";

std::string set_sysctl(const std::string& name, const std::string& value) {
  return "sudo sysctl -w " + name + "=" + value;
}

std::string boot_with(const std::string& words) {
  return "sudo sed -i 's/^GRUB_CMDLINE_LINUX=\"/&" + words +
         " /' /etc/default/grub && sudo update-grub && sudo reboot";
}

/// `sudo` for those who need it.
std::string as_root(const HostSurvey& survey) { return survey.uid == 0 ? "" : "sudo "; }

const CgroupSurvey* offering(const HostSurvey& survey, const std::string& controller) {
  for (const auto& cgroup : survey.cgroups)
    if (std::ranges::find(cgroup.offered, controller) != cgroup.offered.end()) return &cgroup;
  return nullptr;
}

/// A cgroup of the user's own, entered by the shell that types the line.
std::string own_cgroup(const HostSurvey& survey, const CgroupSurvey& where) {
  const std::string uid = std::to_string(survey.uid);
  const std::string ours = shell_word(where.directory + "/ringfort-" + uid);
  const std::string enter = "echo $$ | sudo tee " + ours;
  const std::string make = "sudo mkdir -p " + ours;
  const std::string own = " && sudo chown -R " + uid + " " + ours + " && ";
  if (where.version == 1) return make + own + enter + "/cgroup.procs";
  const std::string pass_on = "echo '+memory +pids' | sudo tee ";
  return pass_on + shell_word(where.directory) + "/cgroup.subtree_control && " + make +
         "/shell && " + pass_on + ours + "/cgroup.subtree_control" + own + enter +
         "/shell/cgroup.procs";
}

}  // namespace

std::string shell_word(const std::string& text) {
  const auto is_harmless = [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("/._-+:@,=%").find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (!text.empty() && std::ranges::all_of(text, is_harmless)) return text;
  std::string word = "'";
  for (const char c : text) {
    if (c == '\'') {
      word += "'\\''";
    } else {
      word += c;
    }
  }
  return word + "'";
}

std::string newer_kernel(const HostSurvey& survey) {
  if (survey.os.id == "debian" && !survey.os.codename.empty())
    return "echo 'deb http://deb.debian.org/debian " + survey.os.codename +
           "-backports main' | sudo tee /etc/apt/sources.list.d/backports.list && sudo apt update "
           "&& sudo apt install -t " +
           survey.os.codename +
           "-backports linux-image-$(dpkg --print-architecture) && sudo reboot";
  if (survey.os.id == "ubuntu")
    return "sudo apt install --install-recommends linux-generic-hwe-$(lsb_release -rs) && sudo "
           "reboot";
  if (survey.os.id == "fedora") return "sudo dnf upgrade --refresh kernel && sudo reboot";
  if (survey.os.id == "arch") return "sudo pacman -Syu linux && sudo reboot";
  return {};
}

std::string enable_landlock(const HostSurvey& survey) {
  if (survey.outer_filter) return kOpenEngine;
  if (survey.landlock != EOPNOTSUPP) return newer_kernel(survey);
  // Built in and left out at boot: the list of modules is given again, with it in front.
  std::string modules = "landlock";
  for (std::string rest = survey.lsm + ","; !rest.empty();) {
    const auto comma = rest.find(',');
    const auto name = rest.substr(0, comma);
    rest.erase(0, comma + 1);
    if (!name.empty() && name != "capability" && name != "landlock") modules += "," + name;
  }
  if (survey.lsm.empty()) modules += ",lockdown,yama,integrity,apparmor,bpf";
  return boot_with("lsm=" + modules);
}

std::string allow_call(const HostSurvey& survey) {
  return survey.outer_filter ? kOpenEngine : newer_kernel(survey);
}

std::string allow_user_namespaces(const HostSurvey& survey) {
  if (!survey.has_user_namespaces) return newer_kernel(survey);
  if (survey.max_user_namespaces == 0) return set_sysctl("user.max_user_namespaces", "15000");
  if (survey.unprivileged_userns_clone == 0)
    return set_sysctl("kernel.unprivileged_userns_clone", "1");
  if (survey.apparmor_restricts_userns.value_or(0) != 0)
    return set_sysctl("kernel.apparmor_restrict_unprivileged_userns", "0");
  return survey.outer_filter ? kOpenEngine : std::string{};
}

std::string allow_network_namespaces(const HostSurvey& survey) {
  if (survey.max_net_namespaces == 0) return set_sysctl("user.max_net_namespaces", "15000");
  return allow_call(survey);
}

std::string unmask_proc() { return kOpenEngine; }

std::string give_memory_cgroup(const HostSurvey& survey) {
  if (survey.cgroups.empty()) return as_root(survey) + "mount -t cgroup2 none /sys/fs/cgroup";
  const auto* where = offering(survey, "memory");
  if (where == nullptr) return boot_with("cgroup_enable=memory");
  if (survey.uid != 0 && survey.systemd)
    return "systemd-run --user --scope -p Delegate=yes -- \"$SHELL\"";
  if (survey.uid != 0) return own_cgroup(survey, *where);
  if (where->make == EROFS || where->make == EPERM || where->make == EACCES)
    return "docker run --privileged IMAGE";
  if (where->version == 2)
    return "echo '+memory +pids' > " + shell_word(where->directory) + "/cgroup.subtree_control";
  return {};
}

std::string give_reflink(const DataDirSurvey& data_dir) {
  const auto path = shell_word(data_dir.path);
  return "sudo sh -c 'truncate -s 20G /var/lib/ringfort.xfs && mkfs.xfs -q -m reflink=1 "
         "/var/lib/ringfort.xfs' && sudo mkdir -p " +
         path + " && sudo mount -o loop /var/lib/ringfort.xfs " + path +
         " && sudo chown $(id -u) " + path;
}

std::string give_data_dir(const HostSurvey& survey) {
  if (survey.data_dir.path.empty()) return "export RINGFORT_DATA_DIR=/tmp/ringfort-$(id -u)";
  const auto path = shell_word(survey.data_dir.path);
  if (survey.uid == 0) return "export RINGFORT_DATA_DIR=/tmp/ringfort-$(id -u)";
  return "sudo mkdir -p " + path + " && sudo chown $(id -u) " + path;
}

}  // namespace ringfort::platform
