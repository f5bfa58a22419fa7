// Fixture: a runtime over the real platform and a directory of its own, with short programs of the
// host as containers, at whatever level works here.
#pragma once

#include "ringfort/api/runtime.hpp"
#include "ringfort/support/isolation.hpp"
#include "ringfort/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

namespace ringfort {

struct OpenRuntime : testing::Test {
  OpenRuntime() {
    // At landlock a root runtime's containers are users of their own, who must get through.
    std::filesystem::permissions(dir.path(), std::filesystem::perms::owner_all |
                                                 std::filesystem::perms::group_exec |
                                                 std::filesystem::perms::others_exec);
    open();
  }

  void open(RuntimeConfig config = {}) {
    runtime.reset();
    config.isolation = test::isolation_under_test();
    if (config.data_dir.empty()) config.data_dir = dir / "data";
    auto opened = Runtime::open(std::move(config));
    ASSERT_TRUE(opened) << to_string(opened.error());
    runtime = std::move(*opened);
  }

  static specs::Service shell(std::string script) {
    specs::Service service;
    service.image.name = "host";
    service.command.entrypoint = {"/bin/sh", "-c", std::move(script)};
    return service;
  }

  void create(const std::string& script, const RunOptions& options = {}) {
    auto created = runtime->create_container(id, shell(script), options);
    ASSERT_TRUE(created) << to_string(created.error());
  }
  void run(const std::string& script, const RunOptions& options = {}) {
    create(script, options);
    auto started = runtime->start_container(id);
    ASSERT_TRUE(started) << to_string(started.error());
  }

  test::TempDir dir;
  ContainerId id{"web", 1};
  std::unique_ptr<Runtime> runtime;
};

}  // namespace ringfort
