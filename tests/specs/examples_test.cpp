#include "ringfort/specs/yaml_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace ringfort::specs {
namespace {

std::vector<std::string> example_files() {
  std::vector<std::string> files;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(RINGFORT_SOURCE_DIR "/examples"))
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  return files;
}

TEST(Examples, AreDocumentsWithoutAProblem) {
  const auto files = example_files();
  ASSERT_THAT(files, testing::Not(testing::IsEmpty()));

  for (const auto& file : files) {
    const auto deployment = load_deployment(file);
    EXPECT_TRUE(deployment.has_value()) << to_string(deployment.error());
  }
}

}  // namespace
}  // namespace ringfort::specs
