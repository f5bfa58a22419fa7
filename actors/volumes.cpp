#include "ringfort/actors/volumes.hpp"

#include "ringfort/actors/records.hpp"

#include <map>
#include <utility>

namespace ringfort::actors {
namespace {

struct Users {
  std::map<std::string, std::vector<std::string>> of;
  std::vector<std::string> unreadable;  ///< containers
};

Result<Users> users_of_volumes(const platform::ContainerFiles& files) {
  Users users;
  const auto all_seen = each_record(files, [&](const ContainerId& id, const auto& record) {
    if (!record) {
      users.unreadable.push_back(id.str());
      return Status{};
    }
    for (const auto& storage : record->service.storage)
      if (const auto* named = std::get_if<specs::NamedStorage>(&storage))
        if (auto& all = users.of[named->name]; all.empty() || all.back() != id.str())
          all.push_back(id.str());
    return Status{};
  });
  if (!all_seen) return fail(all_seen.error());
  return users;
}

}  // namespace

Result<std::vector<VolumeEntry>> list_volumes(platform::ContainerFiles& files) {
  auto volumes = files.volumes();
  if (!volumes) return fail(std::move(volumes.error()));
  auto users = users_of_volumes(files);
  if (!users) return fail(std::move(users.error()));
  std::vector<VolumeEntry> entries;
  for (auto& volume : *volumes) {
    auto used_by = std::move(users->of[volume.name]);
    entries.push_back({std::move(volume.name), volume.bytes, std::move(used_by)});
  }
  return entries;
}

Status remove_volume(const std::string& name, platform::ContainerFiles& files) {
  return files.remove_volume(name, [&]() -> Status {
    const auto users = users_of_volumes(files);
    if (!users) return fail(users.error());
    const auto found = users->of.find(name);
    if (found != users->of.end())
      return fail(ErrorKind::Conflict,
                  "volume " + name + " is named by container " + found->second.front(),
                  "remove that first: ringfort rm " + found->second.front());
    if (!users->unreadable.empty())
      return fail(ErrorKind::Conflict,
                  "the record of container " + users->unreadable.front() +
                      " can't be read: it may name volume " + name,
                  "remove that first: ringfort rm " + users->unreadable.front());
    return {};
  });
}

}  // namespace ringfort::actors
