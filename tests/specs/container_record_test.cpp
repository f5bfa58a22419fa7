#include "ringfort/specs/container_record.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ringfort::specs {
namespace {

using testing::HasSubstr;

ContainerRecord full() {
  ContainerRecord record;
  record.owner = std::string(32, 'a');
  record.id = {"web", 3};
  record.service.image.name = "app";
  record.service.command.entrypoint = {"/bin/sh", "-c", "echo \"a\nb\""};
  record.service.env = {{"A", "1"}};
  record.options.net = NetMode::Local;
  record.options.connect = {5432};
  record.options.read = {"/srv/a b"};
  record.options.own_port = false;
  record.options.best_effort = true;
  record.options.timeout = std::chrono::seconds(30);
  record.options.user = "1000:1000";
  record.options.workdir = "/srv";
  record.level = Level::Namespaces;
  record.lowered = "namespaces, as ...";
  record.durability = Durability::Full;
  record.layers = {"seccomp"};
  record.missing = {"one sentence"};
  record.port = 20001;
  record.uid = 1880000001;
  record.cgroup = "/sys/fs/cgroup/x";
  record.own_libraries = true;
  record.overlay = true;
  record.created_at = WallTime{std::chrono::microseconds(1'700'000'000'000'001)};
  record.restarts = RestartHistory{"boot",
                                   7,
                                   3,
                                   1,
                                   {std::chrono::seconds(5), std::chrono::seconds(9)},
                                   std::chrono::seconds(12),
                                   WallTime{std::chrono::microseconds(1'700'000'000'000'002)},
                                   true,
                                   "was started 10 times"};
  return record;
}

TEST(ContainerRecord, ComesBackAsItWasWritten) {
  const auto text = to_text(full());
  const auto back = parse_container_record(text);
  ASSERT_TRUE(back) << to_string(back.error());
  EXPECT_EQ(to_text(*back), text);
  EXPECT_EQ(back->id, full().id);
  EXPECT_EQ(back->service.command.entrypoint, full().service.command.entrypoint);
  EXPECT_EQ(back->options.timeout, full().options.timeout);
  EXPECT_EQ(back->uid, full().uid);
  EXPECT_EQ(back->level, Level::Namespaces);
  EXPECT_EQ(back->lowered, full().lowered);
  EXPECT_TRUE(back->options.best_effort);
  EXPECT_TRUE(back->overlay);
  EXPECT_EQ(back->restarts, full().restarts);
}

TEST(ContainerRecord, IsReadWithoutAHistoryOfRestarts) {
  auto before = full();
  before.restarts.reset();
  const auto text = to_text(before);
  EXPECT_EQ(text.find("restarts"), text.npos);
  const auto back = parse_container_record(text);
  ASSERT_TRUE(back) << to_string(back.error());
  EXPECT_EQ(back->restarts, std::nullopt);
}

TEST(ContainerRecord, NoticesEveryFlippedBitAndEveryCut) {
  const auto text = to_text(full());
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    auto flipped = text;
    flipped[i] = static_cast<char>(flipped[i] ^ 4);
    EXPECT_FALSE(parse_container_record(flipped)) << "byte " << i;
    EXPECT_FALSE(parse_container_record(std::string_view(text).substr(0, i))) << "cut at " << i;
  }
}

TEST(ContainerRecord, SaysThatItIsOfANewerVersion) {
  auto text = to_text(full());
  text.replace(text.find("record 1"), 8, "record 9");
  const auto refused = parse_container_record(text);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::Unsupported);
  EXPECT_THAT(refused.error().what, HasSubstr("version 9"));
}

}  // namespace
}  // namespace ringfort::specs
