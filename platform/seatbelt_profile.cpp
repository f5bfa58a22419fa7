#include "ringfort/platform/seatbelt_profile.hpp"

#include "ringfort/platform/seatbelt_gpu.hpp"
#include "ringfort/specs/names.hpp"

#include <array>
#include <initializer_list>
#include <optional>
#include <utility>

namespace ringfort::platform {
namespace {

using Filters = std::vector<std::string>;
using Names = std::initializer_list<std::string_view>;

/// Writes forms. Remembers the first thing that may not be written; then there is no profile.
class Writer {
 public:
  void section(std::string_view title) { text_.append("\n; ").append(title).append("\n"); }
  /// `operations` wherever they are tried.
  void allow(std::string_view operations) { text_.append("(allow ").append(operations) += ")\n"; }
  /// `operations` where one of `filters` matches.
  void allow(std::string_view operations, const Filters& filters) {
    rule("allow", operations, filters);
  }
  void deny(std::string_view operations, const Filters& filters) {
    rule("deny", operations, filters);
  }

  std::string filter(std::string_view name, std::string_view value);
  Filters filters(std::string_view name, const auto& values) {
    Filters all;
    for (const auto& value : values) all.push_back(filter(name, value));
    return all;
  }
  /// One filter for each form in which the kernel may see the path.
  Filters paths(std::string_view name, std::string_view path);

  Result<std::string> take() && {
    if (error_) return fail(*std::move(error_));
    return std::move(text_);
  }

 private:
  void rule(std::string_view verdict, std::string_view operations, const Filters& filters);
  void refuse(Error error) {
    if (!error_) error_ = std::move(error);
  }

  std::string text_ =
      "; ringfort: what this container may do. Written once, never read back.\n"
      "(version 1)\n(deny default)\n";
  std::optional<Error> error_;
};

void Writer::rule(std::string_view verdict, std::string_view operations, const Filters& filters) {
  // A rule without filters holds everywhere: never what a list that came out empty should mean.
  if (filters.empty()) refuse({ErrorKind::Internal, "a profile rule has no filters", {}, {}, 0});
  text_.append("(").append(verdict).append(" ").append(operations);
  const std::string_view gap = filters.size() > 1 ? "\n  " : " ";
  for (const auto& one : filters) text_.append(gap).append(one);
  text_.append(")\n");
}

std::string Writer::filter(std::string_view name, std::string_view value) {
  auto literal = sbpl_string(value);
  if (!literal) refuse(literal.error());
  return "(" + std::string(name) + " " + std::move(literal).value_or("\"\"") + ")";
}

/// macOS keeps these as links into /private, and the kernel compares resolved paths.
std::optional<std::string> resolved_alias(std::string_view path) {
  for (const std::string_view link : {"/tmp", "/var", "/etc"})
    if (is_within(path, link)) return "/private" + std::string(path);
  return std::nullopt;
}

Filters Writer::paths(std::string_view name, std::string_view path) {
  Filters forms{filter(name, path)};
  if (const auto alias = resolved_alias(path)) forms.push_back(filter(name, *alias));
  return forms;
}

std::string all_of(const Filters& filters) {
  std::string form = "(require-all";
  for (const auto& one : filters) form.append("\n    ").append(one);
  return form + ")";
}

Filters none_of(Filters filters) {
  for (auto& one : filters) one.insert(0, "(require-not ").push_back(')');
  return filters;
}

void append(Filters& all, const Filters& more) { all.insert(all.end(), more.begin(), more.end()); }

void base_process(Writer& out) {
  out.section("Processes");
  out.allow("process-exec");
  out.allow("process-fork");
  out.allow("signal", {"(target same-sandbox)"});
  out.allow("process-info*", {"(target self)"});
  out.allow("process-info-pidinfo");
  out.allow("process-info-rusage");
}

constexpr std::array<std::string_view, 4> kCode = {"/usr/lib", "/System/Library/Frameworks",
                                                   "/System/Library/PrivateFrameworks",
                                                   "/System/Library/Extensions"};

void system_libraries(Writer& out) {
  out.section("System libraries");
  Filters read = out.filters("subpath", kCode);
  append(read, out.filters("subpath", Names{"/System/Library/ColorSync"}));
  append(read, out.filters("literal", Names{"/", "/dev/random", "/dev/urandom"}));
  out.allow("file-read*", read);

  out.section("Code that may be mapped");
  out.allow("file-map-executable", out.filters("subpath", kCode));
}

void system_information(Writer& out) {
  out.section("Questions about the system");
  out.allow("sysctl-read");
  out.allow("system-info");

  out.section("Mach services");
  out.allow("mach-lookup",
            out.filters("global-name", Names{"com.apple.system.opendirectoryd.libinfo"}));
}

void may_write(Writer& out, const Filters& where) { out.allow("file-read* file-write*", where); }
void may_run(Writer& out, const Filters& where) { out.allow("file-map-executable", where); }

/// The container's own tree, or in its place the system directories that image
/// `host` stands for.
void root(Writer& out, const Policy& policy) {
  if (!policy.rootfs_dir.empty()) {
    out.section("The container's rootfs");
    const Filters tree = out.paths("subpath", policy.rootfs_dir);
    may_write(out, tree);
    may_run(out, tree);
    return;
  }
  out.section("The host's system directories, in place of an own tree");
  Filters read = out.filters("subpath", Names{"/bin", "/sbin", "/usr", "/System/Library",
                                              "/private/etc/ssl", "/private/var/db/timezone"});
  may_run(out, out.filters("subpath", Names{"/bin", "/sbin", "/usr", "/System/Library"}));
  append(read, out.filters("literal", Names{"/private/etc/hosts", "/private/etc/localtime",
                                            "/private/etc/passwd", "/private/etc/group",
                                            "/private/etc/protocols", "/private/etc/services",
                                            "/private/var/select/sh"}));
  if (policy.network.mode != NetMode::None)
    append(read, out.filters("literal",
                             Names{"/private/etc/resolv.conf", "/private/var/run/resolv.conf"}));
  out.allow("file-read*", read);
}

/// Only the scratch directory. Profile, config, pid and logs lie beside it and
/// stay out of reach.
void workspace(Writer& out, const Policy& policy) {
  out.section("Workspace: the scratch directory tmp");
  may_write(out, out.paths("subpath", policy.scratch_dir));
}

/// A wide write path (a home directory, say) may hold the container's
/// directory. The last matching rule decides, so this takes the files that tell
/// about the container back out.
void protect_own_files(Writer& out, const Policy& policy) {
  Filters open = out.paths("subpath", policy.scratch_dir);
  if (!policy.rootfs_dir.empty()) append(open, out.paths("subpath", policy.rootfs_dir));
  open = none_of(std::move(open));
  for (const auto& dir : out.paths("subpath", policy.container_dir)) {
    Filters condition{dir};
    append(condition, open);
    out.deny("file-write*", {all_of(condition)});
  }
}

void host_paths(Writer& out, const Policy& policy) {
  if (policy.paths.empty()) return;
  out.section("Paths of the host, as asked for");
  bool is_covered = false;
  for (const auto& rule : policy.paths) {
    const Filters where = out.paths("subpath", rule.path);
    out.allow(rule.access == Access::Write ? "file-read* file-write*" : "file-read*", where);
    may_run(out, where);
    is_covered |= rule.access == Access::Write && is_within(policy.container_dir, rule.path);
  }
  if (is_covered) protect_own_files(out, policy);
}

/// `target` as seen from outside; both in normal form, and so is the result.
std::string inside(const std::string& rootfs, const std::string& target) {
  if (target == "/") return rootfs;
  return rootfs == "/" ? target : rootfs + target;
}

/// Where a volume is: its target inside the rootfs, never the host's path of
/// that name, and what a bind shows there.
Filters volume_places(Writer& out, const Policy& policy, const VolumeRule& volume) {
  Filters places;
  if (!policy.rootfs_dir.empty())
    places = out.paths("subpath", inside(policy.rootfs_dir, volume.target));
  if (!volume.source.empty()) append(places, out.paths("subpath", volume.source));
  return places;
}

/// Writable volumes inside a read-only one keep their right to be written.
Filters writable_within(Writer& out, const Policy& policy, const VolumeRule& outer) {
  Filters kept;
  for (const auto& volume : policy.volumes)
    if (!volume.read_only && is_within(volume.target, outer.target))
      append(kept, volume_places(out, policy, volume));
  return none_of(std::move(kept));
}

void writable_volumes(Writer& out, const Policy& policy) {
  out.section("Writable volumes, at their targets inside the rootfs");
  for (const auto& volume : policy.volumes) {
    if (volume.read_only) continue;
    const Filters places = volume_places(out, policy, volume);
    if (!places.empty()) may_write(out, places);
  }
}

/// The rootfs around a read-only volume is writable, so to allow reading is not
/// enough.
void read_only_volumes(Writer& out, const Policy& policy) {
  out.section("Read-only volumes, at their targets inside the rootfs");
  for (const auto& volume : policy.volumes) {
    if (!volume.read_only) continue;
    const Filters places = volume_places(out, policy, volume);
    if (places.empty()) continue;
    out.allow("file-read*", places);
    const Filters kept = writable_within(out, policy, volume);
    for (const auto& place : places) {
      Filters condition{place};
      append(condition, kept);
      out.deny("file-write*", {kept.empty() ? place : all_of(condition)});
    }
  }
}

void volumes(Writer& out, const Policy& policy) {
  const auto has = [&](bool read_only) {
    for (const auto& volume : policy.volumes)
      if (volume.read_only == read_only) return true;
    return false;
  };
  if (has(false)) writable_volumes(out, policy);
  if (has(true)) read_only_volumes(out, policy);
}

void gpu(Writer& out, GpuAccess access) {
  if (access == GpuAccess::None) {
    out.section("GPU: none");
    return;
  }
  const SeatbeltGpu& rules =
      access == GpuAccess::MetalCompute ? seatbelt_metal_compute() : seatbelt_mps_only();
  out.section(rules.title);
  out.allow("iokit-open", out.filters("iokit-user-client-class", rules.open));
  Filters service = out.filters("iokit-user-client-class", Names{"IOSurfaceRoot"});
  append(service, out.filters("iokit-registry-entry-class-prefix", Names{"AGXAcceleratorG"}));
  out.allow("iokit-open-service", service);
  out.allow("iokit-open-user-client", out.filters("iokit-user-client-class", rules.open_client));
  out.allow("iokit-get-properties", out.filters("iokit-property", rules.properties));
  out.allow("mach-lookup", out.filters("global-name", rules.services));
  out.allow("mach-lookup", out.filters("xpc-service-name", Names{"com.apple.MTLCompilerService"}));
  if (!rules.xpc_prefixes.empty())
    out.allow("mach-lookup", out.filters("xpc-service-name-prefix", rules.xpc_prefixes));
  out.allow("user-preference-read", out.filters("preference-domain", rules.preferences));
  out.allow("file-read*", out.filters("subpath", rules.libraries));
}

std::string port_filter(Writer& out, std::string_view side, std::string_view port) {
  // The address filters know only `localhost` and `*` as a host.
  return out.filter(side, "localhost:" + std::string(port));
}

void local_network(Writer& out, const NetworkAccess& network) {
  out.section("Network: these ports of localhost");
  for (const auto port : network.bind_ports)
    out.allow("network-bind", {port_filter(out, "local ip", std::to_string(port))});
  for (const auto* ports : {&network.seatbelt_connect_ports, &network.connect_ports})
    for (const auto port : *ports)
      out.allow("network-outbound", {port_filter(out, "remote ip", std::to_string(port))});
  if (!network.bind_ports.empty())
    out.allow("network-inbound", {port_filter(out, "local ip", "*")});
}

void network(Writer& out, const NetworkAccess& network) {
  switch (network.mode) {
    case NetMode::None:
      out.section("Network: none");
      return;
    case NetMode::Local:
      local_network(out, network);
      return;
    case NetMode::Full:
      out.section("Network: full access");
      for (const auto* operation :
           {"network-outbound", "network-inbound", "network-bind", "system-socket"})
        out.allow(operation);
      return;
  }
}

void streams(Writer& out) {
  out.section("Input and output");
  out.allow("file-write-data file-read-data",
            {all_of({out.filter("literal", "/dev/null"), "(vnode-type CHARACTER-DEVICE)"})});
  out.allow("pseudo-tty");
  out.allow("file-read* file-write* file-ioctl", out.filters("literal", Names{"/dev/ptmx"}));

  out.section("Shared memory and semaphores");
  out.allow("ipc-posix-sem");
  out.allow("ipc-posix-shm");
}

/// A policy made by hand passes the same gate as one from make_policy: otherwise a target without
/// its slash would name a neighbour of the rootfs.
Result<Policy> normalized(Policy policy) {
  std::vector<std::string*> paths = {&policy.container_dir, &policy.scratch_dir};
  if (!policy.rootfs_dir.empty()) paths.push_back(&policy.rootfs_dir);
  for (auto& rule : policy.paths) paths.push_back(&rule.path);
  for (auto& volume : policy.volumes) {
    paths.push_back(&volume.target);
    if (!volume.source.empty()) paths.push_back(&volume.source);
  }
  for (auto* path : paths) {
    auto normal = normal_path(*path, "path");
    if (!normal) return fail(std::move(normal).error());
    *path = *std::move(normal);
  }
  return policy;
}

}  // namespace

Result<std::string> sbpl_string(std::string_view text) {
  if (!is_plain_text(text))
    return fail(ErrorKind::InvalidSpec,
                "\"" + printable(text) + "\" can't stand in a sandbox profile",
                "use valid UTF-8 without control characters");
  std::string literal = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') literal.push_back('\\');
    literal.push_back(c);
  }
  return literal + "\"";
}

Result<std::string> seatbelt_profile(const Policy& given) {
  const auto policy = normalized(given);
  if (!policy) return fail(policy.error());
  Writer out;
  base_process(out);
  system_libraries(out);
  system_information(out);
  root(out, *policy);
  workspace(out, *policy);
  host_paths(out, *policy);
  volumes(out, *policy);
  gpu(out, policy->gpu);
  network(out, policy->network);
  streams(out);
  return std::move(out).take();
}

}  // namespace ringfort::platform
