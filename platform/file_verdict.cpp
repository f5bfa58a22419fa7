// Paths: what Landlock's rules, the mounts and the modes of files say.
#include "ringfort/platform/plan_parts.hpp"
#include "ringfort/platform/rule_names.hpp"
#include "ringfort/platform/verdict.hpp"
#include "ringfort/specs/names.hpp"

#include <algorithm>
#include <utility>

namespace ringfort::platform {
namespace {

constexpr std::size_t kShown = 4096;
constexpr std::uint32_t kModeRead = 4;
constexpr std::uint32_t kModeWrite = 2;
constexpr std::uint32_t kModeExec = 1;

/// What one rule of the plan gives, by the path under which the program meets it.
struct FileRule {
  std::string path;
  std::uint64_t access = 0;
  const FileRulePlan* plan = nullptr;
};

std::string parent_of(const std::string& path) {
  const auto cut = path.rfind('/');
  return cut == 0 || cut == std::string::npos ? "/" : path.substr(0, cut);
}

std::string data_dir_of(const Policy& policy) { return parent_of(parent_of(policy.container_dir)); }

std::uint64_t right_for(const Question& question, NodeKind kind) {
  switch (question.operation) {
    case Operation::Read:
      return kind == NodeKind::Directory ? kFsReadDir : kFsReadFile;
    case Operation::Exec:
      return kFsExecute;
    case Operation::Bind:
      return kFsMakeSock;
    default:  // in a directory the first thing to write is a new file
      return kind == NodeKind::Missing || kind == NodeKind::Directory ? kFsMakeReg : kFsWriteFile;
  }
}

std::string gives(bool reads, bool writes, bool runs) {
  std::string text;
  const auto add = [&text](bool is_given, std::string_view word) {
    if (is_given) text += (text.empty() ? "" : ", ") + std::string(word);
  };
  add(reads, "read");
  add(writes, "write");
  add(runs, "exec");
  return text.empty() ? "nothing" : text;
}

std::string gives(std::uint64_t access) {
  return gives((access & kFsReadFile) != 0, (access & kFsWriteFile) != 0,
               (access & kFsExecute) != 0);
}

class FileJudge {
 public:
  FileJudge(const Question& question, const VerdictContext& context)
      : context_(context),
        view_(context.plan, context.look, context.groups, context.host.system_links) {
    verdict_.question = question;
  }

  Verdict judge() {
    if (!find()) return std::move(verdict_);
    verdict_.path = found_.path;
    const bool shown = context_.plan.level == Level::Landlock || passes_mounts();
    if (shown && passes_landlock() && passes_mode()) allow();
    const bool is_ours = verdict_.held_by == Holder::Landlock || verdict_.held_by == Holder::Mounts;
    if (!verdict_.allowed && is_ours) add_remedy();
    add_notes();
    return std::move(verdict_);
  }

 private:
  bool is(Operation operation) const { return verdict_.question.operation == operation; }
  bool changes() const { return is(Operation::Write) || is(Operation::Bind); }

  /// False where the question is answered with that already.
  bool find() {
    const auto& path = verdict_.question.path;
    if (path.find('/') != std::string::npos) {
      found_ = view_.find(path);
      return true;
    }
    for (const auto& directory : search_path()) {
      found_ = view_.find(directory + "/" + path);
      if (found_.is_visible && found_.node.kind != NodeKind::Missing) return true;
    }
    deny(Holder::Kernel, "no directory of its PATH has a program of that name");
    verdict_.remedy = "ask with the whole path";
    return false;
  }

  std::vector<std::string> search_path() const {
    std::vector<std::string> result;
    for (const auto& entry : context_.plan.env) {
      if (!entry.starts_with("PATH=")) continue;
      for (std::size_t begin = 5; begin <= entry.size();) {
        const auto end = std::min(entry.find(':', begin), entry.size());
        if (end > begin) result.push_back(entry.substr(begin, end - begin));
        begin = end + 1;
      }
    }
    return result;
  }

  void deny(Holder holder, std::string because) {
    verdict_.held_by = holder;
    verdict_.because = std::move(because);
  }

  void allow() {
    verdict_.allowed = true;
    if (verdict_.because.empty() && verdict_.rule)
      verdict_.because = verdict_.rule->text + " gives " + verdict_.rule->gives;
  }

  /// Of a mount, or of the root where there is none.
  RuleName name_of_mount(const MountPlan* mount) const {
    const auto& plan = context_.plan;
    std::string path = "/";
    bool writes = (plan.flags & wire::kRootReadOnly) == 0;
    bool runs = true;
    if (mount == nullptr && !context_.policy.rootfs_dir.empty()) path = context_.policy.rootfs_dir;
    if (mount != nullptr) {
      path = mount->kind == wire::MountKind::Bind ? mount->source : mount->target;
      writes = (mount->flags & wire::kReadOnly) == 0;
      runs = (mount->flags & wire::kNoExec) == 0 && mount->kind != wire::MountKind::Proc;
    }
    auto name = name_of_path(path, context_);
    if (const auto* volume = volume_of(mount)) name = name_of_volume(*volume, context_);
    name.gives = gives(true, writes, runs);
    return name;
  }

  /// Null for a mount that is none.
  const VolumeRule* volume_of(const MountPlan* mount) const {
    if (mount == nullptr || (mount->flags & wire::kVolume) == 0) return nullptr;
    const auto& volumes = context_.policy.volumes;
    const auto found = std::ranges::find(volumes, mount->target, &VolumeRule::target);
    return found == volumes.end() ? nullptr : &*found;
  }

  bool is_asked_for(const std::string& path) const {
    return std::ranges::find(context_.policy.paths, path, &PathRule::path) !=
           context_.policy.paths.end();
  }

  /// The mount that shares most of the way; of several, one that somebody asked for.
  void miss_nearest_mount() {
    const MountPlan* best = nullptr;
    std::size_t most = 0;
    for (const auto& mount : context_.plan.mounts) {
      if (mount.kind != wire::MountKind::Bind) continue;
      const auto parts = common_parts(mount.target, verdict_.question.path);
      const bool is_better = parts > most || (parts == most && is_asked_for(mount.source));
      if (parts > 0 && is_better) best = &mount, most = parts;
    }
    if (best != nullptr) verdict_.nearest = name_of_mount(best);
  }

  /// Somebody who names a host path means the one that he can see: is it, or for a new file the
  /// directory around it, another one inside?
  bool hides_the_hosts() const {
    const auto& asked = verdict_.question.path;
    if (found_.node.kind != NodeKind::Missing || !asked.starts_with('/')) return false;
    if (found_.shown.host_path == asked) return false;
    auto there = existing(asked);
    if (there == "/" || (!changes() && there != asked)) return false;
    if (changes() && there == asked) there = parent_of(there);
    if (context_.look(there).kind == NodeKind::Unknown) return false;
    const auto inside = view_.find(there);
    return !inside.is_visible || inside.node.kind == NodeKind::Missing;
  }

  bool passes_mounts() {
    if (!found_.is_visible) {
      miss_nearest_mount();
      deny(Holder::Mounts, "no rule covers it, so that it is not there inside");
      return false;
    }
    const auto* mount = found_.shown.mount;
    if (mount != nullptr && is_mask(*mount)) {
      deny(Holder::Mounts, "it is masked, as it tells of others");
      return false;
    }
    auto name = name_of_mount(mount);
    if (volume_of(mount) == nullptr && hides_the_hosts()) {
      miss_nearest_mount();
      deny(Holder::Mounts, "no rule covers it: " + name.text + " is in its place");
      return false;
    }
    const bool is_read_only = name.gives.find("write") == std::string::npos;
    const bool is_node = found_.node.kind == NodeKind::Device;  // is open to writing all the same
    const bool is_dead = is_node && mount != nullptr && (mount->flags & wire::kWithDevices) == 0;
    if (is_dead) {
      deny(Holder::Mounts, name.text + " shows it, but not as a device");
      verdict_.nearest = std::move(name);
      return false;
    }
    const bool lacks = (changes() && is_read_only && !is_node) ||
                       (is(Operation::Exec) && name.gives.find("exec") == std::string::npos);
    if (!lacks) {
      verdict_.rule = std::move(name);
      return true;
    }
    deny(Holder::Mounts, name.text + " gives " + name.gives + " only");
    verdict_.nearest = std::move(name);
    return false;
  }

  std::vector<FileRule> rules() const {
    std::vector<FileRule> result;
    for (const auto& rule : context_.plan.file_rules)
      result.push_back({view_.find(rule.path).path, rule.access, &rule});
    return result;
  }

  RuleName name_of(const FileRule& rule) const {
    auto name = name_of_path(rule.plan->path, context_);
    name.gives = gives(rule.access);
    return name;
  }

  /// A right is given by any rule at the path or above it. landlock(7).
  bool passes_landlock() {
    if (context_.plan.handled_fs == 0) return true;
    const auto all = rules();
    const auto needed = right_for(verdict_.question, found_.node.kind);
    const FileRule* giver = nullptr;
    const FileRule* short_of = nullptr;  // covers the path, but lacks the right
    const FileRule* near = nullptr;
    std::size_t most = 0;
    for (const auto& rule : all) {
      const bool covers = is_within(found_.path, rule.path);
      const FileRule*& best = (rule.access & needed) == needed ? giver : short_of;
      if (covers && (best == nullptr || best->path.size() <= rule.path.size())) best = &rule;
      const auto parts = common_parts(rule.path, found_.path);
      const bool is_better = parts > most || (parts == most && is_asked_for(rule.plan->path));
      if (!covers && parts > 0 && is_better) near = &rule, most = parts;
    }
    if (giver != nullptr) {
      if (context_.plan.level == Level::Landlock || !verdict_.rule) verdict_.rule = name_of(*giver);
      return true;
    }
    verdict_.rule.reset();
    if (short_of != nullptr) {
      verdict_.nearest = name_of(*short_of);
      deny(Holder::Landlock,
           verdict_.nearest->text + " gives " + verdict_.nearest->gives + " only");
      return false;
    }
    if (near != nullptr) verdict_.nearest = name_of(*near);
    deny(Holder::Landlock, "no rule covers it");
    return false;
  }

  /// As the kernel asks the mode beside the policy.
  bool passes_mode() {
    const auto refuse = [this](const std::string& path, std::string_view what) {
      verdict_.nearest = std::move(verdict_.rule);
      verdict_.rule.reset();
      deny(Holder::Mode, "the rules let it, but the mode of " + printable(path, kShown) +
                             " does not let user " + std::to_string(context_.plan.uid.value_or(0)) +
                             " " + std::string(what));
      verdict_.remedy = context_.host.root ? "name who may: --user USER; or change the mode: chmod"
                                           : "change the mode: chmod";
      return false;
    };
    if (!found_.unsearchable.empty()) return refuse(found_.unsearchable, "pass through");
    if (is(Operation::Exec) && found_.node.kind == NodeKind::Directory) {
      deny(Holder::Kernel, "a directory is no program");
      verdict_.rule.reset();
      return false;
    }
    if (is_open_to_mode()) return true;
    if (changes() && found_.node.kind == NodeKind::Missing)
      return refuse(parent_of(found_.path), "make anything there");
    return refuse(found_.path, to_string(verdict_.question.operation));
  }

  /// The host path itself, or what is there above it. Empty where not even `/` can be seen.
  std::string existing(std::string path) const {
    while (context_.look(path).kind == NodeKind::Missing && path != "/") path = parent_of(path);
    return path;
  }

  void add_remedy() {
    if (verdict_.because.ends_with("not as a device")) {
      verdict_.remedy = "no flag gives devices at this level";
      return;
    }
    if (const auto* volume = volume_of(found_.shown.mount); volume != nullptr && changes()) {
      verdict_.remedy = "the spec says readonly: leave that out";
      return;
    }
    const auto& asked =
        context_.plan.level == Level::Landlock ? found_.path : verdict_.question.path;
    const auto there = existing(asked);
    const bool is_there = there == asked;
    if (!is_there) verdict_.notes.emplace_back("the host has nothing there");
    verdict_.is_absent = !is_there;
    verdict_.has_no_place = !is_there && there != parent_of(asked);
    if (changes()) {
      const auto data_dir = data_dir_of(context_.policy);
      const bool is_ours =
          is_within(context_.policy.container_dir, there) || is_within(there, data_dir);
      if (is_ours && !is_there)
        verdict_.remedy = "make a directory for it first, then: --write DIRECTORY";
      else if (is_ours)
        verdict_.remedy = "ringfort's own files are there: no flag opens them";
      else
        offer("--write", there);
    } else if (is_there) {
      offer("--read", there);
    }
    if (changes() && !is_within(verdict_.path, "/tmp"))
      verdict_.notes.emplace_back("a program may always write to its own TMPDIR");
  }

  void offer(std::string flag, std::string path) {
    if (context_.is_spec) {
      verdict_.remedy = "bind its directory, with a storage entry of type bind; ringfort run has " +
                        flag + " " + printable(path, kShown);
      return;
    }
    verdict_.flags = {std::move(flag), std::move(path)};
    // There the modes of files count as they are; at namespaces they are shown as the caller's.
    const bool is_kept_out = context_.plan.level == Level::Landlock && context_.host.root &&
                             !context_.options.user && !is_open_to_mode();
    if (is_kept_out) verdict_.flags.insert(verdict_.flags.end(), {"--isolation", "namespaces"});
  }

  std::uint32_t mode_wanted() const {
    return is(Operation::Read) ? kModeRead : is(Operation::Exec) ? kModeExec : kModeWrite;
  }

  bool is_open_to_mode() const {
    if (!found_.unsearchable.empty()) return false;
    if (found_.node.kind != NodeKind::Missing)
      return view_.mode_allows(found_.node, found_.shown.mount, mode_wanted());
    if (!changes()) return true;
    const auto parent = view_.find(parent_of(found_.path));
    return view_.mode_allows(parent.node, parent.shown.mount, kModeWrite | kModeExec);
  }

  void add_notes() {
    const bool is_new = verdict_.allowed && found_.node.kind == NodeKind::Missing;
    if (is_new && !changes()) verdict_.notes.emplace_back("there is nothing now");
    if (is_new && changes() && found_.shown.host_path != found_.path)
      verdict_.notes.emplace_back("it would be a file of the container: the host's is another");
    if (!is_within(found_.path, "/proc")) return;
    if (context_.plan.level != Level::Landlock)
      verdict_.notes.emplace_back("below /proc the kernel's own permissions decide, too");
    else if (verdict_.allowed && is_within(found_.path, "/proc/self"))
      verdict_.notes.emplace_back("the main program's own entry only, not those of its children");
  }

  const VerdictContext& context_;
  PathView view_;
  PathView::Found found_;
  Verdict verdict_;
};

}  // namespace

Verdict judge_file(const Question& question, const VerdictContext& context) {
  return FileJudge{question, context}.judge();
}

}  // namespace ringfort::platform
