#include "client.hpp"

#include <array>
#include <csignal>
#include <sstream>
#include <string_view>

namespace ringfort::chaos {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr auto kBound = 20s;  // nothing but a wait may take longer

std::vector<std::string> command_of(const Step& step, int life) {
  const auto& program = step.program;
  std::string flags = "-";
  if (program.wants_port) flags += 'p';
  if (program.has_child) flags += 'b';
  if (program.is_stubborn) flags += 's';
  return {"/talker",
          token(step.name, life),
          std::to_string(program.lines),
          std::to_string(program.life_ms),
          std::to_string(program.code),
          flags};
}

const std::vector<std::string> kExecuted{"/talker", "exec", "0", "0", "4", "-"};

std::vector<std::string> words_of(const Step& step, int life) {
  const auto& name = step.name;
  switch (step.verb) {
    case Verb::Create: {
      std::vector<std::string> words{"create",
                                     "--name",
                                     name,
                                     "--image",
                                     "talker",
                                     "--isolation",
                                     step.program.is_confined ? "landlock" : "namespaces"};
      if (step.program.wants_port) words.push_back("--port");
      words.push_back("--");
      for (auto& word : command_of(step, life)) words.push_back(std::move(word));
      return words;
    }
    case Verb::Stop:
      return {"stop", "-t", "1", name};
    case Verb::Term:
      return {"kill", "-s", "TERM", name};
    case Verb::ForceRemove:
      return {"rm", "-f", name};
    case Verb::Logs:
      return {"logs", "--json", name};
    case Verb::Exec: {
      std::vector<std::string> words{"exec", name};
      words.insert(words.end(), kExecuted.begin(), kExecuted.end());
      return words;
    }
    default:
      return {to_string(step.verb), name};
  }
}

bool has_any(std::string_view text, std::initializer_list<std::string_view> parts) {
  for (const auto part : parts)
    if (text.find(part) != text.npos) return true;
  return false;
}

/// What the command says when the state does not allow the call.
bool is_refusal(std::string_view text) {
  return has_any(text, {"is in use", "is running", "has ended", "is not running", "is being ",
                        "has failed", "exists already", "is gone", "belongs to another runtime",
                        "somebody else is starting it", "a container of this name exists",
                        "was removed while", "has just ended"});
}

void put_exit(Condition& seen, const json& exit, Reply& reply) {
  const int code = exit.at("code");
  const bool known = exit.at("known");
  const int signal = exit.at("signal").is_null() ? 0 : exit.at("signal").get<int>();
  if (!known && code != 255) reply.violation = "an end that nobody saw has another code than 255";
  seen.ends = !known ? kLost : signal == 9 ? kByKill : signal == 15 ? kByTerm : kOwnCode;
  reply.answer.code = code;
}

void put_seen(const json& shown, const std::string& name, Reply& reply) {
  auto& seen = reply.answer.condition;
  reply.answer.kind = Answer::Seen;
  const auto state = shown.at("state").get<std::string>();
  const auto command = shown.at("command").get<std::vector<std::string>>();
  if (shown.at("damaged").get<bool>()) reply.violation = "a record is damaged";
  if (state == "stuck") reply.violation = "a container is stuck";
  seen.life = command.size() > 1 ? life_of(command[1], name) : 0;
  if (!shown.at("port").is_null()) reply.port = shown.at("port").get<int>();
  if (state == "created") {
    seen.phase = Phase::Created;
  } else if (state == "exited" && shown.at("exit").is_object()) {
    seen.phase = Phase::Exited;
    put_exit(seen, shown.at("exit"), reply);
  } else if (state == "failed") {
    seen.phase = Phase::Exited;
    seen.ends = kNoStart;
    reply.text = shown.at("reason");
  } else if (state == "removing" || state == "creating") {
    reply.answer.kind = Answer::Refused;  // somebody else is at work
    reply.text = state;
  } else {
    seen.phase = Phase::Running;
  }
}

void put_line(const json& line, Reply& reply) {
  if (line.value("notice", false))
    reply.has_notice = true;
  else
    reply.lines.push_back(line.at("message"));
}

/// stdout of a command that ended well.
void put_output(const Step& step, const Outcome& outcome, Reply& reply) {
  std::istringstream out(outcome.out);
  std::string line;
  switch (step.verb) {
    case Verb::Wait:
      out >> reply.answer.code;
      reply.answer.kind = Answer::Code;
      if (out.fail()) reply.violation = "`wait` prints no code";
      return;
    case Verb::Inspect:
      return put_seen(json::parse(outcome.out).at(0), step.name, reply);
    case Verb::Logs:
      while (std::getline(out, line)) put_line(json::parse(line), reply);
      return;
    case Verb::Create:
    case Verb::Start:
      if (outcome.out != step.name + "-1\n") reply.violation = "it does not print the id";
      return;
    default:
      return;
  }
}

}  // namespace

Reply Client::ask(const Step& step, int life) {
  return step.by_supervisor ? ask_supervisor(step, life) : ask_command(step, life);
}

bool Client::kill_command() {
  const std::lock_guard lock(mutex_);
  return in_flight_ > 0 && ::kill(in_flight_, SIGKILL) == 0;
}

Reply Client::ask_command(const Step& step, int life) {
  const bool waits = step.verb == Verb::Wait;
  const auto outcome =
      world_.ringfort(words_of(step, life), waits ? 700ms : kBound, [&](pid_t pid) {
        const std::lock_guard lock(mutex_);
        in_flight_ = pid;
      });
  Reply reply;
  reply.text = outcome.err;
  if (outcome.was_killed) {
    reply.answer.kind = Answer::Interrupted;
    if (outcome.code == -1 && !waits) reply.violation = "hangs";
  } else if (outcome.code == 0) {
    put_output(step, outcome, reply);
  } else if (step.verb == Verb::Exec && outcome.code != 125) {
    reply.answer = {Answer::Code, outcome.code, {}};
  } else if (outcome.code != 125 || outcome.err.empty()) {
    reply.violation = "ends with " + std::to_string(outcome.code) + ": " + outcome.err;
  } else if (has_any(outcome.err, {"there is no container"})) {
    reply.answer.kind = Answer::NotFound;
  } else {
    reply.answer.kind = is_refusal(outcome.err) ? Answer::Refused : Answer::Failed;
  }
  return reply;
}

Reply Client::ask_supervisor(const Step& step, int life) {
  json request{{"do", to_string(step.verb)}, {"name", step.name}};
  request["command"] = step.verb == Verb::Exec ? kExecuted : command_of(step, life);
  request["port"] = step.program.wants_port;
  request["level"] = step.program.is_confined ? "landlock" : "namespaces";
  bool is_late = false;
  const auto answer = supervisor_.ask(request, kBound, is_late);
  Reply reply;
  if (is_late) reply.violation = "the supervisor does not answer";
  if (answer.is_null()) {
    reply.answer.kind = Answer::Interrupted;
  } else if (answer.contains("error")) {
    const auto kind = answer.at("error").get<std::string>();
    reply.text = answer.at("text");
    const bool waited = step.verb == Verb::Wait && kind == "Timeout";
    reply.answer.kind = kind == "NotFound"   ? Answer::NotFound
                        : kind == "Conflict" ? Answer::Refused
                        : waited             ? Answer::Interrupted
                                             : Answer::Failed;
    if (kind == "Internal") reply.violation = reply.text;
  } else if (answer.contains("code")) {
    reply.answer = {Answer::Code, answer.at("code").get<int>(), {}};
  } else if (step.verb == Verb::Inspect) {
    put_seen(answer.at("shown"), step.name, reply);
  } else if (step.verb == Verb::Logs) {
    for (const auto& line : answer.at("lines")) put_line(line, reply);
  }
  return reply;
}

}  // namespace ringfort::chaos
