#include "ringfort/api/access.hpp"

#include "ringfort/actors/site.hpp"
#include "ringfort/api/stand_in.hpp"
#include "ringfort/api/user_name.hpp"
#include "ringfort/messages/configure.hpp"
#include "ringfort/platform/attempts.hpp"
#include "ringfort/platform/data_directory.hpp"
#include "ringfort/platform/fd.hpp"
#include "ringfort/platform/host_look.hpp"
#include "ringfort/platform/image_store.hpp"
#include "ringfort/platform/record_files.hpp"
#include "ringfort/platform/verdict.hpp"
#include "ringfort/specs/container_record.hpp"

#include <algorithm>
#include <utility>

#include <fcntl.h>

namespace ringfort {
namespace {

using platform::Node;
using platform::NodeKind;

constexpr std::uint32_t kAnyUidOfBlock = 1'880'000'000;  // they all own nothing on the host

/// As containers' paths have it. Nothing stays nothing.
AccessSetting with_absolute_data_dir(AccessSetting setting) {
  std::error_code error;  // without a working directory nothing is found there, either
  if (!setting.data_dir.empty())
    setting.data_dir = platform::absolute_path(setting.data_dir, error);
  return setting;
}

AccessRule rule_of(const platform::RuleName& name) {
  return {name.text, std::string(to_string(name.origin)), name.field, name.gives};
}

AccessAnswer answer_of(const platform::Verdict& verdict, Level level) {
  AccessAnswer answer;
  answer.allowed = verdict.allowed;
  answer.operation = to_string(verdict.question.operation);
  answer.target = target_text(verdict.question);
  answer.path = verdict.path;
  answer.level = to_string(level);
  answer.held_by = to_string(verdict.held_by);
  answer.because = verdict.because;
  if (verdict.rule) answer.rule = rule_of(*verdict.rule);
  if (verdict.nearest) answer.nearest = rule_of(*verdict.nearest);
  answer.flags = verdict.flags;
  answer.remedy = verdict.remedy;
  answer.notes = verdict.notes;
  answer.is_absent = verdict.is_absent;
  answer.has_no_place = verdict.has_no_place;
  return answer;
}

Status set_user(const specs::Service& service, const RunOptions& options,
                const platform::HostFacts& host, std::optional<std::uint32_t> of_block,
                platform::Command& command) {
  if (!host.root) return {};
  command.uid = command.gid = of_block.value_or(kAnyUidOfBlock);
  command.ids_of_block = true;
  const auto& asked = options.user ? options.user : service.user;
  if (!asked) return {};
  const auto numbers = user_in_numbers(*asked);
  if (!numbers) return fail(numbers.error());
  const auto ids = actors::parse_user(*numbers);
  if (!ids) return fail(ids.error());
  command.uid = ids->uid;
  command.gid = ids->gid;
  command.ids_of_block = false;
  return {};
}

Result<platform::Image> find_image(const std::string& name, const std::string& data_dir) {
  const auto store =
      platform::ImageStore::open(data_dir + "/images", data_dir + "/.staging", "none");
  if (!store)
    return fail(ErrorKind::NotFound, "there are no images in " + data_dir,
                "register it: ringfort image add NAME DIR");
  return store->find(name);
}

}  // namespace

struct AccessJudge::Facts {
  specs::Service service;
  RunOptions options;
  AccessSetting setting;
  Level level = Level::Landlock;
  platform::Policy policy;
  platform::LaunchPlan plan;
  std::string image_rootfs;  ///< stands for the root of a container that is not there
  bool is_there = false;     ///< a container that exists
  std::vector<std::uint32_t> groups;
  std::uint16_t first_free_port = 1024;

  Status draw(const platform::PolicyContext& context, const platform::Command& command) {
    const auto& host = platform::host_facts();
    auto made = platform::make_policy(service, options, context);
    if (!made) return fail(std::move(made.error()));
    policy = std::move(*made);
    auto drawn = platform::make_launch_plan(policy, command, level, host);
    if (!drawn) return fail(std::move(drawn.error()));
    plan = std::move(*drawn);
    if (!host.root) groups = platform::own_groups();
    first_free_port = platform::first_free_port();
    return {};
  }

  Node look(const std::string& path) const {
    using platform::is_within;
    if (is_there && !policy.image_dir.empty() && is_within(path, policy.rootfs_dir))
      return platform::look_in_overlay(platform::overlay_dir(policy) + "/upper", policy.image_dir,
                                       path.substr(policy.rootfs_dir.size()));
    if (!policy.rootfs_dir.empty() && is_within(path, policy.rootfs_dir))
      return platform::look_beneath(is_there ? policy.rootfs_dir : image_rootfs,
                                    path.substr(policy.rootfs_dir.size()));
    if (is_there && is_within(path, policy.scratch_dir))
      return platform::look_beneath(policy.scratch_dir, path.substr(policy.scratch_dir.size()));
    if (is_there || !is_within(path, policy.container_dir)) return platform::look_at_host(path);
    Node node;
    node.kind = path == policy.scratch_dir || path == policy.container_dir ? NodeKind::Directory
                                                                           : NodeKind::Missing;
    return node;
  }
};

AccessJudge::AccessJudge(std::unique_ptr<Facts> facts) : facts_(std::move(facts)) {}
AccessJudge::AccessJudge(AccessJudge&&) noexcept = default;
AccessJudge& AccessJudge::operator=(AccessJudge&&) noexcept = default;
AccessJudge::~AccessJudge() = default;

Result<AccessJudge> AccessJudge::make(const specs::Service& service, const RunOptions& options,
                                      const AccessSetting& given) {
  const auto setting = with_absolute_data_dir(given);
  if (messages::on_actor_thread())
    return fail(ErrorKind::Unsupported, "a blocking call on a thread of the actor system",
                "call it on a thread of your own");
  auto facts = std::make_unique<Facts>();
  facts->service = service;
  facts->options = options;
  facts->setting = setting;
  auto context = context_of(service, options);
  const auto name = setting.container ? setting.container->str() : "example-1";
  if (!setting.data_dir.empty()) context.container_dir = setting.data_dir + "/containers/" + name;
  if (setting.port) context.own_port = setting.port;
  facts->is_there = setting.container.has_value();
  if (!context.host_image) {
    const auto image = find_image(service.image.name, setting.data_dir);
    if (!image) return fail(image.error());
    context.native_image = image->native;
    context.own_libraries = image->own_libraries;
    facts->image_rootfs = image->rootfs;
  }
  auto command = command_of(service, options);
  const auto& host = platform::host_facts();
  if (auto set = set_user(service, options, host, setting.uid, command); !set)
    return fail(set.error());
  if (setting.port) command.own_port = setting.port;
  if (setting.level) {
    facts->level = *setting.level;
  } else {
    const auto chosen = level_of(options, setting.isolation);
    if (!chosen) return fail(chosen.error());
    facts->level = chosen->level;
  }
  if (auto drawn = facts->draw(context, command); !drawn) return fail(drawn.error());
  return AccessJudge{std::move(facts)};
}

Result<AccessJudge> AccessJudge::of_container(const ContainerId& id, const AccessSetting& given) {
  const auto setting = with_absolute_data_dir(given);
  if (auto sound = check(id); !sound) return fail(sound.error());
  const auto state = setting.data_dir + "/state/" + id.str();
  const platform::Fd dir{::open(state.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!dir)
    return fail(ErrorKind::NotFound, "there is no container " + id.str(),
                "see them all: ringfort ps -a");
  const auto text = platform::read_record(dir.get());
  if (!text) return fail(text.error());
  const auto record = specs::parse_container_record(*text);
  if (!record) return fail(record.error());
  auto facts = std::make_unique<Facts>();
  facts->service = record->service;
  facts->options = record->options;
  facts->setting = setting;
  facts->level = record->level;
  facts->is_there = true;
  facts->setting.is_spec = !record->options.origin.empty();  // `up` writes its file there
  auto context = context_of(record->service, record->options);
  context.container_dir = setting.data_dir + "/containers/" + id.str();
  context.own_port = record->port;
  context.native_image = record->native_image;
  context.own_libraries = record->own_libraries;
  if (record->overlay)
    context.image_dir = setting.data_dir + "/images/" +
                        image_directory_name(record->service.image.name).value_or("") + "/rootfs";
  auto command = command_of(record->service, record->options);
  command.own_port = record->port;
  const auto& host = platform::host_facts();
  if (auto set = set_user(record->service, record->options, host, record->uid, command); !set)
    return fail(set.error());
  if (auto drawn = facts->draw(context, command); !drawn) return fail(drawn.error());
  return AccessJudge{std::move(facts)};
}

Result<AccessAnswer> AccessJudge::ask(std::string_view operation, std::string_view target,
                                      Looking looking) const {
  const auto kind = platform::parse_operation(operation);
  if (!kind)
    return fail(ErrorKind::InvalidSpec, "\"" + printable(operation) + "\" is no operation",
                "write read, write, exec, connect or bind");
  const auto question = platform::parse_question(*kind, target, facts_->setting.directory);
  if (!question) return fail(question.error());
  const auto& facts = *facts_;
  const platform::VerdictContext context{
      facts.policy,
      facts.plan,
      platform::host_facts(),
      facts.service,
      facts.options,
      facts.setting.is_spec,
      facts.setting.names_network,
      looking == Looking::Text ? platform::Look{platform::look_at_nothing}
                               : [&facts](const std::string& path) { return facts.look(path); },
      facts.groups,
      facts.first_free_port};
  return answer_of(platform::judge(*question, context), facts.level);
}

std::vector<AccessAnswer> AccessJudge::denials_in(const std::vector<std::string>& lines) const {
  constexpr std::size_t kMost = 8;
  std::vector<AccessAnswer> denials;
  const auto& cwd = facts_->plan.cwd;
  for (const auto& attempt : platform::attempts_in(lines)) {
    const bool is_relative = platform::is_path(attempt) && !attempt.target.starts_with('/');
    const auto target = is_relative ? cwd + "/" + attempt.target : attempt.target;
    auto answer = ask(to_string(attempt.operation), target, Looking::Text);
    const bool may_be_write = answer && answer->allowed && !attempt.is_sure && !attempt.is_absence;
    if (may_be_write) answer = ask("write", target, Looking::Text);
    if (!answer || answer->allowed) continue;
    // That a file is absent is explained by nothing but a mount that does not show it.
    if (attempt.is_absence && answer->held_by != "mounts") continue;
    if (attempt.creates && answer->flags.size() == 2) {
      const auto cut = answer->flags[1].rfind('/');
      answer->flags[1] = cut == 0 ? "/" : answer->flags[1].substr(0, cut);
    }
    const auto is_same = [&](const AccessAnswer& one) {
      return one.operation == answer->operation && one.target == answer->target;
    };
    if (std::ranges::none_of(denials, is_same)) denials.push_back(*std::move(answer));
    if (denials.size() == kMost) break;
  }
  return denials;
}

}  // namespace ringfort
