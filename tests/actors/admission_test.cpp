#include "ringfort/actors/admission.hpp"

#include "runtime_test.hpp"

namespace ringfort::actors {
namespace {

using namespace messages;
using namespace std::chrono_literals;
using Kind = Admission::Kind;

constexpr Admission::Time kBegin{};

FairQueue::Waiting job(std::uint64_t number, const char* service, Admission::Time since = kBegin) {
  return {number, {service, static_cast<std::uint32_t>(number)}, since};
}

TEST(FairQueue, GivesEachCallerATurn) {
  FairQueue queue;
  for (std::uint64_t i = 1; i <= 3; ++i) queue.add("burst", job(i, "burst"));
  queue.add("shell", job(4, "shell"));

  std::vector<std::uint64_t> order;
  while (const auto next = queue.take()) order.push_back(next->job);

  EXPECT_EQ(order, (std::vector<std::uint64_t>{1, 4, 2, 3}));
  EXPECT_TRUE(queue.empty());
}

TEST(FairQueue, TellsWhoGoesBefore) {
  FairQueue queue;
  for (std::uint64_t i = 1; i <= 5; ++i) queue.add("burst", job(i, "burst"));
  queue.add("shell", job(6, "shell", kBegin + 1s));
  queue.add("shell", job(7, "shell"));

  // What it says is what happens.
  for (std::uint64_t number = 1; number <= 7; ++number) {
    auto copy = FairQueue{};
    for (std::uint64_t i = 1; i <= 5; ++i) copy.add("burst", job(i, "burst"));
    for (std::uint64_t i = 6; i <= 7; ++i) copy.add("shell", job(i, "shell"));
    const auto place = queue.place_of(job(number, number < 6 ? "burst" : "shell").id, kBegin + 2s);
    ASSERT_TRUE(place);
    for (std::size_t i = 0; i < place->before; ++i) copy.take();
    EXPECT_EQ(copy.take()->job, number);
  }
  EXPECT_EQ(queue.place_of({"shell", 6}, kBegin + 2s)->waited, Duration{1s});
  EXPECT_FALSE(queue.place_of({"shell", 8}, kBegin));
}

TEST(Admission, HoldsBackStartsAndNothingElse) {
  Admission admission;
  admission.set_width(2);
  for (std::uint64_t i = 1; i <= 3; ++i) admission.add("a", Kind::Start, job(i, "a"));
  admission.add("a", Kind::Files, job(4, "a"));

  EXPECT_EQ(admission.next(kBegin), 1U);
  EXPECT_EQ(admission.next(kBegin), 2U);
  EXPECT_EQ(admission.next(kBegin), 4U);
  EXPECT_EQ(admission.next(kBegin), std::nullopt);
  admission.over(1);
  EXPECT_EQ(admission.next(kBegin), 3U);
}

TEST(Admission, WhoseStartsWaitBuildsNoMoreAndRemovesAllTheSame) {
  Admission admission;
  constexpr auto kMost = FairQueue::kLong;
  for (std::uint64_t i = 0; i <= kMost; ++i) admission.add("burst", Kind::Start, job(i, "burst"));
  admission.add("burst", Kind::Build, job(100, "burst"));
  admission.add("burst", Kind::Files, job(101, "burst"));
  admission.add("shell", Kind::Build, job(102, "shell"));

  EXPECT_EQ(admission.next(kBegin), 0U);
  // Its removal and the others' builds, in turns.
  EXPECT_EQ(admission.next(kBegin), 102U);
  EXPECT_EQ(admission.next(kBegin), 101U);
  EXPECT_EQ(admission.next(kBegin), std::nullopt);
  admission.over(0);
  EXPECT_EQ(admission.next(kBegin), 1U);
  EXPECT_EQ(admission.next(kBegin), 100U);
}

TEST(Admission, WhoComesBesideALongLineFindsHalfAsManyUnderWay) {
  Admission admission;
  admission.set_width(4);
  std::uint64_t number = 0;
  const auto come = [&](const char* who, Admission::Time when) {
    ++number;
    admission.add(who, Kind::Start, job(number, who, when));
  };
  const auto let_begin = [&](Admission::Time when) {
    std::vector<std::uint64_t> begun;
    while (const auto next = admission.next(when)) begun.push_back(*next);
    for (const auto one : begun) admission.over(one);
    return begun.size();
  };
  for (std::size_t i = 0; i < FairQueue::kLong + 8; ++i) come("burst", kBegin);
  EXPECT_EQ(let_begin(kBegin), 4U) << "alone";

  come("shell", kBegin);
  EXPECT_EQ(let_begin(kBegin), 2U);
  EXPECT_EQ(let_begin(kBegin + Admission::kConsiderate - 1ms), 2U);
  EXPECT_EQ(let_begin(kBegin + Admission::kConsiderate), 4U);

  come("shell", kBegin + Admission::kConsiderate);
  EXPECT_EQ(let_begin(kBegin + Admission::kConsiderate), 4U) << "no line is long any more";
}

TEST(Admission, AStartThatHangsHoldsUpNobody) {
  Admission admission;
  admission.add("a", Kind::Start, job(1, "a"));
  admission.add("a", Kind::Start, job(2, "a"));
  EXPECT_EQ(admission.next(kBegin), 1U);

  EXPECT_EQ(admission.next(kBegin + Admission::kLongStart - 1ms), std::nullopt);
  EXPECT_EQ(admission.next(kBegin + Admission::kLongStart), 2U);
}

TEST(Admission, FollowsTheMachine) {
  platform::Headroom left;
  left.cores = 2;
  const auto wide = admission_width(left);
  EXPECT_GT(wide, 2U);
  left.cores = 4;
  EXPECT_EQ(admission_width(left), 2 * wide);
  for (auto part : {&platform::Headroom::memory_bytes, &platform::Headroom::pids,
                    &platform::Headroom::descriptors}) {
    auto little = left;
    little.*part = 20;
    EXPECT_LT(admission_width(little), wide);
    little.*part = 0;
    EXPECT_EQ(admission_width(little), 1U) << "the error tells what is lacking";
  }
}

struct AdmissionTest : fakes::RuntimeTest {
  /// Starts of `count` containers of one service, none of which has begun.
  std::vector<Reply<Result<Started>>> burst(std::uint32_t count) {
    std::vector<Reply<Result<Started>>> starts;
    id.service = "burst";
    for (id.replica = 1; id.replica <= count; ++id.replica) EXPECT_TRUE(create()->has_value());
    for (id.replica = 1; id.replica <= count; ++id.replica)
      starts.push_back(send<Result<Started>>(Start{}));
    system.run();
    return starts;
  }
  std::string launched(std::size_t number) {
    return fake.spawner->launched.at(number).request.container;
  }
};

TEST_F(AdmissionTest, ABurstIsStartedAFewAtATimeAndNobodyElseWaitsForItsEnd) {
  *fake.cores = 1;
  restart({});
  const auto width = admission_width({.cores = 1});
  const auto starts = burst(100);
  ASSERT_EQ(fake.spawner->launched.size(), width);
  id = {"shell", 1};
  ASSERT_TRUE(create()->has_value());
  auto shell = send<Result<Started>>(Start{});
  system.run();

  auto entry = call<Result<ContainerEntry>>(GetEntry{})->value();
  ASSERT_TRUE(entry.queued);
  EXPECT_EQ(entry.queued->before, 1U);
  id = {"burst", 100};
  EXPECT_EQ(call<Result<ContainerEntry>>(GetEntry{})->value().queued->before, 100 - width);

  system.advance(300ms);
  // One of the burst has its turn before, and then the shell: half as many are under way now.
  for (std::size_t i = 0; i < width; ++i) fake.spawner->begin(i);
  system.run();
  ASSERT_EQ(fake.spawner->launched.size(), width + 1);
  fake.spawner->begin(width);
  system.run();
  ASSERT_EQ(fake.spawner->launched.size(), width + 2);
  EXPECT_EQ(launched(width + 1), "shell-1");
  for (std::size_t i = width + 1; i < fake.spawner->launched.size(); ++i) {
    fake.spawner->begin(i);
    system.run();
  }
  EXPECT_EQ(fake.spawner->launched.size(), 101U);
  EXPECT_TRUE(shell && shell->has_value());
  for (const auto& start : starts) EXPECT_TRUE(start && start->has_value());
  EXPECT_EQ((*starts.front())->queued, Duration{0});
  EXPECT_EQ((*shell)->queued, Duration{300ms});
}

TEST_F(AdmissionTest, AStartThatFailsMakesRoom) {
  *fake.cores = 1;
  restart({});
  const auto width = admission_width({.cores = 1});
  const auto starts = burst(static_cast<std::uint32_t>(width + 1));
  ASSERT_EQ(fake.spawner->launched.size(), width);

  fake.spawner->fail_start(0, 127, {ErrorKind::StartFailed, "no such program", {}, {}, 0});
  system.run();

  EXPECT_EQ(fake.spawner->launched.size(), width + 1);
}

}  // namespace
}  // namespace ringfort::actors
