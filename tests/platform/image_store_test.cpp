#include "ringfort/platform/image_store.hpp"

#include "ringfort/platform/overlay_files.hpp"
#include "ringfort/support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <barrier>
#include <cstring>
#include <filesystem>
#include <thread>

#include <elf.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ringfort::platform {
namespace {

using test::exists;
using test::names_in;
using test::read_file;
using test::TempDir;
using test::write_file;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;

// An ELF file that is nothing but headers and the interpreter it asks for.
std::string program_with_interpreter(const std::string& path) {
  Elf64_Ehdr file{};
  std::memcpy(file.e_ident, ELFMAG, SELFMAG);
  file.e_ident[EI_CLASS] = ELFCLASS64;
  file.e_ident[EI_DATA] = ELFDATA2LSB;
  file.e_phoff = sizeof file;
  file.e_phentsize = sizeof(Elf64_Phdr);
  file.e_phnum = path.empty() ? 0 : 1;
  Elf64_Phdr program{};
  program.p_type = PT_INTERP;
  program.p_offset = sizeof file + sizeof program;
  program.p_filesz = path.size() + 1;
  std::string text(reinterpret_cast<const char*>(&file), sizeof file);
  text.append(reinterpret_cast<const char*>(&program), sizeof program);
  return text + path + '\0';
}

class Images : public testing::Test {
 protected:
  Images() {
    for (const auto* name : {"images", "staging", "source"}) {
      std::filesystem::create_directory(dir_ / name);
    }
    write_file(source_ + "/bin/app", "app");
  }

  ImageStore open() {
    auto store = ImageStore::open(dir_ / "images", dir_ / "staging");
    EXPECT_TRUE(store) << to_string(store.error());
    return std::move(*store);
  }

  void add_program(const std::string& path, const std::string& interpreter) {
    write_file(path, program_with_interpreter(interpreter));
    ::chmod(path.c_str(), 0755);
  }

  TempDir dir_;
  const std::string source_ = dir_ / "source";
};

TEST_F(Images, AnAddedImageIsFoundWithItsTreeAndMountPoints) {
  auto store = open();

  const auto added = store.add("web/app:1.0", source_);

  ASSERT_TRUE(added) << to_string(added.error());
  EXPECT_EQ(added->name, "web/app:1.0");
  EXPECT_EQ(added->bytes, 3U);
  EXPECT_FALSE(added->native);
  EXPECT_EQ(read_file(added->rootfs + "/bin/app"), "app");
  EXPECT_THAT(names_in(added->rootfs), testing::ElementsAre("bin", "dev", "etc", "proc", "tmp"));
  const auto found = open().find("web/app:1.0");
  ASSERT_TRUE(found) << to_string(found.error());
  EXPECT_EQ(found->rootfs, added->rootfs);
  EXPECT_EQ(found->bytes, 3U);
  EXPECT_THAT(found->mount_points, testing::ElementsAre("dev", "etc", "proc", "tmp"));
  EXPECT_THAT(names_in(dir_ / "staging"), IsEmpty());
}

TEST_F(Images, WhatTheSourceHasItselfIsNoMountPointOnly) {
  auto store = open();
  std::filesystem::create_directories(source_ + "/etc");

  const auto added = store.add("app", source_);

  ASSERT_TRUE(added) << to_string(added.error());
  EXPECT_THAT(added->mount_points, testing::ElementsAre("dev", "proc", "tmp"));
}

TEST_F(Images, NamesThatDifferInOneByteAreDifferentImages) {
  auto store = open();
  const std::vector<std::string> names{"a/b", "a:b", "a@b", "a_b", "a\"b", "..", "a\\b"};
  for (const auto& name : names) ASSERT_TRUE(store.add(name, source_)) << name;

  std::vector<std::string> listed;
  for (const auto& image : store.list()) listed.push_back(image.name);

  EXPECT_THAT(listed, testing::UnorderedElementsAreArray(names));
  EXPECT_THAT(names_in(dir_.path()), testing::ElementsAre("images", "source", "staging"));
}

TEST_F(Images, TheFirstRegistrationOfANameWins) {
  auto store = open();
  ASSERT_TRUE(store.add("app", source_));
  write_file(source_ + "/bin/app", "changed");

  const auto again = store.add("app", source_);

  ASSERT_TRUE(again);
  EXPECT_EQ(read_file(again->rootfs + "/bin/app"), "app");
}

TEST_F(Images, ManyWhoRegisterOneNameAtOnceAgree) {
  std::array<Result<Image>, 8> answers;
  std::array<ino_t, 8> trees{};
  std::barrier together(8);
  for (int i = 0; i < 100; ++i) write_file(source_ + "/f" + std::to_string(i), "");
  {
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      threads.emplace_back([&, i] {
        auto store = open();
        together.arrive_and_wait();
        answers[i] = store.add("app", source_);
        struct stat status {};
        if (answers[i] && ::stat(answers[i]->rootfs.c_str(), &status) == 0) {
          trees[i] = status.st_ino;
        }
      });
    }
    for (auto& thread : threads) thread.join();
  }

  for (const auto& answer : answers) {
    ASSERT_TRUE(answer) << to_string(answer.error());
    EXPECT_EQ(answer->rootfs, answers[0]->rootfs);
    EXPECT_EQ(answer->bytes, 3U);
  }
  // The first one stays: nobody replaced what another was told of.
  EXPECT_THAT(trees, testing::Each(trees[0]));
  EXPECT_THAT(names_in(dir_ / "staging"), IsEmpty());
  EXPECT_THAT(names_in(dir_ / "images"), testing::ElementsAre("app"));
}

TEST_F(Images, ADirectoryWithoutTheMarkerIsNoImageAndGivesWay) {
  write_file(dir_ / "images/app/rootfs/half", "half");
  auto store = open();
  EXPECT_EQ(store.find("app").error().kind, ErrorKind::NotFound);
  EXPECT_THAT(store.list(), IsEmpty());

  const auto added = store.add("app", source_);

  ASSERT_TRUE(added) << to_string(added.error());
  EXPECT_FALSE(exists(added->rootfs + "/half"));
  EXPECT_THAT(names_in(dir_ / "staging"), IsEmpty());
}

TEST_F(Images, AFailedRegistrationLeavesNothing) {
  ASSERT_EQ(::mkfifo((source_ + "/bin/queue").c_str(), 0600), 0);
  auto store = open();

  const auto added = store.add("app", source_);

  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().kind, ErrorKind::InvalidSpec);
  EXPECT_THAT(added.error().what, HasSubstr("bin/queue is a FIFO"));
  EXPECT_THAT(names_in(dir_ / "staging"), IsEmpty());
  EXPECT_THAT(names_in(dir_ / "images"), IsEmpty());
}

TEST_F(Images, AnAbsentSourceIsNotFound) {
  const auto added = open().add("app", dir_ / "nowhere");

  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().kind, ErrorKind::NotFound);
  EXPECT_THAT(added.error().what, HasSubstr("nowhere"));
}

TEST_F(Images, AnAbsentImageIsNotFoundWithPathAndRemedy) {
  const auto found = open().find("no/such");

  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind, ErrorKind::NotFound);
  EXPECT_THAT(found.error().what, HasSubstr("rootfs not found"));
  EXPECT_THAT(found.error().what, HasSubstr(dir_ / "images/"));
  EXPECT_THAT(found.error().hint, HasSubstr("ringfort image add"));
}

TEST_F(Images, HostileNamesAreRefused) {
  for (const std::string& name : {std::string(), std::string("a\0b", 3), std::string("a\nb")}) {
    const auto added = open().add(name, source_);
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().kind, ErrorKind::InvalidSpec);
  }
  EXPECT_THAT(names_in(dir_ / "images"), IsEmpty());
}

TEST_F(Images, ALinkAtAMountPointIsRefused) {
  ::symlink("/etc", (source_ + "/proc").c_str());

  const auto added = open().add("app", source_);

  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().kind, ErrorKind::InvalidSpec);
  EXPECT_THAT(added.error().what, HasSubstr("proc in the image is not a directory"));
}

TEST_F(Images, AProgramWhoseInterpreterIsAbsentMakesTheImageNative) {
  add_program(source_ + "/opt/deep/down/tool", "/lib64/ld-test.so.9");

  const auto added = open().add("app", source_);

  ASSERT_TRUE(added) << to_string(added.error());
  EXPECT_TRUE(added->native);
  EXPECT_TRUE(open().find("app")->native);
  for (const std::string path : kHostLibraryDirectories) {
    if (!exists("/" + path)) continue;
    const auto inside = added->rootfs + "/" + path;
    ASSERT_TRUE(exists(inside)) << path;
    EXPECT_EQ(std::filesystem::is_symlink(inside), std::filesystem::is_symlink("/" + path));
  }
}

TEST_F(Images, AnImageWithItsInterpreterIsNotNative) {
  add_program(source_ + "/bin/tool", "/lib64/ld-test.so.9");
  write_file(source_ + "/usr/lib64/ld-test.so.9", "loader");
  ::symlink("/usr/lib64", (source_ + "/lib64").c_str());

  const auto added = open().add("app", source_);

  ASSERT_TRUE(added) << to_string(added.error());
  EXPECT_FALSE(added->native);
  EXPECT_TRUE(added->own_libraries);
  EXPECT_TRUE(open().find("app")->own_libraries);
}

TEST_F(Images, StaticAndTornAndUnexecutableProgramsSayNothing) {
  add_program(source_ + "/bin/static", "");
  write_file(source_ + "/bin/library.so", program_with_interpreter("/lib64/absent"));
  write_file(source_ + "/bin/torn", program_with_interpreter("/lib64/absent").substr(0, 70));
  ::chmod((source_ + "/bin/torn").c_str(), 0755);

  const auto added = open().add("app", source_);

  ASSERT_TRUE(added) << to_string(added.error());
  EXPECT_FALSE(added->native);
  EXPECT_FALSE(added->own_libraries) << "it runs at either level";
}

TEST_F(Images, AnImageInUseIsRemovedByForceOnly) {
  auto store = open();
  ASSERT_TRUE(store.add("app", source_));
  const auto in_use = [](std::string_view) { return true; };

  const auto refused = store.remove("app", false, in_use);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::InvalidSpec);
  EXPECT_TRUE(store.find("app"));

  EXPECT_TRUE(store.remove("app", true, in_use));
  EXPECT_EQ(store.find("app").error().kind, ErrorKind::NotFound);
  EXPECT_EQ(store.remove("app", true, in_use).error().kind, ErrorKind::NotFound);
  EXPECT_THAT(names_in(dir_ / "images"), IsEmpty());
  EXPECT_THAT(names_in(dir_ / "staging"), IsEmpty());
}

TEST_F(Images, AnImageUnderAnOverlayIsNotEvenRemovedByForce) {
  auto store = open();
  const auto image = store.add("app", source_);
  ASSERT_TRUE(image);
  EXPECT_EQ(image->files, 1U);
  HeldImages holder;
  auto held = holder.hold(*image);
  ASSERT_TRUE(held);
  EXPECT_EQ(holder.hold(*image).value(), *held) << "one descriptor for all";

  const auto refused = store.remove("app", true, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::InvalidSpec);
  EXPECT_THAT(refused.error().what, HasSubstr("is an overlay over it"));
  const auto pruned = store.prune({});
  ASSERT_TRUE(pruned) << to_string(pruned.error());
  EXPECT_THAT(pruned->names, IsEmpty());

  held->reset();
  EXPECT_FALSE(store.remove(
      "app", true, {}, [](std::string_view) { return Status{fail(is_under("container a-1"))}; }));
  EXPECT_TRUE(store.remove("app", true, {}));
  EXPECT_EQ(holder.hold(*image).error().kind, ErrorKind::NotFound);
}

TEST_F(Images, PruneTakesWhatNobodyUses) {
  auto store = open();
  ASSERT_TRUE(store.add("used", source_));
  ASSERT_TRUE(store.add("idle", source_));

  const auto pruned = store.prune([](std::string_view name) { return name == "used"; });

  ASSERT_TRUE(pruned) << to_string(pruned.error());
  EXPECT_THAT(pruned->names, testing::ElementsAre("idle"));
  EXPECT_EQ(pruned->bytes, 3U);
  EXPECT_TRUE(store.find("used"));
}

TEST_F(Images, PullAnswersAsIfTheRegistryWereEmpty) {
  auto store = open();
  ASSERT_TRUE(store.add("app", source_));
  struct Row {
    const char* name;
    PullPolicy policy;
    bool ok;
  };
  for (const auto& row : std::initializer_list<Row>{{"app", PullPolicy::IfNotPresent, true},
                                                    {"app", PullPolicy::Never, true},
                                                    {"app", PullPolicy::Always, false},
                                                    {"app", PullPolicy::Newer, false},
                                                    {"none", PullPolicy::IfNotPresent, false},
                                                    {"none", PullPolicy::Never, false}}) {
    const auto pulled = store.pull(row.name, row.policy);
    EXPECT_EQ(pulled.has_value(), row.ok) << row.name;
    if (pulled) continue;
    EXPECT_EQ(pulled.error().kind, ErrorKind::PullFailed);
    EXPECT_THAT(pulled.error().what, HasSubstr("no registry yet"));
    EXPECT_THAT(pulled.error().hint, HasSubstr("register a directory"));
  }
}

}  // namespace
}  // namespace ringfort::platform
