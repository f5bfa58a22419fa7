#include "ringfort/actors/container_machine.hpp"

#include <algorithm>

namespace ringfort::actors {

namespace {

using enum Event;
using S = State;
using E = Effect;

constexpr Row kRows[] = {
    {S::Creating, Wait, S::Creating, {E::KeepWaiting}},
    {S::Creating, Remove, S::Removing, {}},
    {S::Creating, Shutdown, S::Removing, {}},
    {S::Creating, Built, S::Created, {E::AnswerCreate}},
    {S::Creating, BuildFailed, S::Creating, {E::Quit}},

    {S::Created, Start, S::Starting, {E::Open}},
    {S::Created, Stop, S::Created, {E::AnswerStop}},
    {S::Created, Wait, S::Created, {E::KeepWaiting}},
    {S::Created, Remove, S::Removing, {E::Discard}},
    {S::Created, Shutdown, S::Removing, {E::Discard}},
    {S::Created, RestartPlanned, S::Backoff, {}},

    {S::Starting, Stop, S::Stopping, {E::StopRun}},
    {S::Starting, Wait, S::Starting, {E::KeepWaiting}},
    {S::Starting, Remove, S::Removing, {E::KillTree}},
    {S::Starting, Shutdown, S::Removing, {E::KillTree}},
    {S::Starting, Opened, S::Starting, {E::Launch}},
    {S::Starting, Launched, S::Starting, {}},
    {S::Starting, Began, S::Running, {E::AnswerStart, E::Guard}},
    {S::Starting, StartFailed, S::Failed, {E::StoreExit, E::AnswerStart}},
    {S::Starting, Ended, S::Exited, {E::StoreExit, E::AnswerStart}},

    {S::Running, Stop, S::Stopping, {E::StopRun}},
    {S::Running, Kill, S::Running, {E::SignalRun}},
    {S::Running, Pause, S::Paused, {E::Unguard, E::FreezeRun}},
    {S::Running, Exec, S::Running, {E::RunExec}},
    {S::Running, ReadStats, S::Running, {E::MeasureRun}},
    {S::Running, Wait, S::Running, {E::KeepWaiting}},
    {S::Running, Remove, S::Removing, {E::KillTree}},
    {S::Running, Shutdown, S::Removing, {E::KillTree}},
    {S::Running, OverLimit, S::Running, {E::KillForMemory}},
    {S::Running, Ended, S::Exited, {E::Unguard, E::StoreExit}},

    {S::Paused, Stop, S::Stopping, {E::ThawRun, E::Guard, E::StopRun}},
    {S::Paused, Kill, S::Paused, {E::SignalRun}},
    {S::Paused, Unpause, S::Running, {E::ThawRun, E::Guard}},
    {S::Paused, ReadStats, S::Paused, {E::MeasureRun}},
    {S::Paused, Wait, S::Paused, {E::KeepWaiting}},
    {S::Paused, Remove, S::Removing, {E::KillTree}},
    {S::Paused, Shutdown, S::Removing, {E::KillTree}},
    {S::Paused, OverLimit, S::Paused, {E::KillForMemory}},
    {S::Paused, FreezeFailed, S::Running, {E::Guard}},
    {S::Paused, Ended, S::Exited, {E::StoreExit}},

    {S::Stopping, Stop, S::Stopping, {E::StopRun}},
    {S::Stopping, Kill, S::Stopping, {E::SignalRun}},
    {S::Stopping, ReadStats, S::Stopping, {E::MeasureRun}},
    {S::Stopping, Wait, S::Stopping, {E::KeepWaiting}},
    {S::Stopping, Remove, S::Removing, {E::KillTree}},
    {S::Stopping, Shutdown, S::Removing, {E::KillTree}},
    {S::Stopping, Opened, S::Stopping, {E::Launch}},
    {S::Stopping, Launched, S::Stopping, {E::StopRun}},
    {S::Stopping, Began, S::Stopping, {E::AnswerStart, E::Guard}},
    {S::Stopping, StartFailed, S::Failed, {E::StoreExit, E::AnswerStart, E::AnswerStop}},
    {S::Stopping, OverLimit, S::Stopping, {E::KillForMemory}},
    {S::Stopping, Ended, S::Exited, {E::Unguard, E::StoreExit, E::AnswerStart, E::AnswerStop}},
    {S::Stopping, KillOverdue, S::Stuck, {E::AnswerStop}},

    {S::Exited, Create, S::Creating, {E::Build}},
    {S::Exited, Start, S::Starting, {E::Open}},
    {S::Exited, Stop, S::Exited, {E::AnswerStop}},
    {S::Exited, Wait, S::Exited, {E::AnswerWait}},
    {S::Exited, Remove, S::Removing, {E::Discard}},
    {S::Exited, Shutdown, S::Removing, {E::Discard}},
    {S::Exited, RestartPlanned, S::Backoff, {}},
    {S::Exited, RestartGivenUp, S::Failed, {}},

    {S::Failed, Create, S::Creating, {E::Build}},
    {S::Failed, Start, S::Starting, {E::Open}},
    {S::Failed, Stop, S::Failed, {E::AnswerStop}},
    {S::Failed, Wait, S::Failed, {E::AnswerWait}},
    {S::Failed, Remove, S::Removing, {E::Discard}},
    {S::Failed, Shutdown, S::Removing, {E::Discard}},
    {S::Failed, RestartPlanned, S::Backoff, {}},
    {S::Failed, RestartGivenUp, S::Failed, {}},

    {S::Backoff, Start, S::Starting, {E::Open}},
    {S::Backoff, Stop, S::Exited, {E::AnswerStop}},
    {S::Backoff, Wait, S::Backoff, {E::AnswerWait}},
    {S::Backoff, Remove, S::Removing, {E::Discard}},
    {S::Backoff, Shutdown, S::Removing, {E::Discard}},
    {S::Backoff, RestartDue, S::Starting, {E::Open}},

    {S::Removing, Wait, S::Removing, {E::KeepWaiting}},
    {S::Removing, Remove, S::Removing, {}},
    {S::Removing, Shutdown, S::Removing, {}},
    {S::Removing, Built, S::Removing, {E::AnswerCreate, E::Discard}},
    {S::Removing, BuildFailed, S::Removing, {E::Quit}},
    {S::Removing, Opened, S::Removing, {E::Discard}},
    {S::Removing, Launched, S::Removing, {E::KillTree}},
    {S::Removing, StartFailed, S::Removing, {E::StoreExit, E::Discard}},
    {S::Removing, Ended, S::Removing, {E::Unguard, E::StoreExit, E::Discard}},
    {S::Removing, KillOverdue, S::Stuck, {E::AnswerRemove}},
    {S::Removing, Discarded, S::Removing, {E::Quit}},
    {S::Removing, DiscardFailed, S::Failed, {E::AnswerRemove}},

    {S::Stuck, Stop, S::Stopping, {E::StopRun}},
    {S::Stuck, Kill, S::Stuck, {E::SignalRun}},
    {S::Stuck, ReadStats, S::Stuck, {E::MeasureRun}},
    {S::Stuck, Wait, S::Stuck, {E::KeepWaiting}},
    {S::Stuck, Remove, S::Removing, {E::KillTree}},
    {S::Stuck, Shutdown, S::Removing, {E::KillTree}},
    {S::Stuck, Began, S::Stuck, {E::AnswerStart}},
    {S::Stuck, StartFailed, S::Failed, {E::StoreExit, E::AnswerStart}},
    {S::Stuck, Ended, S::Exited, {E::Unguard, E::StoreExit, E::AnswerStart}},
};

const Row* find(State state, Event event) {
  const Row* found = std::ranges::find_if(
      kRows, [&](const Row& row) { return row.from == state && row.on == event; });
  return found == std::end(kRows) ? nullptr : found;
}

Refusal refuse(State state, Event call) {
  switch (state) {
    case S::Creating:
      return {"is being created", "wait until create has answered"};
    case S::Created:
      if (call == Create) return {"exists already", "remove it first, or choose another id"};
      return {"is not running", "start it first"};
    case S::Starting:
      return {"is being started", "wait until start has answered"};
    case S::Running:
      if (call == Unpause) return {"is not paused", "nothing needs to be done"};
      return {"is running", "stop it first"};
    case S::Paused:
      if (call == Pause) return {"is paused already", "unpause it to go on"};
      if (call == Create) return {"is paused", "remove it first, or choose another id"};
      return {"is paused", "unpause it first"};
    case S::Stopping:
      return {"is being stopped", "wait for its end"};
    case S::Exited:
      return {"has ended", "start it again first"};
    case S::Failed:
      return {"has failed", "start it again first, or remove it"};
    case S::Backoff:
      return {"waits to be started again", "start it, or stop it first"};
    case S::Removing:
      return {"is being removed", "wait until remove has answered"};
    case S::Stuck:
      return {"was killed but does not end",
              "remove it once more, or look for processes in state D (ps)"};
  }
  return {"is in no known state", "report this as a defect"};
}

bool has(const Effects& effects, Effect wanted) {
  return std::ranges::find(effects, wanted) != effects.end();
}

/// What the table cannot say: a new generation for each start, and what shutting down leaves out.
void settle(Step& step, Event event) {
  Machine& next = step.next;
  if (has(step.effects, E::Open)) ++next.generation;
  if (has(step.effects, E::StoreExit)) next.ended = next.generation;
  if (event == Launched) next.alive = true;
  if (event == Ended || event == StartFailed) next.alive = false;
  if (next.keep_files) std::ranges::replace(step.effects, E::Discard, E::Quit);
  if (next.leaving && (event == KillOverdue || event == DiscardFailed)) step.effects = {E::Quit};
  next.gone = has(step.effects, E::Quit);
}

}  // namespace

std::span<const Row> rows() { return kRows; }

Step step(const Machine& machine, Event event, std::uint32_t generation) {
  Step result{machine, {}, {}};
  if (machine.gone) {
    if (is_call(event)) result.refusal = Refusal{"is gone", "create it again"};
    return result;
  }
  bool stale = generation != machine.generation || generation == machine.ended;
  if (is_about_a_run(event) && stale) return result;
  const Row* row = find(machine.state, event);
  if (row == nullptr) {
    if (is_call(event)) result.refusal = refuse(machine.state, event);
    return result;
  }
  result.next.state = row->to;
  result.effects = row->effects;
  settle(result, event);
  return result;
}

Machine found_as(State state) {
  Machine machine;
  machine.state = state;
  if (state == S::Created) return machine;
  machine.generation = 1;
  machine.alive = state == S::Running || state == S::Paused;
  if (!machine.alive) machine.ended = 1;
  return machine;
}

Step shut_down(Machine machine, Farewell farewell) {
  if (machine.gone) return {machine, {}, {}};
  if (farewell == Farewell::LetRun && machine.state != State::Removing) {
    machine.gone = true;
    return {machine, {Effect::Quit}, {}};
  }
  machine.leaving = true;
  // A removal under way was asked for, so it takes the files along.
  if (machine.state != State::Removing) machine.keep_files = farewell == Farewell::KillAndKeepFiles;
  return step(machine, Event::Shutdown);
}

}  // namespace ringfort::actors
