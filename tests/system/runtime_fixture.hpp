// A runtime on a real kernel, once at each level, with the victims as images and a leak check.
#pragma once

#include "ringfort/api/runtime.hpp"
#include "ringfort/specs/deployment.hpp"
#include "ringfort/support/leak_check.hpp"
#include "ringfort/support/results.hpp"
#include "ringfort/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringfort::test {

using namespace std::chrono_literals;

/// RINGFORT_TEST_ISOLATION's level, else both.
std::vector<Isolation> levels_under_test();

/// A directory that the uids of root's containers can reach.
class ReachableDir : public TempDir {
 public:
  ReachableDir();
};

/// Skips when this machine can't do the level.
class RuntimeTest : public testing::TestWithParam<Isolation> {
 protected:
  void SetUp() override;
  void TearDown() override;

  std::unique_ptr<Runtime> open(const std::string& data_dir);
  std::unique_ptr<Runtime> open() { return open(data_dir()); }
  std::string data_dir() const { return directory_.path() + "/data"; }
  std::string container_dir(const ContainerId& id) const {
    return data_dir() + "/containers/" + id.str();
  }

  /// A service that runs the victim; its image holds the one file and is registered.
  specs::Service victim(const std::string& name, std::vector<std::string> arguments = {});
  specs::Service victim_in(Runtime& runtime, const std::string& name,
                           std::vector<std::string> arguments = {});

  /// A runtime that goes ends its containers but keeps their files, so tests clean up first.
  void remove_all(Runtime& runtime);

  void create(const ContainerId& id, const specs::Service& service);
  void launch(const ContainerId& id, const specs::Service& service);
  /// Until the program has said "ready".
  void await_ready(const ContainerId& id);
  ExitRecord end_of(const ContainerId& id);

  ReachableDir directory_;
  std::optional<LeakCheck> leaks_;
  std::unique_ptr<Runtime> runtime_;
};

/// `INSTANTIATE_AT_LEVELS(RuntimeOom);`
#define INSTANTIATE_AT_LEVELS(suite)                                                      \
  INSTANTIATE_TEST_SUITE_P(Level, suite, testing::ValuesIn(levels_under_test()),          \
                           [](const auto& level) {                                        \
                             return level.param == Isolation::Landlock     ? "landlock"   \
                                    : level.param == Isolation::Namespaces ? "namespaces" \
                                                                           : "auto";      \
                           })

}  // namespace ringfort::test
