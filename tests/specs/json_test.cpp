#include "ringfort/specs/json.hpp"

#include "ringfort/specs/yaml_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rapidcheck/gtest.h>

#include <string>

namespace ringfort::specs {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const std::string data_dir = std::string{RINGFORT_SOURCE_DIR} + "/tests/specs/data";
const WallTime noon{1'795'617'000s + 123'456us};

TEST(SpecJson, GivesTheFullExampleBack) {
  const auto parsed = parse_deployment_file(data_dir + "/full.yaml");
  ASSERT_TRUE(parsed) << to_string(parsed.error());
  const auto text = to_json(parsed->value);
  const auto again = deployment_from_json(text);
  ASSERT_TRUE(again) << to_string(again.error());
  EXPECT_EQ(*again, parsed->value);
  for (const auto& [name, service] : parsed->value.services) {
    EXPECT_EQ(service_from_json(to_json(service)), service) << name;
    EXPECT_EQ(service_from_json(to_json(service, JsonStyle::Compact)), service) << name;
  }
  EXPECT_EQ(to_json(*again), text);
}

TEST(SpecJson, IsAlsoYamlOfTheSameMeaning) {
  const auto parsed = parse_deployment_file(data_dir + "/full.yaml");
  ASSERT_TRUE(parsed);
  const auto again = parse_deployment(to_json(parsed->value), "t.json");
  ASSERT_TRUE(again) << to_string(again.error());
  EXPECT_EQ(again->value, parsed->value);
}

TEST(SpecJson, WritesConfigurationForPeople) {
  Service service;
  service.image.name = "tools:1";
  service.resources.memory = Bytes{512u << 20};
  const auto text = to_json(service);
  EXPECT_THAT(text, HasSubstr("{\n  \"rtype\": \"service\",\n  \"image\": {\n    \"name\": "
                              "\"tools:1\",\n    \"pull_policy\": \"if_not_present\","));
  EXPECT_THAT(text, HasSubstr("\"memory\": \"512Mi\""));
  EXPECT_THAT(text, HasSubstr("\"start_grace\": \"5s\""));
  EXPECT_THAT(text, testing::Not(HasSubstr("null")));
}

TEST(SpecJson, RefusesWhatIsNoService) {
  struct Row {
    std::string json;
    std::string_view error;
  };
  for (const auto& [json, error] : {
           Row{"", "not JSON"},
           {"{", "not JSON"},
           {"[]", "expects a mapping, not a list"},
           {"{}", "image: is missing"},
           {"{\"image\": {\"name\": \"a\"}} x", "not JSON"},
           {"{\"image\": {\"name\": \"a\", \"nmae\": 1}}", "unknown key \"nmae\""},
           {"{\"image\": {\"name\": \"a\"}, \"image\": 1}", "the key \"image\" is given twice"},
           {"{\"image\": {\"name\": \"a\"}, \"resources\": {\"memory\": \"1Zi\"}}", "unit \"Zi\""},
           {"{\"image\": {\"name\": \"a\\u0000\"}}", "has a NUL byte"},
           {"{\"image\": {\"name\": \"\xff\"}}", "not JSON"},
           {std::string(100'000, '['), "nested more than 64 deep"},
           {"\"" + std::string(2'000'000, 'a') + "\"", "2000002 bytes"},
       }) {
    const auto service = service_from_json(json);
    ASSERT_FALSE(service) << json.substr(0, 80);
    EXPECT_EQ(service.error().kind, ErrorKind::InvalidSpec);
    EXPECT_THAT(to_string(service.error()), HasSubstr(error));
  }
}

TEST(ExitRecordJson, HasTheFormOfTheReports) {
  ExitRecord record;
  record.code = 137;
  record.signal = 9;
  record.reason = EndReason::Oom;
  record.started_at = noon;
  EXPECT_EQ(to_json(record),
            "{\"code\":137,\"signal\":9,\"core_dumped\":false,\"reason\":\"oom\","
            "\"started_at\":\"2026-11-25T14:30:00.123456Z\",\"finished_at\":null,\"known\":true}");
  EXPECT_THAT(to_json(ExitRecord{}), HasSubstr("\"signal\":null"));
}

RC_GTEST_PROP(ExitRecordJson, ComesBack, (int code, bool core_dumped, bool known)) {
  const auto time =
      rc::gen::map(rc::gen::inRange<std::int64_t>(-62'167'219'200'000'000, 253'402'300'799'999'999),
                   [](std::int64_t micros) { return WallTime{std::chrono::microseconds{micros}}; });
  ExitRecord record;
  record.code = code;
  if (*rc::gen::arbitrary<bool>()) record.signal = *rc::gen::inRange(1, 65);
  record.core_dumped = core_dumped;
  record.reason =
      *rc::gen::element(EndReason::Exited, EndReason::Signaled, EndReason::Oom, EndReason::Timeout,
                        EndReason::Stopped, EndReason::StartFailed, EndReason::Lost);
  if (*rc::gen::arbitrary<bool>()) record.started_at = *time;
  if (*rc::gen::arbitrary<bool>()) record.finished_at = *time;
  record.known = known;
  RC_ASSERT((exit_record_from_json(to_json(record)) == record));
  RC_ASSERT((exit_record_from_json(to_json(record, JsonStyle::Pretty)) == record));
}

TEST(ExitRecordJson, RefusesWhatIsNoRecord) {
  const auto good = nlohmann::json::parse(to_json(ExitRecord{}));
  ASSERT_TRUE(exit_record_from_json(good.dump()));
  for (const auto& [field, value] : good.items()) {
    auto lacking = good;
    lacking.erase(field);
    EXPECT_FALSE(exit_record_from_json(lacking.dump())) << field;
    for (const auto& other : {nlohmann::json{"x"}, nlohmann::json("x"), nlohmann::json(1.5),
                              nlohmann::json(99999999999), nlohmann::json::object()}) {
      auto wrong = good;
      wrong[field] = other;
      EXPECT_FALSE(exit_record_from_json(wrong.dump())) << wrong.dump();
    }
  }
  for (const auto* text : {"", "[]", "null", "{", "1"}) {
    EXPECT_FALSE(exit_record_from_json(text)) << text;
  }
  EXPECT_FALSE(exit_record_from_json(std::string(1'000'000, '[')));
}

TEST(StatusJson, HasTheFormOfTheReports) {
  ContainerState state;
  state.state = State::Failed;
  state.reason = "no such file";
  EXPECT_EQ(to_json(state), "{\"state\":\"failed\",\"exit\":null,\"reason\":\"no such file\"}");
  state.exit = ExitRecord{};
  EXPECT_THAT(to_json(state), HasSubstr("\"exit\":{\"code\":0,"));

  Stats stats;
  stats.memory_bytes = 4096;
  stats.pids = 2;
  stats.taken_at = noon;
  EXPECT_EQ(to_json(stats),
            "{\"cpu_usage_usec\":0,\"memory_bytes\":4096,\"memory_limit\":null,\"pids\":2,"
            "\"taken_at\":\"2026-11-25T14:30:00.123456Z\"}");

  const LogEntry entry{noon, LogStream::Stderr, 7, "a\xff\"b"};
  EXPECT_EQ(to_json(entry),
            "{\"time\":\"2026-11-25T14:30:00.123456Z\",\"stream\":\"stderr\",\"sequence\":7,"
            "\"message\":\"a\xef\xbf\xbd\\\"b\",\"partial\":false}");

  EXPECT_EQ(to_json(Error{ErrorKind::StartFailed, "exec: ENOENT", "check it", "web-1", 2}),
            "{\"kind\":\"StartFailed\",\"message\":\"exec: ENOENT\",\"hint\":\"check it\","
            "\"container\":\"web-1\",\"errno\":2}");
}

RC_GTEST_PROP(StatusJson, IsJsonWhateverTheBytes, (const std::string& text)) {
  const LogEntry entry{noon, LogStream::Stdout, 1, text};
  RC_ASSERT(nlohmann::json::accept(to_json(entry)));
  RC_ASSERT(nlohmann::json::accept(to_json(Error{ErrorKind::Io, text, text, text, 1})));
}

}  // namespace
}  // namespace ringfort::specs
