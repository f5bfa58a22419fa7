// The flat form of a launch plan, for the shim, and the readable one, for people.
#include "ringfort/platform/launch_plan.hpp"
#include "ringfort/platform/seccomp_filter.hpp"
#include "ringfort/specs/words.hpp"

#include <cstring>
#include <sstream>

namespace ringfort::platform {
namespace {

/// Grows the blob; strings are collected behind the arrays.
class Writer {
 public:
  Writer() : bytes_(sizeof(wire::PlanHeader)) {}

  wire::Text text(const std::string& value) {
    if (value.empty()) return 0;
    const auto at = bytes_.size();
    const auto* begin = reinterpret_cast<const std::byte*>(value.c_str());
    bytes_.insert(bytes_.end(), begin, begin + value.size() + 1);
    return static_cast<wire::Text>(at);
  }
  /// As text(), but an empty string exists: arguments may be empty.
  wire::Text argument(const std::string& value) {
    if (!value.empty()) return text(value);
    bytes_.push_back(std::byte{0});
    return static_cast<wire::Text>(bytes_.size() - 1);
  }
  template <class T>
  wire::Span array(const std::vector<T>& items) {
    bytes_.resize((bytes_.size() + 7) / 8 * 8);
    const wire::Span span{static_cast<std::uint32_t>(bytes_.size()),
                          static_cast<std::uint32_t>(items.size())};
    const auto* begin = reinterpret_cast<const std::byte*>(items.data());
    bytes_.insert(bytes_.end(), begin, begin + items.size() * sizeof(T));
    return span;
  }
  /// `marked` becomes the offset behind `mark` in the string that begins with it.
  wire::Span pointers(const std::vector<std::string>& strings, std::string_view mark = {},
                      wire::Text* marked = nullptr) {
    std::vector<std::uint64_t> slots;
    slots.reserve(strings.size() + 1);
    for (const auto& value : strings) {
      slots.push_back(argument(value));
      if (marked != nullptr && value.starts_with(mark))
        *marked = static_cast<wire::Text>(slots.back() + mark.size());
    }
    slots.push_back(0);
    return array(slots);
  }
  std::vector<std::byte> finish(wire::PlanHeader header) {
    bytes_.push_back(std::byte{0});
    header.size = static_cast<std::uint32_t>(bytes_.size());
    std::memcpy(bytes_.data(), &header, sizeof header);
    return std::move(bytes_);
  }

 private:
  std::vector<std::byte> bytes_;
};

std::vector<wire::MountStep> mount_steps(const LaunchPlan& plan, Writer& writer) {
  std::vector<wire::MountStep> steps;
  for (const auto& mount : plan.mounts)
    steps.push_back({mount.kind, mount.flags, writer.text(mount.source), writer.text(mount.target),
                     writer.text(mount.data), mount.idmap_uid, mount.idmap_gid});
  return steps;
}

const char* name_of(wire::MountKind kind) {
  switch (kind) {
    case wire::MountKind::Bind:
      return "bind";
    case wire::MountKind::Proc:
      return "proc";
    case wire::MountKind::Tmpfs:
      return "tmpfs";
    case wire::MountKind::Dir:
      return "dir";
    case wire::MountKind::File:
      return "file";
    case wire::MountKind::Symlink:
      return "symlink";
    case wire::MountKind::Device:
      return "device";
    case wire::MountKind::Terminals:
      return "terminals";
    case wire::MountKind::Overlay:
      return "overlay";
  }
  return "?";
}

void print_mounts(std::ostream& out, const LaunchPlan& plan) {
  for (const auto& mount : plan.mounts) {
    out << "mount " << name_of(mount.kind) << ' ' << mount.target;
    if (!mount.source.empty()) out << " <- " << mount.source;
    if (mount.kind == wire::MountKind::Overlay) out << " under " << mount.data << "/upper";
    if (mount.kind == wire::MountKind::Tmpfs) out << " (" << mount.data << ')';
    if ((mount.flags & wire::kForAll) != 0) out << " mode 1777";
    if ((mount.flags & wire::kReadOnly) != 0) out << " read-only";
    if ((mount.flags & wire::kNoExec) != 0) out << " noexec";
    if ((mount.flags & wire::kIdmapped) != 0) out << " idmapped";
    if ((mount.flags & wire::kOptional) != 0) out << " if-present";
    if ((mount.flags & wire::kVolume) != 0) out << " volume";
    out << '\n';
  }
}

void print_rules(std::ostream& out, const LaunchPlan& plan) {
  out << "landlock abi " << plan.landlock_abi << " files 0x" << std::hex << plan.handled_fs
      << " ports 0x" << plan.handled_net << " scopes 0x" << (plan.shim_scopes | plan.child_scopes)
      << std::dec << '\n';
  for (const auto& rule : plan.file_rules)
    out << "  allow 0x" << std::hex << rule.access << std::dec << ' ' << rule.path
        << (rule.optional ? " if-present" : "") << '\n';
  for (const auto& rule : plan.port_rules)
    out << "  allow " << (rule.access == 1 ? "bind" : "connect") << " tcp " << rule.port << '\n';
}

void print_network(std::ostream& out, const LaunchPlan& plan) {
  if ((plan.flags & wire::kOwnNetwork) == 0) return;
  out << "network of its own, loopback only\n";
  for (const auto& port : plan.relay_ports) {
    out << "  relay tcp 127.0.0.1:" << port.host << " to " << port.inside;
    if (port.otherwise != 0) out << ", else to " << port.otherwise;
    if ((port.flags & wire::kIfFree) != 0) out << " if-free";
    out << '\n';
  }
}

}  // namespace

std::vector<std::byte> encode(const LaunchPlan& plan, std::uint8_t protocol) {
  Writer writer;
  wire::PlanHeader header{};
  header.magic = wire::kPlanMagic;
  header.version = protocol;
  header.flags = plan.flags;
  header.uid = plan.uid.value_or(0);
  header.gid = plan.gid.value_or(0);
  header.argv = writer.pointers(plan.argv);
  header.env = writer.pointers(
      plan.env, "LISTEN_PID=", (plan.flags & wire::kListen) != 0 ? &header.listen_pid : nullptr);
  std::vector<wire::Text> candidates;
  for (const auto& path : plan.candidates) candidates.push_back(writer.argument(path));
  header.candidates = writer.array(candidates);
  header.mounts = writer.array(mount_steps(plan, writer));
  std::vector<wire::FileRule> files;
  for (const auto& rule : plan.file_rules)
    files.push_back(
        {rule.access, writer.text(rule.path), rule.optional ? std::uint32_t{wire::kOptional} : 0U});
  header.file_rules = writer.array(files);
  std::vector<wire::PortRule> ports;
  for (const auto& rule : plan.port_rules) ports.push_back({rule.access, rule.port});
  header.port_rules = writer.array(ports);
  std::vector<wire::RelayPort> relay_ports;
  for (const auto& port : plan.relay_ports)
    relay_ports.push_back({port.host, {port.inside, port.otherwise}, port.flags});
  header.relay_ports = writer.array(relay_ports);
  std::vector<wire::ResourceLimit> limits;
  for (const auto& limit : plan.limits)
    limits.push_back({limit.resource, 0, limit.soft, limit.hard});
  header.limits = writer.array(limits);
  header.seccomp = writer.array(plan.seccomp);
  header.cwd = writer.text(plan.cwd);
  header.root = writer.text(plan.root);
  header.hostname = writer.text(plan.hostname);
  header.landlock_abi = plan.landlock_abi;
  header.handled_fs = plan.handled_fs;
  header.handled_net = plan.handled_net;
  header.child_scopes = plan.child_scopes;
  header.shim_scopes = plan.shim_scopes;
  header.deadline_usec = plan.deadline_usec;
  header.grace_usec = plan.grace_usec;
  header.linger_usec = plan.linger_usec;
  header.memory_limit = plan.memory_limit;
  header.log_max_size = plan.log.max_size;
  header.log_max_files = plan.log.max_files;
  return writer.finish(header);
}

std::string to_text(const LaunchPlan& plan) {
  std::ostringstream out;
  out << "level " << to_string(plan.level) << '\n';
  out << "run";
  for (const auto& argument : plan.argv) out << ' ' << argument;
  out << '\n';
  for (const auto& path : plan.candidates) out << "  try " << path << '\n';
  out << "directory " << plan.cwd << '\n';
  if (!plan.root.empty()) out << "root " << plan.root << '\n';
  if ((plan.flags & wire::kChangeIds) != 0)
    out << "uid " << *plan.uid << " gid " << *plan.gid << '\n';
  if (!plan.hostname.empty()) out << "hostname " << plan.hostname << '\n';
  for (const auto& entry : plan.env) out << "env " << entry << '\n';
  if ((plan.flags & wire::kTerminal) != 0) out << "terminal of its own\n";
  if ((plan.flags & wire::kListen) != 0) out << "descriptor 3 listens on the own port\n";
  if ((plan.flags & wire::kLogBlocks) != 0) out << "waits for room for its output\n";
  for (const auto& limit : plan.limits)
    out << "limit " << limit.resource << ' ' << limit.soft << ' ' << limit.hard << '\n';
  print_mounts(out, plan);
  print_network(out, plan);
  print_rules(out, plan);
  out << "seccomp " << specs::word(plan.seccomp_profile) << ", " << plan.seccomp.size()
      << " instructions, at most " << longest_path(plan.seccomp) << " a call\n";
  if (plan.linger_usec > 0) out << "linger " << plan.linger_usec << "us\n";
  if (plan.memory_limit > 0) out << "memory " << plan.memory_limit << " bytes, by the shim\n";
  if (plan.deadline_usec > 0)
    out << "deadline " << plan.deadline_usec << "us grace " << plan.grace_usec << "us\n";
  return out.str();
}

}  // namespace ringfort::platform
