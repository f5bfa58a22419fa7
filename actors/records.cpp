#include "ringfort/actors/records.hpp"

namespace ringfort::actors {

Status each_record(
    const platform::ContainerFiles& files,
    const std::function<Status(const ContainerId&, const Result<specs::ContainerRecord>&)>& visit) {
  const auto ids = files.recorded();
  if (!ids) return fail(ids.error());
  for (const auto& id : *ids) {
    const auto text = files.read_record(id);
    if (!text && text.error().kind == ErrorKind::NotFound) continue;  // gone by now
    const auto record = text ? specs::parse_container_record(*text) : fail(text.error());
    if (Status seen = visit(id, record); !seen) return seen;
  }
  return {};
}

}  // namespace ringfort::actors
