#include "ringfort/platform/seccomp_filter.hpp"

#include "ringfort/platform/linux/bpf_assembler.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <span>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace ringfort::platform {
namespace {

using Label = BpfAssembler::Label;

constexpr std::uint32_t kNewTime = 0x80;  // CLONE_NEWTIME, for unshare only. Linux 5.6
constexpr std::uint32_t kNamespaceFlags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC |
                                          CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET |
                                          CLONE_NEWCGROUP;
constexpr std::uint32_t kFastOpen = 0x20000000;                  // MSG_FASTOPEN
constexpr std::uint32_t kTerminal[] = {0x5412, 0x541c, 0x5423};  // TIOCSTI, TIOCLINUX, TIOCSETD
constexpr std::uint32_t kPersonalities[] = {0, 0xffffffff};      // the default, and the query
constexpr std::uint32_t kMorePersonalities[] = {0x8, 0x40000, 0x40008};
constexpr std::uint32_t kUserPriorities = 2;  // PRIO_USER
constexpr std::uint32_t kUserIo = 3;          // IOPRIO_WHO_USER

/// Requests of `ioctl-few`, from and to.
constexpr std::pair<std::uint32_t, std::uint32_t> kPlainRequests[] = {
    {0x5401, 0x5411},          // TCGETS … TIOCOUTQ: modes, process groups
    {0x5413, 0x5413},          // TIOCGWINSZ
    {0x541b, 0x541b},          // FIONREAD
    {0x5421, 0x5421},          // FIONBIO
    {0x5429, 0x5429},          // TIOCGSID
    {0x5450, 0x5452},          // FIONCLEX, FIOCLEX, FIOASYNC
    {0x40049409, 0x40049409},  // FICLONE
    {0x402c542b, 0x402c542d},  // TCSETS2 and its kin
    {0x802c542a, 0x802c542a},  // TCGETS2
};

std::uint32_t arch_of(Machine machine) {
  return machine == Machine::X86_64 ? AUDIT_ARCH_X86_64 : AUDIT_ARCH_AARCH64;
}

/// The rule as it stands at this level and network: what needs no look at arguments becomes plain.
CallRule settled(CallRule rule, const FilterChoice& choice) {
  const bool is_apart = choice.level != Level::Landlock;
  const bool is_open = choice.net == NetMode::Full;
  switch (rule) {
    case CallRule::OwnIpc:
    case CallRule::OwnPids:
      return is_apart ? CallRule::Allow : CallRule::Eperm;
    case CallRule::Self:
    case CallRule::SelfPriority:
    case CallRule::SelfIo:
      return is_apart ? CallRule::Allow : rule;
    case CallRule::Socket:
    case CallRule::Socketpair:
    case CallRule::FlagsIn2:
    case CallRule::FlagsIn3:
      return is_open ? CallRule::Allow : rule;
    default:
      return rule;
  }
}

/// From `first` on, up to the next one, every number has this rule.
struct Segment {
  std::uint32_t first = 0;
  std::uint32_t size = 0;
  CallRule rule = CallRule::Enosys;
  std::uint32_t weight = 1;
};

std::vector<Segment> segments(const FilterChoice& choice) {
  constexpr std::uint32_t kHot = 16;
  std::array<CallRule, kSyscallNumbers> rules;
  std::array<std::uint32_t, kSyscallNumbers> weights{};
  rules.fill(CallRule::Enosys);
  for (const auto& row : syscall_table()) {
    if (row.number(choice.machine) < 0) continue;
    const auto number = static_cast<std::size_t>(row.number(choice.machine));
    rules[number] = settled(row.rule(choice.profile), choice);
    weights[number] = row.is_hot ? kHot : 0;
  }
  std::vector<Segment> result;
  result.reserve(kSyscallNumbers / 4);
  for (std::uint32_t number = 0; number < kSyscallNumbers; ++number) {
    if (result.empty() || result.back().rule != rules[number])
      result.push_back({number, 0, rules[number], 1});
    ++result.back().size;
    result.back().weight += weights[number];
  }
  if (result.back().rule != CallRule::Enosys)
    result.push_back({kSyscallNumbers, 0, CallRule::Enosys, 1});
  result.back().size = 0 - result.back().first;  // to the end of all numbers
  return result;
}

class Compiler {
 public:
  explicit Compiler(const FilterChoice& choice) : choice_(choice) { blocks_.fill(kNone); }

  std::vector<BpfInstruction> compile() {
    const Label native = code_.new_label();
    code_.load(offsetof(seccomp_data, arch));
    code_.equal(arch_of(choice_.machine), native);
    code_.give(SECCOMP_RET_KILL_PROCESS);
    code_.place(native);
    code_.load(offsetof(seccomp_data, nr));
    const auto all = segments(choice_);
    search(all);
    socket_block();
    flag_blocks();
    ioctl_blocks();
    personality_block();
    process_blocks();
    // Last, as everything above may lead there.
    give(CallRule::Allow, SECCOMP_RET_ALLOW);
    give(CallRule::Eperm, SECCOMP_RET_ERRNO | EPERM);
    give(CallRule::Enosys, SECCOMP_RET_ERRNO | ENOSYS);
    return code_.finish();
  }

 private:
  static constexpr Label kNone = -2;
  static constexpr std::size_t kRules = static_cast<std::size_t>(CallRule::SelfIo) + 1;

  /// Where a call with this rule goes on. Only what is asked for is made.
  Label block(CallRule rule) {
    Label& label = blocks_[static_cast<std::size_t>(rule)];
    if (label == kNone) label = code_.new_label();
    return label;
  }
  bool begins(CallRule rule) {
    const Label label = blocks_[static_cast<std::size_t>(rule)];
    if (label != kNone) code_.place(label);
    return label != kNone;
  }
  void give(CallRule rule, std::uint32_t verdict) {
    if (begins(rule)) code_.give(verdict);
  }
  void load_argument(std::size_t index) {  // its low half: all that is asked about has 32 bits
    code_.load(static_cast<std::uint32_t>(offsetof(seccomp_data, args) + 8 * index));
  }
  Label allow() { return block(CallRule::Allow); }
  Label eperm() { return block(CallRule::Eperm); }

  void search(std::span<const Segment> part);
  bool list(std::span<const Segment> part);
  void socket_block();
  void flag_blocks();
  void ioctl_blocks();
  void personality_block();
  void process_blocks();

  FilterChoice choice_;
  BpfAssembler code_;
  std::array<Label, kRules> blocks_;
};

/// Up to three single numbers within one rule are asked for one by one: half the instructions of
/// a search. False when `part` does not look like that.
bool Compiler::list(std::span<const Segment> part) {
  const auto widest = std::ranges::max_element(part, {}, &Segment::size);
  const auto is_single = [&](const Segment& segment) {
    return segment.rule != widest->rule && segment.size == 1;
  };
  const auto singles = std::ranges::count_if(part, is_single);
  const auto others = std::ranges::count(part, widest->rule, &Segment::rule);
  if (singles == 0 || singles > 3 || static_cast<std::size_t>(singles + others) != part.size())
    return false;
  auto left = singles;
  for (const auto& segment : part) {
    if (!is_single(segment)) continue;
    code_.equal(segment.first, block(segment.rule),
                --left == 0 ? block(widest->rule) : BpfAssembler::kNext);
  }
  return true;
}

/// A binary search whose halves weigh the same, so that hot calls are found early.
void Compiler::search(std::span<const Segment> part) {
  if (list(part)) return;
  std::uint32_t whole = 0;
  for (const auto& segment : part) whole += segment.weight;
  std::size_t middle = 1;
  for (auto below = part[0].weight; middle + 1 < part.size(); ++middle) {
    if (2 * below + part[middle].weight > whole) break;  // nearer to half without it
    below += part[middle].weight;
  }
  const auto low = part.first(middle);
  const auto high = part.subspan(middle);
  const Label high_label = high.size() == 1 ? block(high[0].rule) : code_.new_label();
  code_.at_least(high[0].first, high_label,
                 low.size() == 1 ? block(low[0].rule) : BpfAssembler::kNext);
  if (low.size() > 1) search(low);
  if (high.size() > 1) {
    code_.place(high_label);
    search(high);
  }
}

/// Families first; at `local` only TCP streams of the two internet families.
void Compiler::socket_block() {
  const Label no_family = code_.new_label();
  const Label no_protocol = code_.new_label();
  const bool is_pair = begins(CallRule::Socketpair);
  if (is_pair) {
    load_argument(0);
    code_.equal(AF_UNIX, allow(), no_family);
  }
  const bool is_local = choice_.net == NetMode::Local;
  const bool is_socket = begins(CallRule::Socket);
  if (is_socket) {
    load_argument(0);
    code_.equal(AF_UNIX, allow(), is_local ? BpfAssembler::kNext : no_family);
  }
  if (is_socket && is_local) {
    const Label internet = code_.new_label();
    code_.equal(AF_INET, internet);
    code_.equal(AF_INET6, internet, no_family);
    code_.place(internet);
    load_argument(1);
    code_.mask(0xf);  // the rest are SOCK_CLOEXEC and SOCK_NONBLOCK
    code_.equal(SOCK_STREAM, BpfAssembler::kNext, no_protocol);
    load_argument(2);
    code_.equal(0, allow());
    code_.equal(IPPROTO_TCP, allow());  // MPTCP would pass Landlock by (its issue 54)
    code_.place(no_protocol);
    code_.give(SECCOMP_RET_ERRNO | EPROTONOSUPPORT);
  }
  if (!is_pair && !is_socket) return;
  code_.place(no_family);
  code_.give(SECCOMP_RET_ERRNO | EAFNOSUPPORT);
}

/// Bits that must not be set in one argument.
void Compiler::flag_blocks() {
  const auto without = [this](CallRule rule, std::size_t argument, std::uint32_t bits) {
    if (!begins(rule)) return;
    load_argument(argument);
    code_.any_bit(bits, eperm(), allow());
  };
  // MSG_FASTOPEN connects without the hook that Landlock sees (its issue 41).
  without(CallRule::FlagsIn2, 2, kFastOpen);
  without(CallRule::FlagsIn3, 3, kFastOpen);
  // In clone the low byte is the signal, so it knows no CLONE_NEWTIME.
  without(CallRule::Clone, 0, kNamespaceFlags);
  without(CallRule::Unshare, 0, kNamespaceFlags | kNewTime);
}

void Compiler::ioctl_blocks() {
  if (begins(CallRule::Ioctl)) {
    load_argument(1);
    for (const auto request : kTerminal)
      code_.equal(request, eperm(), request == kTerminal[2] ? allow() : BpfAssembler::kNext);
  }
  if (!begins(CallRule::IoctlFew)) return;
  load_argument(1);
  const Label refused = code_.new_label();
  for (const auto& [from, to] : kPlainRequests) {  // ascending, so what is below one is refused
    const Label above = code_.new_label();
    if (from == to) {
      code_.equal(from, allow());
    } else {
      code_.at_least(from, BpfAssembler::kNext, refused);
      code_.at_least(to + 1, above, allow());
    }
    code_.place(above);
  }
  code_.place(refused);
  code_.give(SECCOMP_RET_ERRNO | ENOTTY);
}

void Compiler::personality_block() {
  const bool has_more = begins(CallRule::PersonalityMore);
  if (has_more) {
    load_argument(0);
    for (const auto one : kMorePersonalities) code_.equal(one, allow());
  }
  const bool has_few = begins(CallRule::Personality);
  if (has_few) load_argument(0);
  if (!has_more && !has_few) return;
  code_.equal(kPersonalities[0], allow());
  code_.equal(kPersonalities[1], allow(), eperm());
}

/// What acts on the process with a given pid: 0 is the caller.
void Compiler::process_blocks() {
  const Label no_limit_below = code_.new_label();
  if (begins(CallRule::Prlimit)) {
    load_argument(0);
    code_.equal(0, allow());
    load_argument(2);  // without new limits it only reads
    code_.equal(0, no_limit_below, eperm());
    code_.place(no_limit_below);
    code_.load(static_cast<std::uint32_t>(offsetof(seccomp_data, args) + 8 * 2 + 4));
    code_.equal(0, allow(), eperm());
  }
  const Label id = code_.new_label();
  const bool is_priority = begins(CallRule::SelfPriority);
  if (is_priority) {
    load_argument(0);
    code_.equal(kUserPriorities, eperm(), id);
  }
  const bool is_io = begins(CallRule::SelfIo);
  if (is_io) {
    load_argument(0);
    code_.equal(kUserIo, eperm(), id);
  }
  if (is_priority || is_io) {
    code_.place(id);
    load_argument(1);
    code_.equal(0, allow(), eperm());
  }
  if (begins(CallRule::Self)) {
    load_argument(0);
    code_.equal(0, allow(), eperm());
  }
}

}  // namespace

std::vector<BpfInstruction> seccomp_filter(const FilterChoice& choice) {
  return Compiler{choice}.compile();
}

std::size_t longest_path(const std::vector<BpfInstruction>& filter) {
  std::vector<std::size_t> from(filter.size(), 1);
  for (std::size_t at = filter.size(); at-- > 0;) {
    const auto& step = filter[at];
    if (BPF_CLASS(step.code) == BPF_RET) continue;
    if (BPF_CLASS(step.code) != BPF_JMP) {
      from[at] += from[at + 1];
    } else {
      from[at] += std::max(from[at + 1 + step.jump_true], from[at + 1 + step.jump_false]);
    }
  }
  return from.empty() ? 0 : from.front();
}

}  // namespace ringfort::platform
