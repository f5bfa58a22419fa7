#include "ringfort/actors/volumes.hpp"

#include "fakes.hpp"
#include "ringfort/specs/container_record.hpp"

#include <gmock/gmock.h>

namespace ringfort::actors {
namespace {

using testing::HasSubstr;

std::string record_naming(const ContainerId& id, const std::string& volume) {
  specs::ContainerRecord record;
  record.owner = "somebody";
  record.id = id;
  record.service.image.name = "host";
  record.service.storage = {specs::TmpfsStorage{"/t", {}, {}},
                            specs::NamedStorage{volume, "/v", false, {}, {}}};
  return specs::to_text(record);
}

TEST(Volumes, AreKeptWhileARecordNamesThemOrMight) {
  fakes::FakeFiles files;
  EXPECT_TRUE(remove_volume("data", files));
  files.records["web-1"] = record_naming({"web", 1}, "other");
  EXPECT_TRUE(remove_volume("data", files));
  files.records["web-2"] = record_naming({"web", 2}, "data");
  const auto named = remove_volume("data", files);
  ASSERT_FALSE(named);
  EXPECT_EQ(named.error().kind, ErrorKind::Conflict);
  EXPECT_THAT(named.error().what, HasSubstr("web-2"));
  files.records["web-2"] = "owner somebody\ndamaged";
  const auto unknown = remove_volume("data", files);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().kind, ErrorKind::Conflict);
  EXPECT_THAT(unknown.error().what, HasSubstr("can't be read"));
}

}  // namespace
}  // namespace ringfort::actors
