#include "ringfort/platform/late_removal.hpp"

#include "ringfort/platform/fd.hpp"
#include "ringfort/support/eventually.hpp"
#include "ringfort/support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>

#include <fcntl.h>

namespace ringfort::platform {
namespace {

using namespace std::chrono_literals;
using test::exists;
using test::names_in;
using test::read_file;
using test::TempDir;
using test::write_file;
using testing::ElementsAre;
using testing::IsEmpty;

class LateRemovals : public testing::Test {
 protected:
  LateRemovals() {
    std::filesystem::create_directory(dir_ / "trash");
    trash_ = Fd{::open((dir_ / "trash").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    here_ = Fd{::open(dir_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  }

  TempDir dir_;
  Fd trash_;
  Fd here_;
};

TEST_F(LateRemovals, ATreeIsCutAtOnceAndDeletedLater) {
  LateRemoval late(trash_.get(), 100, 1h);
  write_file(dir_ / "tree/file", "secret");

  EXPECT_TRUE(late.take(here_.get(), "tree", "away"));

  EXPECT_FALSE(exists(dir_ / "tree"));
  EXPECT_EQ(read_file(dir_ / "trash/away/file"), "");
  late.drain();
  EXPECT_THAT(names_in(dir_ / "trash"), IsEmpty());
}

TEST_F(LateRemovals, WhatALinkKeepsElsewhereIsNotCut) {
  LateRemoval late(trash_.get(), 100, 1h);
  write_file(dir_ / "tree/file", "kept");
  std::filesystem::create_hard_link(dir_ / "tree/file", dir_ / "elsewhere");
  std::filesystem::create_directory(dir_ / "links");
  std::filesystem::create_symlink(dir_ / "elsewhere", dir_ / "links/link");

  EXPECT_FALSE(late.take(here_.get(), "tree", "away"));
  EXPECT_FALSE(late.take(here_.get(), "links", "away"));

  EXPECT_EQ(read_file(dir_ / "elsewhere"), "kept");
  EXPECT_TRUE(exists(dir_ / "tree"));
}

TEST_F(LateRemovals, DeepAndWideTreesAreLeftToTheCaller) {
  LateRemoval late(trash_.get(), 100, 1h);
  write_file(dir_ / "deep/below/file", "x");
  for (int i = 0; i < 17; ++i) write_file(dir_ / ("wide/" + std::to_string(i)), "x");

  EXPECT_FALSE(late.take(here_.get(), "deep", "away"));
  EXPECT_FALSE(late.take(here_.get(), "wide", "away"));

  EXPECT_THAT(names_in(dir_ / "trash"), IsEmpty());
}

TEST_F(LateRemovals, NoMoreWaitThanTheBound) {
  LateRemoval late(trash_.get(), 18, 1h);
  for (const auto* name : {"a", "b", "c"}) std::filesystem::create_directory(dir_ / name);

  EXPECT_TRUE(late.take(here_.get(), "a", "away-a"));
  EXPECT_TRUE(late.take(here_.get(), "b", "away-b"));
  EXPECT_FALSE(late.take(here_.get(), "c", "away-c"));

  late.drain();
  EXPECT_TRUE(late.take(here_.get(), "c", "away-c"));
}

TEST_F(LateRemovals, ComesByItselfWhenItIsQuiet) {
  LateRemoval late(trash_.get(), 100, 10ms);
  std::filesystem::create_directory(dir_ / "tree");
  ASSERT_TRUE(late.take(here_.get(), "tree", "away"));

  EXPECT_TRUE(test::eventually(10s, [&] { return !exists(dir_ / "trash/away"); }));
}

TEST_F(LateRemovals, TheEndDeletesWhatIsLeft) {
  {
    LateRemoval late(trash_.get(), 100, 1h);
    std::filesystem::create_directory(dir_ / "tree");
    ASSERT_TRUE(late.take(here_.get(), "tree", "away"));
    EXPECT_THAT(names_in(dir_ / "trash"), ElementsAre("away"));
  }
  EXPECT_THAT(names_in(dir_ / "trash"), IsEmpty());
}

}  // namespace
}  // namespace ringfort::platform
