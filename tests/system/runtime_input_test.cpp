// Bad input: each has its kind of error and a remedy, and leaves nothing behind.
#include "ringfort/support/child.hpp"
#include "ringfort/support/eventually.hpp"
#include "runtime_fixture.hpp"

#include <cerrno>
#include <filesystem>

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

namespace ringfort::test {
namespace {

namespace fs = std::filesystem;

class RuntimeInput : public RuntimeTest {
 protected:
  /// No container and no record of one. (What is recycled lies in .staging.)
  void expect_no_trace() const {
    EXPECT_TRUE(names_in(data_dir() + "/containers").empty());
    EXPECT_EQ(names_in(data_dir() + "/state"), std::vector<std::string>{"owners"});
    const auto entries = runtime_->list_containers();
    ASSERT_TRUE(ok(entries));
    EXPECT_TRUE(entries->empty());
  }
};

TEST_P(RuntimeInput, NamesThatLeaveTheirDirectoryAreInvalid) {
  const auto service = victim("idle");
  const std::string bad[] = {"",
                             "../../x",
                             "a/b",
                             ".",
                             "..",
                             "-x",
                             "a\nb",
                             "a b",
                             std::string("a\0b", 3),
                             "\xff\xfe",
                             std::string(300, 'a')};
  for (const auto& name : bad) {
    const ContainerId id{name, 1};
    SCOPED_TRACE(printable(name));
    EXPECT_TRUE(fails(runtime_->create_container(id, service), ErrorKind::InvalidSpec));
    // Such a container can't exist, so it is not found; what goes by names must not follow it.
    EXPECT_FALSE(runtime_->start_container(id));
    EXPECT_FALSE(runtime_->container_state(id));
    EXPECT_FALSE(runtime_->get_logs(id));
    (void)runtime_->remove_container(id);
  }
  expect_no_trace();
}

TEST_P(RuntimeInput, ImageNamesStayInTheirDirectory) {
  const std::string source = directory_ / "source";
  write_file(source + "/file", "content");
  EXPECT_TRUE(fails(runtime_->register_local_rootfs("", source), ErrorKind::InvalidSpec));
  EXPECT_TRUE(fails(runtime_->register_local_rootfs(std::string("a\0b", 3), source),
                    ErrorKind::InvalidSpec));
  EXPECT_TRUE(fails(runtime_->register_local_rootfs(std::string(300, 'a'), source),
                    ErrorKind::InvalidSpec));
  EXPECT_TRUE(ok(runtime_->register_local_rootfs("../../../escape", source)));
  EXPECT_TRUE(fs::exists(data_dir() + "/images"));
  EXPECT_FALSE(fs::exists(directory_ / "escape"));
  EXPECT_FALSE(fs::exists(directory_.path() + "/../escape"));
}

TEST_P(RuntimeInput, ImagesNeedADirectory) {
  EXPECT_FALSE(runtime_->register_local_rootfs("absent", directory_ / "absent"));
  write_file(directory_ / "file", "no directory");
  EXPECT_FALSE(runtime_->register_local_rootfs("file", directory_ / "file"));
  const auto images = runtime_->list_images();
  ASSERT_TRUE(ok(images));
  EXPECT_TRUE(images->empty());
}

TEST_P(RuntimeInput, ALiveContainerIsNotMadeAnew) {
  const ContainerId id{"twice", 1};
  const auto service = victim("idle");
  launch(id, service);
  await_ready(id);
  const auto pid = runtime_->get_container_pid(id);
  write_file(container_dir(id) + "/tmp/kept", "mine");

  EXPECT_TRUE(fails(runtime_->create_container(id, service), ErrorKind::Conflict));

  EXPECT_EQ(read_file(container_dir(id) + "/tmp/kept"), "mine");
  EXPECT_EQ(runtime_->container_state(id)->state, State::Running);
  EXPECT_EQ(runtime_->get_container_pid(id), pid);
}

TEST_P(RuntimeInput, ACreatedContainerIsNotMadeAnew) {
  const ContainerId id{"twice", 1};
  create(id, victim("idle"));
  write_file(container_dir(id) + "/tmp/kept", "mine");

  EXPECT_TRUE(fails(runtime_->create_container(id, victim("idle")), ErrorKind::Conflict));

  EXPECT_TRUE(exists(container_dir(id) + "/tmp/kept"));
  EXPECT_TRUE(ok(runtime_->start_container(id)));
}

TEST_P(RuntimeInput, WhatADeadContainerLeftIsCleaned) {
  const ContainerId id{"ended", 1};
  launch(id, victim("ends", {"code", "3"}));
  EXPECT_EQ(end_of(id).code, 3);
  write_file(container_dir(id) + "/tmp/leftover", "old");

  EXPECT_TRUE(ok(runtime_->create_container(id, victim("idle"))));

  EXPECT_FALSE(exists(container_dir(id) + "/tmp/leftover"));
  EXPECT_EQ(runtime_->container_state(id)->state, State::Created);
}

TEST_P(RuntimeInput, WhatADeadRuntimeLeftIsCleaned) {
  // Given: a process that created a container and died without a word.
  const ContainerId id{"orphan", 1};
  runtime_.reset();
  Child dead([&](const auto& ready) {
    auto runtime = open();
    if (!runtime || !runtime->create_container(id, victim_in(*runtime, "idle"))) return 1;
    if (!runtime->start_container(id)) return 2;
    ready();
    ::pause();
    return 0;
  });
  ASSERT_TRUE(dead.is_ready());
  write_file(container_dir(id) + "/leftover", "old");
  dead.kill();

  runtime_ = open();
  // Its shim needs a moment to see that its supervisor has died; until then the name is taken.
  EXPECT_TRUE(
      eventually(5s, [&] { return runtime_->create_container(id, victim("idle")).has_value(); }));

  EXPECT_FALSE(exists(container_dir(id) + "/leftover"));
  EXPECT_TRUE(ok(runtime_->remove_container(id)));
}

TEST_P(RuntimeInput, AnotherRuntimesContainerIsNotTouched) {
  const ContainerId id{"theirs", 1};
  auto other = open();
  ASSERT_TRUE(ok(other->create_container(id, victim("idle"))));
  ASSERT_TRUE(ok(other->start_container(id)));

  EXPECT_TRUE(fails(runtime_->create_container(id, victim("idle")), ErrorKind::Conflict));
  // It may be asked, and never taken.
  EXPECT_EQ(runtime_->container_state(id)->state, State::Running);
  EXPECT_TRUE(fails(runtime_->start_container(id), ErrorKind::Conflict));
  runtime_.reset();

  EXPECT_EQ(other->container_state(id)->state, State::Running);
  EXPECT_TRUE(exists(container_dir(id) + "/config.json"));
  remove_all(*other);
  runtime_ = open();
}

TEST_P(RuntimeInput, AMissingImageIsNamed) {
  specs::Service service;
  service.image.name = "never-registered:v1";
  service.command.entrypoint = {"/x"};
  EXPECT_TRUE(fails(runtime_->create_container({"no-image", 1}, service), ErrorKind::CreateFailed,
                    "rootfs not found"));
  EXPECT_TRUE(fails(runtime_->pull_image("never-registered:v1"), ErrorKind::PullFailed));
  expect_no_trace();
}

TEST_P(RuntimeInput, UnknownContainersAreNotFoundByAnyCall) {
  const ContainerId id{"unknown", 1};
  EXPECT_TRUE(fails(runtime_->start_container(id), ErrorKind::NotFound));
  EXPECT_TRUE(fails(runtime_->stop_container(id, 1s), ErrorKind::NotFound));
  EXPECT_TRUE(fails(runtime_->kill_container(id), ErrorKind::NotFound));
  EXPECT_TRUE(fails(runtime_->pause_container(id), ErrorKind::NotFound));
  EXPECT_TRUE(fails(runtime_->unpause_container(id), ErrorKind::NotFound));
  EXPECT_TRUE(fails(runtime_->wait_exit(id, 1s), ErrorKind::NotFound));
  EXPECT_TRUE(fails(runtime_->container_state(id), ErrorKind::NotFound));
  EXPECT_TRUE(fails(runtime_->get_logs(id), ErrorKind::NotFound));
  EXPECT_TRUE(fails(runtime_->get_container_stats(id), ErrorKind::NotFound));
  EXPECT_TRUE(fails(runtime_->get_container_pid(id), ErrorKind::NotFound));
  EXPECT_TRUE(fails(runtime_->get_container_ip(id), ErrorKind::NotFound));
  EXPECT_TRUE(fails(runtime_->get_container_port_override(id), ErrorKind::NotFound));
  EXPECT_TRUE(fails(runtime_->exec(id, {"/x"}), ErrorKind::NotFound));
  EXPECT_TRUE(ok(runtime_->remove_container(id)));
  EXPECT_TRUE(fails(runtime_->remove_image("unknown"), ErrorKind::NotFound));
}

TEST_P(RuntimeInput, AnEmptyCommandIsNotRun) {
  const ContainerId id{"exec", 1};
  launch(id, victim("idle"));
  EXPECT_TRUE(fails(runtime_->exec(id, {}), ErrorKind::InvalidSpec, "empty"));
  EXPECT_FALSE(runtime_->exec(id, {""}));
  EXPECT_EQ(runtime_->container_state(id)->state, State::Running);
}

TEST_P(RuntimeInput, AProgramThatCannotRunFailsToStartAndMayBeRemoved) {
  auto service = victim("idle");
  const std::string source = directory_ / "source-plain";
  write_file(source + "/plain", "no program\n");
  fs::permissions(source + "/plain", fs::perms(0644));
  ASSERT_TRUE(ok(runtime_->register_local_rootfs("plain", source)));
  service.image.name = "plain";
  const std::pair<const char*, int> rows[] = {{"/plain", 126}, {"/absent", 127}};

  for (const auto& [program, code] : rows) {
    SCOPED_TRACE(program);
    const ContainerId id{"broken", 1};
    service.command.entrypoint = {program};
    create(id, service);
    const auto started = runtime_->start_container(id);
    EXPECT_TRUE(fails(started, ErrorKind::StartFailed));
    const auto state = runtime_->container_state(id);
    ASSERT_TRUE(ok(state));
    EXPECT_EQ(state->state, State::Failed);
    ASSERT_TRUE(state->exit);
    EXPECT_EQ(state->exit->code, code);
    EXPECT_EQ(state->exit->reason, EndReason::StartFailed);
    EXPECT_TRUE(ok(runtime_->remove_container(id)));
  }
  expect_no_trace();
}

TEST_P(RuntimeInput, AnArgumentThatTheKernelWouldRefuseIsRefusedAtOnce) {
  // MAX_ARG_STRLEN of Linux counts the final NUL: 128 KiB - 1 go, one more does not. execve(2).
  const std::string longest((128 << 10) - 1, 'x');
  const ContainerId id{"longest", 1};
  launch(id, victim("ends", {"code", "0", longest}));
  EXPECT_EQ(end_of(id).code, 0);
  EXPECT_TRUE(ok(runtime_->remove_container(id)));

  for (const std::size_t more : {1, 2}) {
    const auto service = victim("ends", {"code", "0", longest + std::string(more, 'x')});
    EXPECT_TRUE(fails(runtime_->create_container(id, service), ErrorKind::InvalidSpec));
  }
  expect_no_trace();
}

TEST_P(RuntimeInput, AnArgumentWithANulIsRefused) {
  const auto service = victim("ends", {std::string("a\0b", 3)});
  EXPECT_TRUE(fails(runtime_->create_container({"nul", 1}, service), ErrorKind::InvalidSpec));
  expect_no_trace();
}

TEST_P(RuntimeInput, AFullDiskAtCreateLeavesNothing) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs CAP_SYS_ADMIN to mount a small tmpfs";
  // Given: a data directory on 8 MiB with an image of 5, in a mount namespace of this thread's own.
  runtime_.reset();
  leaks_.reset();
  ASSERT_EQ(::unshare(CLONE_NEWNS), 0);
  ASSERT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
  ASSERT_EQ(::mount("small", data_dir().c_str(), "tmpfs", 0, "size=8m,mode=755"), 0);
  leaks_.emplace(data_dir());
  runtime_ = open();
  write_file(directory_ / "big/file", std::string(5 << 20, 'x'));
  ASSERT_TRUE(ok(runtime_->register_local_rootfs("big", directory_ / "big")));
  specs::Service service;
  service.image.name = "big";
  service.command.entrypoint = {"/file"};

  const auto created = runtime_->create_container({"full", 1}, service);

  EXPECT_TRUE(fails(created, ErrorKind::CreateFailed));
  EXPECT_EQ(created ? 0 : created.error().os_errno, ENOSPC);
  expect_no_trace();
  launch({"small", 1}, victim("ends", {"code", "0"}));
  EXPECT_EQ(end_of({"small", 1}).code, 0);
  remove_all(*runtime_);
  runtime_.reset();
  leaks_.reset();
  EXPECT_EQ(::umount2(data_dir().c_str(), MNT_DETACH), 0);
}

INSTANTIATE_AT_LEVELS(RuntimeInput);

}  // namespace
}  // namespace ringfort::test
