// Text that is written to hurt its reader. Each case ends as a problem, in a second and 100 MB.
#include "ringfort/specs/validate.hpp"
#include "ringfort/specs/yaml_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <ctime>
#include <fstream>
#include <string>
#include <string_view>

#include <malloc.h>

namespace ringfort::specs {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;

std::string repeated(std::string_view text, std::size_t count) {
  std::string out;
  out.reserve(text.size() * count);
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

/// A line of /proc/self/status, in KiB.
long status_kilobytes(const std::string& name) {
  std::ifstream status{"/proc/self/status"};
  std::string word;
  while (status >> word && word != name + ":") {
  }
  long value = 0;
  status >> value;
  return value;
}

/// Watches how far memory grows from here on. proc(5): writing 5 resets the peak, VmHWM.
class MemoryWatch {
 public:
  MemoryWatch() {
    malloc_trim(0);
    std::ofstream{"/proc/self/clear_refs"} << 5;
    begin_ = status_kilobytes("VmRSS");
  }
  long growth() const { return status_kilobytes("VmHWM") - begin_; }

 private:
  long begin_ = 0;
};

/// Processor time of this process: neighbours on a busy machine do not count.
class CpuClock {
 public:
  std::chrono::milliseconds used() const {
    return std::chrono::milliseconds{(std::clock() - begin_) * 1000 / CLOCKS_PER_SEC};
  }

 private:
  std::clock_t begin_ = std::clock();
};

// Sanitizers keep freed memory and slow everything down; the bounds are for what is shipped.
#ifdef __SANITIZE_ADDRESS__
constexpr int allowance = 5;
#else
constexpr int allowance = 1;
#endif
constexpr auto longest = allowance * std::chrono::seconds{1};
constexpr long largest_kilobytes = allowance * 100 * 1024;

constexpr std::string_view head = "version: v1\ndeployment: test\n";
constexpr std::size_t mebibyte = 1024 * 1024;

/// Parses and checks the bounds.
std::string refused(std::string_view yaml) {
  const MemoryWatch memory;
  const CpuClock clock;
  const auto parsed = parse_deployment(yaml, "t");
  const auto took = clock.used();
  EXPECT_LT(took, longest) << yaml.substr(0, 60);
  EXPECT_LT(memory.growth(), largest_kilobytes) << yaml.substr(0, 60);
  return parsed ? "" : to_string(parsed.error());
}

/// The same for what parses and is then judged.
std::string judged(std::string_view yaml) {
  const MemoryWatch memory;
  const CpuClock clock;
  const auto parsed = parse_deployment(yaml, "t");
  if (!parsed) return "does not parse: " + to_string(parsed.error());
  const auto problems = validate(parsed->value, parsed->positions);
  EXPECT_LT(clock.used(), longest);
  EXPECT_LT(memory.growth(), largest_kilobytes);
  return to_string(problems);
}

std::string billion_laughs() {
  std::string yaml = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
  for (int i = 1; i < 12; ++i) {
    const auto last = "*a" + std::to_string(i - 1);
    yaml += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int j = 0; j < 8; ++j) yaml += ", " + last;
    yaml += "]\n";
  }
  return yaml;
}

TEST(HostileYaml, OfAHundredMegabytesIsRefusedByItsSize) {
  const std::string huge(100'000'000, 'a');
  EXPECT_EQ(refused(huge), "t: the document has 100000000 bytes. Write at most 1Mi.\n");
}

TEST(HostileYaml, WithForbiddenBytesIsRefused) {
  struct Row {
    std::string yaml;
    std::string_view error;
  };
  for (const auto& [yaml, error] : {
           Row{"version: v1\0\n"s, "t:1:12: there is a control byte \\x00. Remove it."},
           {"version: v1\na: \x1b[2J\n", "t:2:4: there is a control byte \\x1b."},
           // The library would take this for the end and drop the rest without a word.
           {"version: v1\n\x04services: {}\n", "t:2:1: there is a control byte \\x04."},
           {"version: v1\na: caf\xe9\n", "t:2:7: the byte \\xe9 is not UTF-8. Save the file as"},
           {"a: \xc0\xaf\n", "the byte \\xc0 is not UTF-8"},
           {"a: \xed\xa0\x80\n", "the byte \\xed is not UTF-8"},
           {"\xff\xfe"
            "a\0:\0"s,
            "t:1:1: the byte \\xff is not UTF-8"},
           {"version: \"v1\\0\"\n", "t:1:10: the text \"v1\\x00\" has a NUL byte."},
           {"\"a\\0b\": 1\n", "has a NUL byte"},
       }) {
    EXPECT_THAT(refused(yaml), HasSubstr(error)) << yaml;
  }
}

TEST(HostileYaml, ThatMultipliesByAliasesIsRefused) {
  EXPECT_THAT(refused(billion_laughs()), HasSubstr("aliases written out"));
  EXPECT_THAT(refused("a: &a [*a]\n"), HasSubstr("an alias stands inside the value"));
  EXPECT_THAT(refused("a: &a {b: &b [*a, *b]}\n"), HasSubstr("an alias stands inside the value"));
  EXPECT_THAT(refused("a: *b\n"), HasSubstr("not YAML"));
  EXPECT_THAT(refused("&a x: 1\n*a : 2\n"), HasSubstr("alias"));
  const auto text = "a: &a " + std::string(100'000, 'x') + "\nb: [";
  EXPECT_THAT(refused(text + repeated("*a, ", 1000) + "]\n"), HasSubstr("aliases written out"));
}

TEST(HostileYaml, ThatNestsWithoutEndIsRefused) {
  for (const std::string_view opener : {"[", "{a: ", "- ", "? ", "[{a: ", "a: {"}) {
    const auto count = (mebibyte - 100) / opener.size();
    EXPECT_THAT(refused("a:\n  " + repeated(opener, 500)), HasSubstr("t:")) << opener;
    EXPECT_THAT(refused("a:\n  " + repeated(opener, count)), HasSubstr("t")) << opener;
  }
  std::string stairs;
  for (std::size_t i = 0; i < 1000; ++i) stairs += std::string(i, ' ') + "a:\n";
  EXPECT_THAT(refused(stairs), HasSubstr("nested more than 64 deep. Write it flatter."));
  std::string aliases = "a0: &a0 x\n";
  for (int i = 1; i < 100; ++i) {
    aliases += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" +
               std::to_string(i - 1) + "]\n";
  }
  EXPECT_THAT(refused(aliases), HasSubstr("aliases nest the document more than 64 deep"));
}

TEST(HostileYaml, OfAMebibyteOfAnythingEndsInTime) {
  const auto filled = [](std::string_view part) { return repeated(part, mebibyte / part.size()); };
  for (const std::string_view part :
       {"- a\n",  "a, ", "[],", "{},",  "x",        "\"",    "\n",   "#\n", " ",
        ": ",     "? ",  "- ",  "&a ",  "*a ",      "!a ",   "%a\n", "|\n", "---\n",
        "a: b\n", "\\",  "a\n", "a:\n", "\xc3\xa9", "a b: ", "@",    "&",   "\r\n"}) {
    SCOPED_TRACE(part);
    refused(filled(part));
    refused(std::string{head} + "services:\n" + filled(part).substr(100));
    refused("[" + filled(part).substr(100));
  }
}

TEST(HostileYaml, ThatFillsEveryBudgetEndsInTime) {
  const auto list = [](std::size_t count) { return "a: [" + repeated("b,", count) + "]\n"; };
  refused(list(49'000));
  EXPECT_THAT(refused(list(190'000)), HasSubstr("more than 50000 values"));
  EXPECT_THAT(refused(list(210'000)), HasSubstr("more than 200000 of the marks"));
  refused("a: |\n " + std::string(mebibyte - 100, 'x'));
  refused("a: |\n" + repeated(" x\n", 300'000));
  refused("\"" + repeated("\\n", 500'000) + "\"");
}

TEST(HostileYaml, ThatParsesIsJudgedInTime) {
  const auto services = [](int count, const auto& fields) {
    std::string yaml{head};
    yaml += "services:\n";
    for (int i = 0; i < count; ++i) {
      yaml += "  s" + std::to_string(i) + ": {image: {name: host}" + fields(i) + "}\n";
    }
    return yaml;
  };
  EXPECT_EQ(judged(services(5000,
                            [](int i) {
                              return i == 0
                                         ? std::string{}
                                         : ", depends: [{service: s" + std::to_string(i - 1) + "}]";
                            })),
            "");
  EXPECT_THAT(
      judged(services(
          5000,
          [](int i) { return ", depends: [{service: s" + std::to_string((i + 1) % 5000) + "}]"; })),
      HasSubstr("go in a circle: s0 -> s1 -> "));
  EXPECT_THAT(judged(services(5000,
                              [](int i) {
                                return ", depends: [{service: x" + std::string(60, 'y') +
                                       std::to_string(i) + "}]";
                              })),
              HasSubstr("there is no service"));
  std::string dense{head};
  dense += "services:\n";
  for (int i = 0; i < 200; ++i) {
    dense += "  s" + std::to_string(i) + ": {image: {name: host}, depends: [";
    for (int j = 0; j < 60; ++j) dense += "{service: s" + std::to_string((i + j) % 200) + "}, ";
    dense += "]}\n";
  }
  EXPECT_THAT(judged(dense), HasSubstr("go in a circle"));
}

TEST(HostileYaml, WithThousandsOfErrorsTellsTheFirstHundred) {
  std::string yaml{head};
  yaml += "services:\n  web:\n    image: {name: host}\n";
  for (int i = 0; i < 30'000; ++i) yaml += "    key_" + std::to_string(i) + ": 1\n";
  const auto parsed = parse_deployment(yaml, "t");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().size(), 100u);
  EXPECT_THAT(refused(yaml), HasSubstr("more is wrong from here on. Mend what is above first."));

  std::string lists{head};
  lists +=
      "services:\n  web:\n    image: {name: host}\n    dns:\n" + repeated("    - []\n", 30'000);
  const auto wrong = parse_deployment(lists, "t");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().size(), 100u);
}

TEST(HostileYaml, WithOddStructureIsRefused) {
  struct Row {
    std::string_view yaml;
    std::string_view error;
  };
  for (const auto& [yaml, error] : {
           Row{"", "t:1:1: the document is empty. Begin with"},
           {"# only a comment\n", "the document is empty"},
           {"~\n", "expects a mapping, not nothing"},
           {"- a\n", "expects a mapping, not a list"},
           {"just text\n", "expects a mapping, not the text \"just text\""},
           {"version: v1\n---\nversion: v1\n", "a second document begins. Write one document"},
           {"version: v1\nversion: v1\n", "t:2:1: the key \"version\" is given twice; the first"},
           {"? [a]\n: b\n", "a key is a list or a mapping"},
           {"~: b\n", "a key is empty"},
           {"a: !include /etc/passwd\n", "the tag \"!include\" has no meaning. Remove it."},
           {"a: !!python/object:os.system x\n", "has no meaning"},
           {"<<: {a: 1}\n", "unknown key \"<<\""},
           {"a: [1, 2\n", "not YAML"},
           {"a: b: c\n", "not YAML"},
           {"a:\n\t- b\n", "t:2:"},
           {"%YAML 9.9\n---\na: b\n", "not YAML"},
       }) {
    EXPECT_THAT(refused(yaml), HasSubstr(error)) << yaml;
  }
}

}  // namespace
}  // namespace ringfort::specs
