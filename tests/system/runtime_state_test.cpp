// Every call in every state that a caller can bring about: allowed, or Conflict.
#include "runtime_fixture.hpp"

#include <functional>

namespace ringfort::test {
namespace {

enum class Answer { Ok, Conflict, StartFailed };

class RuntimeState : public RuntimeTest {
 protected:
  const ContainerId id_{"state", 1};

  /// A container that has just come into the state.
  void bring_into(State state) {
    ASSERT_TRUE(ok(runtime_->remove_container(id_)));
    switch (state) {
      case State::Created:
        return create(id_, victim("idle"));
      case State::Running:
        launch(id_, victim("idle"));
        return await_ready(id_);
      case State::Paused:
        launch(id_, victim("idle"));
        await_ready(id_);
        ASSERT_TRUE(ok(runtime_->pause_container(id_)));
        return;
      case State::Exited:
        launch(id_, victim("ends", {"code", "3"}));
        end_of(id_);
        return;
      default: {
        auto service = victim("idle");
        service.command.entrypoint = {"/absent"};
        create(id_, service);
        ASSERT_FALSE(runtime_->start_container(id_));
      }
    }
  }
};

template <class T>
testing::AssertionResult answers(const Result<T>& result, Answer wanted) {
  if (wanted == Answer::Ok) return ok(result);
  return fails(result, wanted == Answer::Conflict ? ErrorKind::Conflict : ErrorKind::StartFailed);
}

constexpr State kStates[] = {State::Created, State::Running, State::Paused, State::Exited,
                             State::Failed};

struct Row {
  const char* call;
  Answer answers[std::size(kStates)];
  std::function<testing::AssertionResult(Runtime&, const ContainerId&, const specs::Service&,
                                         Answer)>
      make;
};

constexpr Answer yes = Answer::Ok;
constexpr Answer no_ = Answer::Conflict;
constexpr Answer again = Answer::StartFailed;  ///< is tried, and fails as it did before

const Row kRows[] = {
    //            created running paused exited failed
    {"create",
     {no_, no_, no_, yes, yes},
     [](auto& runtime, auto& id, auto& service, Answer answer) {
       return answers(runtime.create_container(id, service), answer);
     }},
    {"start",
     {yes, no_, no_, yes, again},
     [](auto& runtime, auto& id, auto&, Answer answer) {
       return answers(runtime.start_container(id), answer);
     }},
    {"stop",
     {yes, yes, yes, yes, yes},
     [](auto& runtime, auto& id, auto&, Answer answer) {
       return answers(runtime.stop_container(id, 5s), answer);
     }},
    {"kill",
     {no_, yes, yes, no_, no_},
     [](auto& runtime, auto& id, auto&, Answer answer) {
       return answers(runtime.kill_container(id, "CONT"), answer);
     }},
    {"pause",
     {no_, yes, no_, no_, no_},
     [](auto& runtime, auto& id, auto&, Answer answer) {
       return answers(runtime.pause_container(id), answer);
     }},
    {"unpause",
     {no_, no_, yes, no_, no_},
     [](auto& runtime, auto& id, auto&, Answer answer) {
       return answers(runtime.unpause_container(id), answer);
     }},
    {"exec",
     {no_, yes, no_, no_, no_},
     [](auto& runtime, auto& id, auto&, Answer answer) {
       return answers(runtime.exec(id, {"/absent"}), answer);
     }},
    {"stats",
     {no_, yes, yes, no_, no_},
     [](auto& runtime, auto& id, auto&, Answer answer) {
       return answers(runtime.get_container_stats(id), answer);
     }},
    {"logs",
     {yes, yes, yes, yes, yes},
     [](auto& runtime, auto& id, auto&, Answer answer) {
       return answers(runtime.get_logs(id), answer);
     }},
    {"ip",
     {yes, yes, yes, yes, yes},
     [](auto& runtime, auto& id, auto&, Answer answer) {
       return answers(runtime.get_container_ip(id), answer);
     }},
    {"remove",
     {yes, yes, yes, yes, yes},
     [](auto& runtime, auto& id, auto&, Answer answer) {
       return answers(runtime.remove_container(id), answer);
     }},
};

TEST_P(RuntimeState, AnswersEachCallAsTheTableSays) {
  const auto service = victim("idle");
  for (const auto& row : kRows)
    for (std::size_t i = 0; i < std::size(kStates); ++i) {
      SCOPED_TRACE(std::string(row.call) + " in " + std::string(to_string(kStates[i])));
      ASSERT_NO_FATAL_FAILURE(bring_into(kStates[i]));
      ASSERT_EQ(runtime_->container_state(id_)->state, kStates[i]);
      EXPECT_TRUE(row.make(*runtime_, id_, service, row.answers[i]));
    }
}

TEST_P(RuntimeState, HasAPidOnlyWhileItRuns) {
  for (const auto state : kStates) {
    ASSERT_NO_FATAL_FAILURE(bring_into(state));
    const auto pid = runtime_->get_container_pid(id_);
    ASSERT_TRUE(ok(pid));
    EXPECT_EQ(pid->has_value(), state == State::Running || state == State::Paused)
        << to_string(state);
  }
}

TEST_P(RuntimeState, AWaitHasPatienceAndNoMore) {
  ASSERT_NO_FATAL_FAILURE(bring_into(State::Created));
  EXPECT_TRUE(fails(runtime_->wait_exit(id_, 20ms), ErrorKind::Timeout));
  ASSERT_NO_FATAL_FAILURE(bring_into(State::Running));
  EXPECT_TRUE(fails(runtime_->wait_exit(id_, 20ms), ErrorKind::Timeout));
  EXPECT_EQ(runtime_->container_state(id_)->state, State::Running);
}

TEST_P(RuntimeState, StoppingWhatHasEndedKeepsItsEnd) {
  ASSERT_NO_FATAL_FAILURE(bring_into(State::Exited));
  EXPECT_TRUE(ok(runtime_->stop_container(id_, 5s)));
  EXPECT_EQ(end_of(id_).code, 3);
  EXPECT_EQ(end_of(id_).reason, EndReason::Exited);
}

TEST_P(RuntimeState, UnknownSignalsAreRefused) {
  ASSERT_NO_FATAL_FAILURE(bring_into(State::Running));
  EXPECT_TRUE(fails(runtime_->kill_container(id_, "NOSUCH"), ErrorKind::InvalidSpec));
  EXPECT_TRUE(ok(runtime_->kill_container(id_, " sigusr2 ")));
  EXPECT_EQ(end_of(id_).signal, 12);
}

INSTANTIATE_AT_LEVELS(RuntimeState);

}  // namespace
}  // namespace ringfort::test
