// Policies with hostile paths: their profile has the forms that one with harmless paths has, and
// the paths come back as they were.
#include "fuzz.hpp"
#include "ringfort/platform/seatbelt_profile.hpp"
#include "ringfort/support/sbpl.hpp"

#include <algorithm>

namespace {

using namespace ringfort;
using platform::Policy;
using support::SbplForm;

// A path below one of the aliases is written twice.
constexpr const char* kRoots[] = {"/home/me", "/tmp", "/private/tmp", "/var/x", "/etc", "/srv"};

/// One part of a path: never one that would lead elsewhere.
std::string part(fuzz::Bytes& bytes) {
  auto text = bytes.text();
  std::erase(text, '/');
  return "p" + text;
}

struct Pair {
  Policy hostile;
  Policy harmless;
  std::vector<std::string> paths;
};

Pair make_policies(fuzz::Bytes& bytes) {
  Pair pair;
  Policy both;
  both.container_dir = "/srv/ringfort/containers/web-1";
  both.rootfs_dir = both.container_dir + "/rootfs";
  both.scratch_dir = both.container_dir + "/tmp";
  both.network.mode = static_cast<NetMode>(bytes.byte() % 3);
  both.network.bind_ports = {8080};
  both.network.connect_ports = {5432, 8080};
  both.gpu = static_cast<platform::GpuAccess>(bytes.byte() % 3);
  pair.hostile = pair.harmless = both;
  for (int i = 0; i < 8 && !bytes.empty(); ++i) {
    const std::string root = kRoots[bytes.byte() % std::size(kRoots)];
    const auto access = bytes.flag() ? platform::Access::Write : platform::Access::Read;
    // The number keeps their order.
    const auto ahead = root + "/" + std::to_string(i);
    const auto hostile = ahead + part(bytes);
    if (bytes.flag()) {
      pair.hostile.paths.push_back({hostile, access});
      pair.harmless.paths.push_back({ahead + "p", access});
    } else {
      pair.hostile.volumes.push_back({"v" + std::to_string(i), "/" + part(bytes), false, hostile});
      pair.harmless.volumes.push_back({"v" + std::to_string(i), "/p", false, ahead + "p"});
    }
    pair.paths.push_back(hostile);
  }
  return pair;
}

void forget_strings(std::vector<SbplForm>& forms) {
  for (auto& form : forms) {
    if (form.kind == SbplForm::Kind::String) form.text.clear();
    forget_strings(form.items);
  }
}

bool has_string(const std::vector<SbplForm>& forms, const std::string& text) {
  return std::any_of(forms.begin(), forms.end(), [&](const SbplForm& form) {
    return (form.kind == SbplForm::Kind::String && form.text.find(text) != text.npos) ||
           has_string(form.items, text);
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Bytes bytes{data, size};
  const auto pair = make_policies(bytes);
  const auto hostile = platform::seatbelt_profile(pair.hostile);
  const auto harmless = platform::seatbelt_profile(pair.harmless);
  fuzz::require(harmless.has_value(), "a harmless policy has a profile");
  if (!hostile) return 0;
  auto forms = support::read_sbpl(*hostile);
  auto wanted = support::read_sbpl(*harmless);
  fuzz::require(forms && wanted, "a profile is whole forms");
  for (const auto& path : pair.paths) {
    const auto name = path.substr(path.rfind('/') + 1);
    fuzz::require(has_string(*forms, name), "a path comes back as it was");
  }
  forget_strings(*forms);
  forget_strings(*wanted);
  fuzz::require(*forms == *wanted, "paths change no form");
  return 0;
}
