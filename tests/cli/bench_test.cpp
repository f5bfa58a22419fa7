// The pure parts of `ringfort bench`: what peers are told, what is counted, what is shown.
#include "ringfort/cli/bench/chart.hpp"
#include "ringfort/cli/bench/contest.hpp"
#include "ringfort/cli/bench/course.hpp"
#include "ringfort/cli/bench/peers.hpp"
#include "ringfort/cli/bench/pictures.hpp"
#include "ringfort/cli/bench/results.hpp"
#include "ringfort/cli/bench/text.hpp"
#include "ringfort/support/golden.hpp"

#include <gmock/gmock.h>

#include <atomic>

namespace ringfort::cli {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Samples samples(std::initializer_list<Nanoseconds> times) { return times; }

/// A bare spawn and ringfort at 1 and 8 in flight, and a peer that does not work here.
BenchResults example() {
  BenchResults results;
  results.version = "0.1.0";
  results.level = "namespaces";
  results.machine = {"Example CPU", 2, 24ULL << 30U, "Linux 6.18", "ext4"};
  Figures bare;
  bare.took = samples({500us, 600us, 700us, 4ms});
  bare.elapsed = 2ms;
  bare.rounds = {1500, 2500};
  Figures starts;
  starts.first = starts.started = samples({100us, 200us});
  starts.answered = samples({50us, 60us});
  Figures ringfort = bare;
  ringfort.elapsed = 4ms;
  ringfort.failures = 1;
  ringfort.first_error = "web-1: no room <left> & none \"soon\"";
  results.entrants = {
      {kBare, "posix_spawn", "", "", {{1, bare, starts}, {8, bare, starts}}},
      {kRingfort, "Runtime", "0.1.0", "", {{1, ringfort, starts}, {8, ringfort, {}}}},
      {"crun", "crun run ID", "crun 1", "no cgroups", {}},
  };
  results.memory = {{0, 4 << 20, 3 << 20, 5 << 20}, {100, 6 << 20, 5 << 20, 17 << 20}};
  return results;
}

TEST(BenchPeers, AreToldToIsolateAsMuchAsTheLevelDoes) {
  std::string text;
  for (const auto level : {Level::Namespaces, Level::Network})
    for (const std::uint32_t uid : {0U, 1000U}) {
      const std::string whose = uid == 0 ? "root" : "a plain user";
      text += "# " + std::string{to_string(level)} + ", " + whose + "\n";
      for (const auto& peer : peers()) {
        const PeerSetting setting{"/usr/bin/" + std::string{peer.program}, "/tmp/bench", level, uid,
                                  uid};
        text += shell_line(peer.life(setting, "noop", "ID")) + "\n";
      }
      text += oci_config({"/usr/bin/crun", "/tmp/bench", level, uid, uid}, "noop").dump() + "\n\n";
    }
  EXPECT_TRUE(support::matches_golden(text, "bench_peers.txt"));
}

TEST(BenchPeers, AreChosenByNameAndStrangersAreRefused) {
  EXPECT_TRUE(parse_peers("auto").value().is_auto);
  EXPECT_THAT(parse_peers("none").value().names, ElementsAre());
  EXPECT_THAT(parse_peers("crun,unshare").value().names, ElementsAre("crun", "unshare"));
  const auto wrong = parse_peers("crun,bublewrap");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().hint, "write bubblewrap");
  EXPECT_FALSE(parse_peers(""));
}

TEST(ShellLine, QuotesWhatAShellWouldRead) {
  EXPECT_EQ(shell_line({"a", "b c", "", "it's", "x=/y"}), "a 'b c' '' 'it'\\''s' x=/y");
}

TEST(Percentile, IsASampleAndNeverBeyondTheLast) {
  EXPECT_EQ(percentile({}, 0.5), 0ns);
  const auto three = samples({1us, 2us, 3us});
  EXPECT_EQ(percentile(three, 0), 1us);
  EXPECT_EQ(percentile(three, 0.5), 2us);
  EXPECT_EQ(percentile(three, 0.99), 3us);
  EXPECT_EQ(percentile(three, 1), 3us);
}

TEST(Figures, OfSeveralBatchesAreThoseOfAllTheirLives) {
  Figures all;
  Figures one;
  one.took = samples({1ms, 5ms});
  one.elapsed = 10ms;
  one.failures = 1;
  one.first_error = "first";
  Figures other;
  other.took = samples({2ms, 3ms, 9ms});
  other.elapsed = 15ms;
  other.first_error = "second";
  all.add(one);
  all.add(other);
  EXPECT_THAT(all.took, ElementsAre(1ms, 2ms, 3ms, 5ms, 9ms));
  EXPECT_DOUBLE_EQ(all.per_second(), 200);
  EXPECT_EQ(all.failures, 1U);
  EXPECT_EQ(all.first_error, "first");
  EXPECT_THAT(all.rounds, ElementsAre(200, 200));
}

TEST(RunLives, CountsFailuresAndGoesOn) {
  const auto figures = run_lives({10, 3, {}, {}}, [](std::size_t number) -> Result<LifeTimes> {
    if (number % 5 == 0) return fail(ErrorKind::Io, "number " + std::to_string(number), {});
    return LifeTimes{1us, 2us, 3us};
  });
  EXPECT_EQ(figures.took.size(), 8U);
  EXPECT_EQ(figures.first.size(), 8U);
  EXPECT_EQ(figures.failures, 2U);
  EXPECT_THAT(figures.first_error, HasSubstr("number "));
}

TEST(RunLives, BeginsNoneAfterBudgetOrStop) {
  std::stop_source stop;
  std::atomic<int> lived = 0;
  const auto figures = run_lives({1000, 1, {}, stop.get_token()}, [&](std::size_t) {
    if (++lived == 3) stop.request_stop();
    return Result<LifeTimes>{LifeTimes{}};
  });
  EXPECT_EQ(figures.took.size(), 3U);
  const auto late =
      run_lives({1000, 1, 1ns, {}}, [](std::size_t) { return Result<LifeTimes>{LifeTimes{}}; });
  EXPECT_LT(late.took.size(), 1000U);
}

TEST(BenchRounds, AreThreeWhereAllInFlightComeTwice) {
  const auto row = [](std::size_t lives, std::size_t in_flight) {
    const auto rounds = rounds_of(lives, in_flight);
    std::vector<std::size_t> all;
    for (std::size_t round = 0; round < rounds.count; ++round)
      all.push_back(rounds.lives_of(round));
    return all;
  };
  EXPECT_THAT(row(2000, 1), ElementsAre(666, 667, 667));
  EXPECT_THAT(row(2000, 1000), ElementsAre(2000));
  EXPECT_THAT(row(20, 5), ElementsAre(10, 10));
  EXPECT_THAT(row(20, 64), ElementsAre(64));
}

TEST(Course, PassesByWhoIsRefusedAndWhoHasTooMany) {
  std::string order;
  const auto contender = [&](const char* name, std::size_t most, const char* refusal) {
    Contender one;
    one.entrant.name = name;
    one.entrant.refusal = refusal;
    one.most_in_flight = most;
    one.live = [&order, name](const Load& load, Stamp stamp) {
      order +=
          std::string{name} + std::to_string(load.in_flight) + (stamp == Stamp::None ? " " : "s ");
      Figures figures;
      figures.add({});
      return figures;
    };
    return one;
  };
  Course course;
  course.lives = 8;
  course.in_flight = {2, 8};
  std::vector<std::string> said;
  const auto entrants = run_course(
      course, {contender("a", 100, ""), contender("b", 2, ""), contender("c", 100, "no")},
      [&](std::size_t done, std::size_t all, const std::string& text) {
        said.push_back(std::to_string(done) + "/" + std::to_string(all) + " " + text);
      });
  EXPECT_EQ(order, "a2 a2s b2 b2s a2 a2s b2 b2s a8 a8s ");
  EXPECT_EQ(said.front(), "0/5 a, 2 at once");
  EXPECT_EQ(said.back(), "4/5 a, 8 at once");
  EXPECT_EQ(entrants[0].cells.size(), 2U);
  EXPECT_EQ(entrants[1].cells.size(), 1U);
  EXPECT_EQ(entrants[2].cells.size(), 0U);
}

TEST(BenchTable, HasARowForEachAndFitsATerminal) {
  const auto results = example();
  EXPECT_EQ(results_table(results).str(),
            "J  WHO         LIVES/S  /BARE  /RINGFORT  P50   P99   START  P99   FAIL\n"
            "1  bare spawn  2000     1.00   2.00       0.70  4.00  0.20   0.20  0\n"
            "1  ringfort    1000     0.50   1.00       0.70  4.00  0.20   0.20  1\n"
            "8  bare spawn  2000     1.00   2.00       0.70  4.00  0.20   0.20  0\n"
            "8  ringfort    1000     0.50   1.00       0.70  4.00  -      -     1\n");
}

TEST(BenchTable, OfTheLongestWordsStaysWithinEightyColumns) {
  BenchResults results = example();
  for (auto& entrant : results.entrants) {
    if (entrant.name == kRingfort) entrant.name = kRingfortNone;
    for (auto& cell : entrant.cells) cell.in_flight *= 1000;
  }
  for (const auto& line : results_table(results).lines()) EXPECT_LE(columns_of(line), 80U) << line;
}

TEST(BenchText, SaysWhoTakesPartAndWhoCannot) {
  const auto text = entrants_text(example(), Paint{false});
  EXPECT_THAT(text, HasSubstr("ringfort (0.1.0)\n  Runtime\n"));
  EXPECT_THAT(text, HasSubstr("crun (crun 1)\n  crun run ID\n  does not work here: no cgroups\n"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(entrants_text(example(), Paint{true}), HasSubstr("\x1b[36mcrun\x1b[0m"));
}

TEST(BenchText, HidesNoFailure) {
  EXPECT_THAT(failures_text(example()),
              HasSubstr("ringfort, 8 at once: 1 failed; the first: web-1: no room"));
  EXPECT_EQ(failures(example()), 2U);
}

TEST(Histogram, HasABarForEachStepBetweenTheFirstAndTheLast) {
  const auto text = histogram(samples({40us, 50us, 200us}), 40, Bars::Hashes);
  EXPECT_EQ(text,
            "   < 0.06 ms 2  ########################\n"
            "   < 0.13 ms 0\n"
            "   < 0.26 ms 1  ############\n");
  EXPECT_EQ(histogram({}, 40, Bars::Hashes), "");
  EXPECT_THAT(histogram(samples({1h}), 10, Bars::Blocks), HasSubstr("█"));
}

TEST(ProgressLine, FillsItsBarAndFits) {
  EXPECT_EQ(progress_line(0, 4, "x", 80), "[........................] 0 %  x");
  EXPECT_EQ(progress_line(2, 4, "x", 80), "[############............] 50 %  x");
  EXPECT_EQ(progress_line(5, 4, "x", 80), "[########################] 100 %  x");
  EXPECT_LE(columns_of(progress_line(1, 4, std::string(200, 'y'), 40)), 40U);
}

TEST(BenchCsv, HasOneFigureALine) {
  const auto csv = to_csv(example());
  EXPECT_THAT(csv, testing::StartsWith("who,in_flight,live,figure,value,unit\n"));
  EXPECT_THAT(csv, HasSubstr("\n\"ringfort\",1,,throughput,1000,1/s\n"));
  EXPECT_THAT(csv, HasSubstr("\n\"ringfort\",1,,throughput_slowest_round,1500,1/s\n"));
  EXPECT_THAT(csv, HasSubstr("\n\"ringfort\",8,,failures,1,count\n"));
  EXPECT_THAT(csv, HasSubstr("\n\"bare spawn\",8,,answer_p50,60,us\n"));
  EXPECT_THAT(csv, HasSubstr("\n\"ringfort\",,100,all_pss,17825792,bytes\n"));
}

TEST(BenchJson, HasThoseThatCouldNotTakePart) {
  const auto value = to_value(example());
  EXPECT_EQ(value["level"], "namespaces");
  EXPECT_EQ(value["entrants"][1]["cells"][0]["throughput"], 1000);
  EXPECT_EQ(value["entrants"][1]["cells"][0]["first_error"],
            "web-1: no room <left> & none \"soon\"");
  EXPECT_EQ(value["entrants"][2]["refusal"], "no cgroups");
  EXPECT_EQ(value["memory"][1]["live"], 100);
  EXPECT_TRUE(value["memory_refusal"].is_null());
}

TEST(Ticks, AreRoundAndCoverTheRange) {
  EXPECT_THAT(ticks(0, 23, Scale::Linear), ElementsAre(0, 5, 10, 15, 20, 25));
  EXPECT_THAT(ticks(0, 1000, Scale::Linear), ElementsAre(0, 200, 400, 600, 800, 1000));
  EXPECT_THAT(ticks(5, 5, Scale::Linear), ElementsAre(5, 5.2));
  EXPECT_THAT(ticks(3, 800, Scale::Logarithmic), ElementsAre(1, 10, 100, 1000));
  EXPECT_THAT(ticks(10, 10, Scale::Logarithmic), ElementsAre(10, 100));
}

TEST(Pictures, AreThreeWithMachineAndVersions) {
  const auto all = pictures(example());
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].suffix, "throughput");
  EXPECT_EQ(all[1].suffix, "start");
  EXPECT_EQ(all[2].suffix, "memory");
  for (const auto& picture : all) {
    EXPECT_THAT(picture.chart.note, HasSubstr("Example CPU, 2 cores, 24 GiB, Linux 6.18, ext4"));
    EXPECT_THAT(picture.chart.note, HasSubstr("ringfort 0.1.0"));
  }
  auto without = example();
  without.memory.clear();
  EXPECT_EQ(pictures(without).size(), 2U);
}

TEST(Pictures, HaveTheirNameBeforeTheEnding) {
  EXPECT_EQ(picture_path("a/bench.svg", "start"), "a/bench-start.svg");
  EXPECT_EQ(picture_path("bench", "memory"), "bench-memory.svg");
  EXPECT_EQ(picture_path("v1.2", "memory"), "v1.2-memory.svg");
}

TEST(Svg, IsAsReviewed) {
  Chart chart{"Lives <per> second", "CPU & kernel", {"J", Scale::Logarithmic}, {"1/s"}, {}};
  chart.lines = {{"one", {{1, 10}, {10, 20}}}, {"two", {{1, 5}}}};
  EXPECT_TRUE(support::matches_golden(svg_text(chart), "bench_chart.svg"));
}

TEST(Gnuplot, QuotesWhatItIsGiven) {
  Chart chart{"a \"b\" \\", "note", {"x"}, {"y", Scale::Logarithmic}, {{"l", {{1, 2}}}}};
  const auto script = gnuplot_script(chart, "/tmp/o \"x\".svg");
  EXPECT_THAT(script, HasSubstr("set title \"a \\\"b\\\" \\\\\"\n"));
  EXPECT_THAT(script, HasSubstr("set output \"/tmp/o \\\"x\\\".svg\"\n"));
  EXPECT_THAT(script, HasSubstr("set logscale y\n"));
  EXPECT_THAT(script, HasSubstr("$line0 << END\n1 2\nEND\n"));
}

}  // namespace
}  // namespace ringfort::cli
