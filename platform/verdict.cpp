#include "ringfort/platform/verdict.hpp"

#include "ringfort/platform/plan_parts.hpp"
#include "ringfort/platform/rule_names.hpp"
#include "ringfort/specs/names.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace ringfort::platform {
namespace {

constexpr std::size_t kPathLimit = 4095;  // PATH_MAX less its NUL
constexpr std::string_view kOperations[] = {"read", "write", "exec", "connect", "bind"};

bool is_of_files(Operation operation) {
  return operation != Operation::Connect && operation != Operation::Bind;
}

tl::unexpected<Error> no_target(std::string_view target, std::string hint) {
  return fail(ErrorKind::InvalidSpec, "\"" + printable(target) + "\" is no target for that",
              std::move(hint));
}

Result<std::string> path_of(std::string_view text, const std::string& directory) {
  if (text.empty() || text.find('\0') != std::string_view::npos || text.size() > kPathLimit)
    return no_target(text, "write a path of up to 4095 bytes");
  return text.front() == '/' ? std::string(text) : directory + "/" + std::string(text);
}

Result<Question> parse_port_target(Question question, std::string_view text) {
  const auto cut = text.rfind(':');
  auto host = cut == std::string_view::npos ? std::string_view{} : text.substr(0, cut);
  const auto digits = cut == std::string_view::npos ? text : text.substr(cut + 1);
  const bool is_bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (!is_bracketed && host.find(':') != std::string_view::npos)
    return no_target(text, "write [" + printable(host) + "]:PORT, or /PATH for a unix socket");
  const auto* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, question.port);
  const bool is_any_free = question.port == 0 && question.operation == Operation::Bind;
  if (error != std::errc{} || stop != end || digits.empty() || (question.port == 0 && !is_any_free))
    return no_target(text, "write PORT, HOST:PORT, udp:PORT, /PATH or @NAME");
  question.host = host;
  return question;
}

Verdict denied(const Question& question, Holder holder, std::string because) {
  Verdict verdict;
  verdict.question = question;
  verdict.held_by = holder;
  verdict.because = std::move(because);
  return verdict;
}

Verdict allowed(const Question& question, RuleName rule, std::string because) {
  Verdict verdict;
  verdict.allowed = true;
  verdict.question = question;
  verdict.because = std::move(because);
  verdict.rule = std::move(rule);
  return verdict;
}

void offer_port(Verdict& verdict, const VerdictContext& context) {
  const auto port = std::to_string(verdict.question.port);
  if (verdict.question.port == 0) {  // any free one
    verdict.remedy =
        context.is_spec ? "listen on the port in PORT" : "--port gives a port of its own, in PORT";
    return;
  }
  const bool binds = verdict.question.operation == Operation::Bind;
  if (!context.is_spec)
    verdict.flags = {binds ? "--listen" : "--connect", port};
  else if (binds)
    verdict.remedy = "endpoints: [{name: NAME, protocol: tcp, port: " + port + "}]";
  else
    verdict.remedy = "network_mode: host (opens the whole network)";
}

void offer_network(Verdict& verdict, const VerdictContext& context) {
  if (context.is_spec)
    verdict.remedy = "network_mode: host (opens the whole network)";
  else
    verdict.flags = {"--net", "full"};
}

/// The same port in the other direction, else the next one in number.
std::optional<RuleName> nearest_port(const Question& question, const VerdictContext& context) {
  const auto& network = context.policy.network;
  const bool binds = question.operation == Operation::Bind;
  const auto& wanted = binds ? network.bind_ports : network.connect_ports;
  const auto& other = binds ? network.connect_ports : network.bind_ports;
  const auto named = [&](std::uint16_t port, Operation operation) {
    auto name = name_of_port(port, operation, context);
    name.gives = to_string(operation);
    return name;
  };
  if (std::ranges::find(other, question.port) != other.end())
    return named(question.port, binds ? Operation::Connect : Operation::Bind);
  const auto distance = [&](std::uint16_t port) {
    return port > question.port ? port - question.port : question.port - port;
  };
  const auto near = std::ranges::min_element(wanted, {}, distance);
  if (near == wanted.end()) return std::nullopt;
  return named(*near, question.operation);
}

Verdict judge_tcp_locally(const Question& question, const VerdictContext& context) {
  if (context.plan.handled_net == 0)
    return allowed(question, name_of_network(context),
                   "network local, but this kernel's Landlock holds no ports");
  const auto right = question.operation == Operation::Bind ? kBindTcp : kConnectTcp;
  for (const auto& rule : context.plan.port_rules) {
    if (rule.port != question.port || (rule.access & right) == 0) continue;
    auto name = name_of_port(question.port, question.operation, context);
    name.gives = to_string(question.operation);
    auto because = name.text + " gives " + name.gives;
    auto verdict = allowed(question, std::move(name), std::move(because));
    if (!question.host.empty())
      verdict.notes.emplace_back("a rule holds a port, not an address: any address on it");
    return verdict;
  }
  auto verdict = denied(question, Holder::Landlock, "no rule covers it");
  verdict.nearest = nearest_port(question, context);
  offer_port(verdict, context);
  return verdict;
}

bool is_loopback(std::string_view host) {
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return host.empty() || host == "localhost" || host == "::1" || host == "::" ||
         host == "0.0.0.0" || host.starts_with("127.") || host.starts_with("::ffff:127.");
}

/// At level `network` sockets are the container's own: nothing of the host, nothing outside.
bool is_own_network(const Question& question, const VerdictContext& context) {
  return context.plan.level == Level::Network && question.operation == Operation::Connect &&
         context.policy.network.mode != NetMode::None;
}

Verdict judge_own_network(const Question& question, Verdict verdict) {
  if (is_loopback(question.host)) {
    if (verdict.allowed) verdict.notes.emplace_back("of the container's own loopback");
    return verdict;
  }
  verdict = denied(question, Holder::Kernel, "there is no way out of the container's own network");
  verdict.rule = RuleName{"level network", Origin::Level, {}, {}};
  verdict.remedy = "no flag opens it at this level; use --isolation namespaces";
  return verdict;
}

Verdict judge_tcp(const Question& question, const VerdictContext& context) {
  Verdict verdict;
  const auto network = name_of_network(context);
  switch (context.policy.network.mode) {
    case NetMode::None:
      verdict = denied(question, Holder::Seccomp, network.text + ": no socket but unix ones");
      verdict.rule = network;
      offer_port(verdict, context);
      break;
    case NetMode::Local:
      verdict = judge_tcp_locally(question, context);
      break;
    case NetMode::Full:
      verdict = allowed(question, network, network.text + ": nothing is held back");
      break;
  }
  if (is_own_network(question, context)) return judge_own_network(question, std::move(verdict));
  const bool is_free = question.port == 0 || question.port >= context.first_free_port ||
                       context.plan.level == Level::Network;
  if (question.operation != Operation::Bind || is_free) return verdict;
  if (verdict.allowed) {
    verdict = denied(question, Holder::Kernel,
                     "ports below " + std::to_string(context.first_free_port) +
                         " take a capability, and programs have none");
    verdict.rule = RuleName{"no capabilities", Origin::Default, {}, {}};
  }
  verdict.flags.clear();
  verdict.remedy = "listen on a port from " + std::to_string(context.first_free_port) + " upwards";
  return verdict;
}

Verdict judge_udp(const Question& question, const VerdictContext& context) {
  const auto network = name_of_network(context);
  if (context.policy.network.mode == NetMode::Full) {
    auto verdict = allowed(question, network, network.text + ": nothing is held back");
    return is_own_network(question, context) ? judge_own_network(question, std::move(verdict))
                                             : verdict;
  }
  const bool is_none = context.policy.network.mode == NetMode::None;
  auto verdict = denied(question, Holder::Seccomp,
                        network.text + (is_none ? ": no socket but unix ones" : " is TCP only"));
  verdict.rule = network;
  offer_network(verdict, context);
  return verdict;
}

Verdict judge_abstract(const Question& question, const VerdictContext& context) {
  const auto scopes = context.plan.child_scopes | context.plan.shim_scopes;
  const bool is_held = (scopes & kScopeAbstractSockets) != 0;
  const RuleName scope{"the scope of the container's own abstract sockets", Origin::Level, {}, {}};
  if (question.operation == Operation::Bind || !is_held)
    return allowed(question, scope,
                   is_held ? "anybody may make one" : "this kernel's Landlock has no scopes");
  auto verdict = denied(question, Holder::Landlock, "only sockets of the container itself");
  verdict.rule = scope;
  verdict.remedy = "no flag opens it; give the socket a path, and: --read PATH";
  return verdict;
}

/// Landlock has no right for it: what is visible can be connected to where its mode allows that.
Verdict judge_unix_path(const Question& question, const VerdictContext& context) {
  if (question.operation == Operation::Bind) return judge_file(question, context);
  PathView view{context.plan, context.look, context.groups};
  const auto found = view.find(question.path);
  const RuleName level{
      "level " + std::string(to_string(context.plan.level)), Origin::Level, {}, {}};
  Verdict verdict;
  auto as_file = question;
  as_file.operation = Operation::Read;
  if (found.node.kind == NodeKind::Missing && context.plan.level != Level::Landlock)
    verdict = judge_file(as_file, context);  // with its nearest rule and remedy
  if (verdict.held_by == Holder::Mounts) {
    verdict.question = question;
  } else if (!found.unsearchable.empty() || !view.mode_allows(found.node, found.shown.mount, 2)) {
    const auto& refuser = found.unsearchable.empty() ? found.path : found.unsearchable;
    verdict = denied(question, Holder::Mode,
                     "the mode of " + printable(refuser, 4096) + " keeps the program out");
  } else {
    verdict = allowed(question, level,
                      level.text + " does not hold unix sockets with a path: their mode decides");
    if (found.node.kind == NodeKind::Missing) verdict.notes.emplace_back("there is nothing now");
  }
  verdict.path = found.path;
  return verdict;
}

}  // namespace

std::string_view to_string(Operation operation) {
  return kOperations[static_cast<std::size_t>(operation)];
}

std::optional<Operation> parse_operation(std::string_view text) {
  const auto* found = std::ranges::find(kOperations, text);
  if (found == std::end(kOperations)) return std::nullopt;
  return static_cast<Operation>(found - std::begin(kOperations));
}

std::string_view to_string(Origin origin) {
  constexpr std::string_view words[] = {"default", "flag", "spec", "image", "level"};
  return words[static_cast<std::size_t>(origin)];
}

std::string_view to_string(Holder holder) {
  constexpr std::string_view words[] = {"nobody", "landlock", "seccomp",
                                        "mounts", "mode",     "kernel"};
  return words[static_cast<std::size_t>(holder)];
}

Result<Question> parse_question(Operation operation, std::string_view target,
                                const std::string& directory) {
  Question question;
  question.operation = operation;
  if (is_of_files(operation)) {
    const bool is_name = operation == Operation::Exec && target.find('/') == std::string_view::npos;
    auto path = is_name && !target.empty() ? Result<std::string>(std::string(target))
                                           : path_of(target, directory);
    if (!path) return fail(path.error());
    question.path = *std::move(path);
    return question;
  }
  const bool is_unix = target.starts_with("unix:");
  if (is_unix) target.remove_prefix(5);
  if (target.starts_with('@')) {
    question.kind = TargetKind::UnixAbstract;
    question.path = target.substr(1);
    return question;
  }
  if (is_unix || target.find('/') != std::string_view::npos) {
    auto path = path_of(target, directory);
    if (!path) return fail(path.error());
    question.kind = TargetKind::UnixPath;
    question.path = *std::move(path);
    return question;
  }
  question.kind = target.starts_with("udp:") ? TargetKind::Udp : TargetKind::Tcp;
  if (target.starts_with("udp:") || target.starts_with("tcp:")) target.remove_prefix(4);
  return parse_port_target(std::move(question), target);
}

std::string target_text(const Question& question) {
  switch (question.kind) {
    case TargetKind::Path:
    case TargetKind::UnixPath:
      return question.path;
    case TargetKind::UnixAbstract:
      return "@" + question.path;
    case TargetKind::Tcp:
    case TargetKind::Udp:
      break;
  }
  return (question.kind == TargetKind::Udp ? "udp:" : "") +
         (question.host.empty() ? "" : question.host + ":") + std::to_string(question.port);
}

Verdict judge_network(const Question& question, const VerdictContext& context) {
  if (context.policy.seccomp == specs::SeccompProfile::Strict) {
    auto verdict = denied(question, Holder::Seccomp, "the profile strict makes no sockets");
    verdict.rule = RuleName{context.is_spec ? "seccomp: strict" : "--seccomp strict",
                            context.is_spec ? Origin::Spec : Origin::Flag,
                            context.is_spec ? "seccomp" : "",
                            {}};
    verdict.remedy = "leave it out";
    return verdict;
  }
  switch (question.kind) {
    case TargetKind::Udp:
      return judge_udp(question, context);
    case TargetKind::UnixPath:
      return judge_unix_path(question, context);
    case TargetKind::UnixAbstract:
      return judge_abstract(question, context);
    default:
      return judge_tcp(question, context);
  }
}

Verdict judge(const Question& question, const VerdictContext& context) {
  return is_of_files(question.operation) ? judge_file(question, context)
                                         : judge_network(question, context);
}

}  // namespace ringfort::platform
