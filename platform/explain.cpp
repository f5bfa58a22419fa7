#include "ringfort/platform/explain.hpp"

#include "ringfort/specs/names.hpp"
#include "ringfort/specs/units.hpp"
#include "ringfort/specs/utf8.hpp"
#include "ringfort/specs/words.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace ringfort::platform {
namespace {

constexpr std::size_t kWholePath = 16384;  // four bytes shown for each of the longest path

std::string shown(const std::string& path) { return printable(path, kWholePath); }

/// Lines of cells under one heading. Columns are padded to their widest cell; bytes count as
/// characters, so that a path in another script is at worst a little out of line.
class Table {
 public:
  explicit Table(std::string_view heading) : heading_(heading) {}

  void row(std::string left, std::string middle, std::string right = {}) {
    rows_.push_back({std::move(left), std::move(middle), std::move(right)});
  }

  std::string text() const {
    std::string text = heading_ + "\n";
    for (const auto& row : rows_) text += "  " + line(row) + "\n";
    return text;
  }

 private:
  using Row = std::array<std::string, 3>;

  std::size_t width(std::size_t column) const {
    std::size_t widest = 0;
    for (const auto& row : rows_) widest = std::max(widest, row[column].size());
    return widest;
  }

  std::string line(const Row& row) const {
    std::string line;
    for (std::size_t column = 0; column < row.size(); ++column) {
      line += row[column];
      line.append(width(column) - row[column].size() + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
  }

  std::string heading_;
  std::vector<Row> rows_;
};

std::string root_words(const Policy& policy) {
  const std::string seen = "the container's own root, seen as /: ";
  if (!policy.image_dir.empty() || policy.rootfs == RootfsMode::Overlay)
    return seen + "an overlay over the image";
  if (policy.rootfs == RootfsMode::Visible) return seen + "a copy of the image";
  return seen + "a copy of the image, or an overlay where that is cheaper";
}

std::string files(const Policy& policy) {
  Table table("Files");
  if (policy.rootfs_dir.empty())
    table.row("read", "/usr /bin /sbin /lib*, part of /etc", "the host's, in place of an image");
  else
    table.row("read, write", shown(policy.rootfs_dir), root_words(policy));
  if (policy.native_image)
    table.row("read", "/usr/lib /lib*", "the host's libraries, as the image has none");
  table.row("read, write", shown(policy.scratch_dir), "scratch: HOME and TMPDIR");
  for (const auto& rule : policy.paths)
    table.row(rule.access == Access::Write ? "read, write" : "read", shown(rule.path), "asked for");
  return table.text();
}

std::string volumes(const Policy& policy) {
  if (policy.volumes.empty()) return {};
  Table table("Volumes");
  for (const auto& volume : policy.volumes) {
    std::string from = "anonymous, goes with the container";
    if (volume.kind == VolumeKind::Named) from = "named " + shown(volume.name);
    if (volume.kind == VolumeKind::Bind) from = "from " + shown(volume.source);
    if (volume.kind == VolumeKind::Tmpfs) from = "tmpfs of " + to_string(volume.size);
    table.row(volume.read_only ? "read" : "read, write", shown(volume.target), std::move(from));
  }
  return table.text();
}

std::string joined(const std::vector<std::uint16_t>& ports, std::string_view gap) {
  std::string text;
  for (const auto port : ports) {
    if (!text.empty()) text += gap;
    text += std::to_string(port);
  }
  return text;
}

std::string ports_or_none(const std::vector<std::uint16_t>& ports) {
  return ports.empty() ? "no port" : joined(ports, " ");
}

/// At level `network`: beside the own port, whose number the policy does not tell from others.
void add_entries(Table& table, const NetworkAccess& network) {
  for (const auto& entry : network.entries)
    table.row(
        "from outside", "127.0.0.1:" + std::to_string(entry.host),
        "to port " + std::to_string(entry.inside) + (entry.required ? "" : ", if it is free"));
  table.row("from outside", "the container's own port, if it has one");
}

std::string own_network(const NetworkAccess& network) {
  Table table("Network");
  if (network.mode == NetMode::None) {
    table.row("none", "no socket but unix ones, and a network of its own without anything in it");
    return table.text();
  }
  if (network.mode == NetMode::Full) {
    table.row("own", "a loopback of its own, no rule; nothing beyond it can be reached");
  } else {
    table.row("own", "TCP on a loopback of its own, these ports only");
    table.row("listen", ports_or_none(network.bind_ports));
    table.row("connect", ports_or_none(network.connect_ports));
  }
  add_entries(table, network);
  return table.text();
}

std::string network(const NetworkAccess& network) {
  Table table("Network");
  switch (network.mode) {
    case NetMode::None:
      table.row("none", "no socket but unix ones");
      break;
    case NetMode::Local:
      table.row("local", "TCP, these ports only");
      table.row("listen", ports_or_none(network.bind_ports));
      table.row("connect", ports_or_none(network.connect_ports));
      if (!network.seatbelt_connect_ports.empty())
        table.row("connect", joined(network.seatbelt_connect_ports, " "),
                  "in the Seatbelt profile only");
      break;
    case NetMode::Full:
      table.row("full", "the machine's network, no rule");
      break;
  }
  return table.text();
}

std::string_view gpu_words(GpuAccess gpu) {
  switch (gpu) {
    case GpuAccess::None:
      return "no device";
    case GpuAccess::MetalCompute:
      return "Metal, shaders compiled at run time";
    case GpuAccess::MpsOnly:
      return "Metal Performance Shaders only";
  }
  return "no device";
}

std::string gpu(const Policy& policy) {
  Table table("GPU");
  if (const auto& devices = policy.gpu_devices)
    table.row(std::to_string(devices->count) + " of " + std::string(specs::word(devices->vendor)),
              "their device nodes, where the machine has them");
  else
    table.row(std::string(to_string(policy.gpu)), std::string(gpu_words(policy.gpu)));
  return table.text();
}

std::string limits(const Policy& policy) {
  Table table("Limits");
  table.row("memory", policy.memory_limit ? to_string(*policy.memory_limit) : "none",
            "the whole process tree");
  table.row("open files", std::to_string(policy.max_files), "each process");
  return table.text();
}

std::string_view profile_words(specs::SeccompProfile profile) {
  switch (profile) {
    case specs::SeccompProfile::Default:
      return "what ordinary programs need";
    case specs::SeccompProfile::Build:
      return "as default, and debuggers at level namespaces";
    case specs::SeccompProfile::Strict:
      return "plain computing on files: no socket, whatever the network";
  }
  return "";
}

std::string calls(specs::SeccompProfile profile) {
  Table table("System calls");
  table.row(std::string(specs::word(profile)), std::string(profile_words(profile)));
  return table.text();
}

// JSON by hand: the layer has no JSON library, and ten keys are no reason to give it one.

std::string quoted(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out = "\"";
  while (!text.empty()) {
    const auto point = specs::first_code_point(text);
    const auto length = point ? point->length : 1;
    const char32_t c = point ? point->value : U'\ufffd';
    if (!point)
      out += "\xef\xbf\xbd";
    else if (c == U'"' || c == U'\\')
      out.append("\\").push_back(static_cast<char>(c));
    else if (c < 0x20 || (c >= 0x7f && c < 0xa0))
      out.append("\\u00").append({digits[c >> 4], digits[c & 15]});
    else
      out += text.substr(0, length);
    text.remove_prefix(length);
  }
  return out + "\"";
}

std::string quoted_or_null(const std::string& text) { return text.empty() ? "null" : quoted(text); }

template <class List, class Render>
std::string array(const List& list, Render render) {
  std::string text;
  for (const auto& item : list) text.append(text.empty() ? "" : ",").append(render(item));
  return "[" + text + "]";
}

std::string object(std::initializer_list<std::pair<std::string_view, std::string>> members) {
  std::string text;
  for (const auto& [key, value] : members)
    text.append(text.empty() ? "" : ",").append(quoted(key)).append(":").append(value);
  return "{" + text + "}";
}

std::string truth(bool value) { return value ? "true" : "false"; }

std::string json(const PathRule& rule) {
  return object({{"path", quoted(rule.path)}, {"access", quoted(to_string(rule.access))}});
}

std::string json(const VolumeRule& volume) {
  return object({{"kind", quoted(to_string(volume.kind))},
                 {"name", quoted_or_null(volume.name)},
                 {"target", quoted(volume.target)},
                 {"read_only", truth(volume.read_only)},
                 {"source", quoted_or_null(volume.source)}});
}

std::string json(const std::vector<std::uint16_t>& ports) { return "[" + joined(ports, ",") + "]"; }

std::string json(const NetworkAccess& network) {
  return object({{"mode", quoted(to_string(network.mode))},
                 {"bind_ports", json(network.bind_ports)},
                 {"connect_ports", json(network.connect_ports)},
                 {"seatbelt_connect_ports", json(network.seatbelt_connect_ports)}});
}

}  // namespace

std::string explain_policy(const Policy& policy, std::optional<Level> level) {
  const auto net = level == Level::Network ? own_network(policy.network) : network(policy.network);
  return files(policy) + volumes(policy) + net + gpu(policy) + calls(policy.seccomp) +
         limits(policy);
}

std::string explain_policy_json(const Policy& policy) {
  const auto rendered = [](const auto& item) { return json(item); };
  return object(
      {{"container_dir", quoted(policy.container_dir)},
       {"rootfs_dir", quoted_or_null(policy.rootfs_dir)},
       {"rootfs", quoted(to_string(policy.rootfs))},
       {"scratch_dir", quoted(policy.scratch_dir)},
       {"native_image", truth(policy.native_image)},
       {"paths", array(policy.paths, rendered)},
       {"volumes", array(policy.volumes, rendered)},
       {"network", json(policy.network)},
       {"gpu", quoted(to_string(policy.gpu))},
       {"gpu_devices", policy.gpu_devices
                           ? object({{"vendor", quoted(specs::word(policy.gpu_devices->vendor))},
                                     {"count", std::to_string(policy.gpu_devices->count)}})
                           : "null"},
       {"seccomp", quoted(specs::word(policy.seccomp))},
       {"memory_limit", policy.memory_limit ? std::to_string(policy.memory_limit->count) : "null"},
       {"max_files", std::to_string(policy.max_files)}});
}

}  // namespace ringfort::platform
