// Questions of a plain thread, over a real actor system: what they wait for is real time.
#include "ringfort/messages/ask.hpp"

#include "ringfort/messages/configure.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

namespace ringfort::messages {
namespace {

using namespace std::chrono_literals;

constexpr int kAnswerOwed = 98;

struct Question {
  int number = 0;
};

}  // namespace
}  // namespace ringfort::messages

RINGFORT_MESSAGE(ringfort::messages::Question)

namespace ringfort::messages {
namespace {

using Answerer = Actor<Result<int>(Question)>;

/// Answers odd numbers only.
class Taciturn {
 public:
  using Handle = Answerer;
  static constexpr const char* name = "taciturn";
  explicit Taciturn(Self<Handle> self) : self_(self) {}

  Handle::behavior_type make_behavior() {
    return {[this](const Question& question) -> Answer<Result<int>> {
      auto promise = make_promise<Result<int>, Handle>(self_);
      if (question.number == kAnswerOwed && kept_) kept_->deliver(Result<int>{2});
      if (question.number % 2 == 1)
        promise.deliver(Result<int>{question.number});
      else
        kept_ = promise;
      return promise;
    }};
  }

 private:
  Self<Handle> self_;
  std::optional<Promise<Result<int>>> kept_;
};

class Ask : public testing::Test {
 protected:
  Ask() {
    configure(config_, 1);
    system_.emplace(config_);
    answerer_ = spawn_state<Taciturn>(*system_);
  }
  ~Ask() override { caf::anon_send_exit(answerer_, caf::exit_reason::user_shutdown); }

  Result<int> ask_for(int number, Duration patience) {
    return ask<Result<int>>(*system_, answerer_, patience, Question{number});
  }

  caf::actor_system_config config_;
  std::optional<caf::actor_system> system_;
  Answerer answerer_;
};

TEST_F(Ask, BringsTheAnswerWithAndWithoutABound) {
  EXPECT_EQ(ask_for(1, kForEver), 1);
  EXPECT_EQ(ask_for(3, 60s), 3);
}

TEST_F(Ask, EndsWithItsPatience) {
  const auto begin = std::chrono::steady_clock::now();

  const auto answer = ask_for(2, 30ms);

  const auto took = std::chrono::steady_clock::now() - begin;
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::Timeout);
  EXPECT_GE(took, 30ms);
  EXPECT_LT(took, 5s);
}

TEST_F(Ask, ALateAnswerLeavesTheNextQuestionItsBound) {
  ASSERT_FALSE(ask_for(2, 1ms));

  // Brings the answer that is still owed, and none of its own.
  const auto answer = ask_for(kAnswerOwed, 30ms);

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::Timeout);
}

TEST_F(Ask, ManyThreadsGetTheirOwnAnswers) {
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 8; ++thread)
      threads.emplace_back([&, thread] {
        for (int i = 0; i < 200; ++i) {
          const int number = thread * 1000 + 2 * i + 1;
          if (ask_for(number, 60s) != number) ++wrong;
        }
      });
  }
  EXPECT_EQ(wrong, 0);
}

TEST_F(Ask, TellsOfAnActorThatIsGone) {
  caf::anon_send_exit(answerer_, caf::exit_reason::user_shutdown);
  caf::scoped_actor { *system_ } -> wait_for(answerer_);

  const auto answer = ask_for(1, 60s);

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::NotFound);
}

}  // namespace
}  // namespace ringfort::messages
