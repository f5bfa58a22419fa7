// `ringfort batch` from outside: a line in, a line out.
#include "ringfort/support/command.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <map>
#include <sstream>

namespace ringfort {
namespace {

using nlohmann::json;
using test::Command;
using test::Program;
using testing::HasSubstr;
using testing::IsEmpty;

class BatchCommand : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (const auto why = command_.refusal(GetParam())) GTEST_SKIP() << *why;
  }
  void TearDown() override { EXPECT_THAT(command_.leftovers(), IsEmpty()); }

  std::vector<std::string> words(const std::vector<std::string>& rest = {}) const {
    std::vector<std::string> all{"batch", "--isolation", GetParam()};
    all.insert(all.end(), rest.begin(), rest.end());
    return all;
  }

  /// Reports by id; every line must be one.
  std::map<std::string, json> batch(const std::vector<json>& jobs,
                                    const std::vector<std::string>& options = {}) {
    std::string text;
    for (const auto& job : jobs) text += job.dump() + "\n";
    const auto end = command_.run(words(options), text);
    EXPECT_EQ(end.code, 0) << end.err;
    EXPECT_EQ(end.err, "");
    return by_id(end.out);
  }

  static std::map<std::string, json> by_id(const std::string& out) {
    std::map<std::string, json> reports;
    std::istringstream lines{out};
    for (std::string line; std::getline(lines, line);) {
      const auto report = json::parse(line);
      reports[report["id"]] = report;
    }
    return reports;
  }

  Command command_;
};

INSTANTIATE_TEST_SUITE_P(, BatchCommand, testing::Values("landlock", "namespaces"),
                         [](const auto& row) { return row.param; });

TEST_P(BatchCommand, AnswersEveryJobWithItsOwnStreams) {
  std::vector<json> jobs;
  for (int i = 0; i < 40; ++i)
    jobs.push_back({{"id", "job-" + std::to_string(i)},
                    {"cmd", {"sh", "-c", "cat; echo $N >&2; exit " + std::to_string(i)}},
                    {"env", {{"N", std::to_string(i)}}},
                    {"stdin", "in " + std::to_string(i)}});
  auto reports = batch(jobs, {"-j", "8"});
  ASSERT_EQ(reports.size(), 40U);
  for (int i = 0; i < 40; ++i) {
    const auto& report = reports["job-" + std::to_string(i)];
    EXPECT_EQ(report["exit"]["code"], i);
    EXPECT_EQ(report["stdout"], "in " + std::to_string(i));
    EXPECT_EQ(report["stderr"], std::to_string(i) + "\n");
    EXPECT_EQ(report["level"], GetParam());
    EXPECT_GT(report["start_us"], 0);
    EXPECT_GE(report["queued_us"], 0);
  }
}

TEST_P(BatchCommand, GivesBadLinesTheirErrorAndGoesOn) {
  const auto end = command_.run(words(),
                                "nonsense\n\n{\"cmd\":[]}\n{\"cmd\":[\"echo\",\"x\"],\"id\":"
                                "\"good\"}\n{\"cmd\":[\"no-such\"],\"id\":\"gone\"}\n"
                                "{\"cmd\":[\"true\"],\"id\":\"last\"}");
  EXPECT_EQ(end.code, 0);
  auto reports = by_id(end.out);
  EXPECT_EQ(reports.size(), 5U);
  EXPECT_EQ(reports["1"]["error"]["kind"], "InvalidSpec");
  EXPECT_THAT(reports["3"]["error"]["message"].get<std::string>(), HasSubstr("cmd"));
  EXPECT_EQ(reports["good"]["stdout"], "x\n");
  EXPECT_EQ(reports["gone"]["exit"]["code"], 127);
  EXPECT_EQ(reports["gone"]["error"]["kind"], "StartFailed");
  EXPECT_EQ(reports["last"]["exit"]["code"], 0);
}

TEST_P(BatchCommand, BoundsAndEncodesWhatItKeeps) {
  auto reports = batch({{{"id", "long"}, {"cmd", {"head", "-c", "3000000", "/dev/zero"}}},
                        {{"id", "bytes"}, {"cmd", {"printf", "\\377"}}}},
                       {"--output-limit", "1000"});
  EXPECT_EQ(reports["long"]["stdout_truncated"], true);
  EXPECT_EQ(reports["long"]["stdout"].get<std::string>().size(), 1000U);
  EXPECT_EQ(reports["long"]["exit"]["code"], 0);
  EXPECT_EQ(reports["bytes"]["stdout"], "/w==");
  EXPECT_EQ(reports["bytes"]["stdout_base64"], true);
}

TEST_P(BatchCommand, TakesItsFlagsAsDefaults) {
  auto reports =
      batch({{{"id", "a"}, {"cmd", {"sleep", "60"}}},
             {{"id", "b"}, {"cmd", {"sh", "-c", "sleep 0.3; echo $X"}}, {"timeout", "30s"}}},
            {"--timeout", "100ms", "--env", "X=y"});
  EXPECT_EQ(reports["a"]["exit"]["reason"], "timeout");
  EXPECT_EQ(reports["a"]["exit"]["code"], 124);
  EXPECT_EQ(reports["b"]["stdout"], "y\n");
}

TEST_P(BatchCommand, EndsItsJobsWhenItIsInterrupted) {
  // Stdin stays open: answers must come all the same, and only the signal can end this.
  auto options = command_.options(R"({"id":"a","cmd":["sh","-c","sleep 60"]}
{"id":"b","cmd":["true"]}
)");
  options.keeps_stdin_open = true;
  Program program{command_.argv(words()), options};
  ASSERT_TRUE(program.has_said(R"("id":"b")"));
  program.signal(SIGINT);
  const auto end = program.finish();
  EXPECT_EQ(end.code, 130);
  EXPECT_EQ(by_id(end.out)["a"]["exit"]["signal"], SIGTERM);
}

}  // namespace
}  // namespace ringfort
