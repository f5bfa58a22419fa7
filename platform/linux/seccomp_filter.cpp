#include "ringfort/platform/seccomp_filter.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <map>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

namespace ringfort::platform {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArch = AUDIT_ARCH_X86_64;
constexpr std::uint32_t kFirstForeign = 0x40000000;  // x32 calls carry this bit
#elif defined(__aarch64__)
constexpr std::uint32_t kArch = AUDIT_ARCH_AARCH64;
constexpr std::uint32_t kFirstForeign = 0xffffffff;
#else
#error "ringfort knows the system calls of x86_64 and aarch64"
#endif

/// What a call number leads to. The order is the order of the blocks in the program.
enum class Verdict { Allow, Eperm, Enosys, Socket, Socketpair, Flags2, Flags3, Clone, Ioctl };

struct Rule {
  long number;
  Verdict verdict;
};

/// Calls that are not simply allowed. Numbers come from the kernel's headers.
constexpr Rule kRules[] = {
    {SYS_socket, Verdict::Socket},
    {SYS_socketpair, Verdict::Socketpair},
    // MSG_FASTOPEN connects without the hook that Landlock sees (its issue 41).
    {SYS_sendto, Verdict::Flags3},
    {SYS_sendmmsg, Verdict::Flags3},
    {SYS_sendmsg, Verdict::Flags2},
    {SYS_clone, Verdict::Clone},
    {SYS_ioctl, Verdict::Ioctl},
    // clone3 keeps its flags in memory, where no filter sees them; libc falls back to clone.
    {SYS_clone3, Verdict::Enosys},
    {SYS_io_uring_setup, Verdict::Enosys},
    {SYS_io_uring_enter, Verdict::Enosys},
    {SYS_io_uring_register, Verdict::Enosys},
    {SYS_unshare, Verdict::Eperm},
    {SYS_setns, Verdict::Eperm},
    {SYS_mount, Verdict::Eperm},
    {SYS_umount2, Verdict::Eperm},
    {SYS_pivot_root, Verdict::Eperm},
    {SYS_chroot, Verdict::Eperm},
    {SYS_open_tree, Verdict::Eperm},
    {SYS_move_mount, Verdict::Eperm},
    {SYS_fsopen, Verdict::Eperm},
    {SYS_fsconfig, Verdict::Eperm},
    {SYS_fsmount, Verdict::Eperm},
    {SYS_fspick, Verdict::Eperm},
    {SYS_mount_setattr, Verdict::Eperm},
    {SYS_open_by_handle_at, Verdict::Eperm},
    {SYS_ptrace, Verdict::Eperm},
    {SYS_process_vm_readv, Verdict::Eperm},
    {SYS_process_vm_writev, Verdict::Eperm},
    {SYS_kcmp, Verdict::Eperm},
    {SYS_pidfd_getfd, Verdict::Eperm},
    {SYS_add_key, Verdict::Eperm},
    {SYS_request_key, Verdict::Eperm},
    {SYS_keyctl, Verdict::Eperm},
    {SYS_bpf, Verdict::Eperm},
    {SYS_perf_event_open, Verdict::Eperm},
    {SYS_userfaultfd, Verdict::Eperm},
};

constexpr std::uint32_t kNamespaceFlags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC |
                                          CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET |
                                          CLONE_NEWCGROUP;
constexpr std::uint32_t kTiocsti = 0x5412;
constexpr std::uint32_t kTioclinux = 0x541c;

/// An instruction whose jumps name blocks instead of distances.
struct Draft {
  std::uint16_t code;
  std::uint32_t k = 0;
  int if_true = -1;   ///< label, -1 = next
  int if_false = -1;  ///< label, -1 = next
  int label = -1;     ///< this instruction's own
};

class Assembler {
 public:
  int new_label() { return labels_++; }
  void place(int label) { pending_.push_back(label); }

  void load(std::uint32_t offset) { add({BPF_LD | BPF_W | BPF_ABS, offset}); }
  void mask(std::uint32_t bits) { add({BPF_ALU | BPF_AND | BPF_K, bits}); }
  void give(std::uint32_t value) { add({BPF_RET | BPF_K, value}); }
  void equal(std::uint32_t value, int if_true, int if_false = -1) {
    add({BPF_JMP | BPF_JEQ | BPF_K, value, if_true, if_false});
  }
  void at_least(std::uint32_t value, int if_true, int if_false = -1) {
    add({BPF_JMP | BPF_JGE | BPF_K, value, if_true, if_false});
  }
  void any_bit(std::uint32_t bits, int if_true, int if_false = -1) {
    add({BPF_JMP | BPF_JSET | BPF_K, bits, if_true, if_false});
  }

  std::vector<BpfInstruction> finish() const {
    std::vector<BpfInstruction> program;
    for (std::size_t at = 0; at < drafts_.size(); ++at) {
      const Draft& draft = drafts_[at];
      program.push_back(
          {draft.code, distance(at, draft.if_true), distance(at, draft.if_false), draft.k});
    }
    return program;
  }

 private:
  void add(Draft draft) {
    for (const int label : pending_) places_[label] = drafts_.size();
    pending_.clear();
    drafts_.push_back(draft);
  }
  std::uint8_t distance(std::size_t from, int label) const {
    if (label < 0) return 0;
    return static_cast<std::uint8_t>(places_.at(label) - from - 1);
  }

  int labels_ = 0;
  std::vector<int> pending_;
  std::map<int, std::size_t> places_;
  std::vector<Draft> drafts_;
};

/// From `first` on (until the next segment) every number leads to `verdict`.
struct Segment {
  std::uint32_t first;
  Verdict verdict;
};

std::vector<Segment> segments() {
  std::map<std::uint32_t, Verdict> special;
  for (const Rule& rule : kRules) special[static_cast<std::uint32_t>(rule.number)] = rule.verdict;
  std::vector<Segment> result{{0, Verdict::Allow}};
  const auto go_on = [&result](std::uint32_t from, Verdict verdict) {
    if (result.back().first == from) {
      result.back().verdict = verdict;
      if (result.size() > 1 && result[result.size() - 2].verdict == verdict) result.pop_back();
    } else if (result.back().verdict != verdict) {
      result.push_back({from, verdict});
    }
  };
  for (const auto& [number, verdict] : special) {
    go_on(number, verdict);
    go_on(number + 1, Verdict::Allow);
  }
  go_on(kFirstForeign, Verdict::Enosys);
  return result;
}

using Blocks = std::map<Verdict, int>;

/// Binary search: a handful of compares for any number.
void search(Assembler& code, std::span<const Segment> part, const Blocks& blocks) {
  if (part.size() == 2)
    return code.at_least(part[1].first, blocks.at(part[1].verdict), blocks.at(part[0].verdict));
  const std::size_t middle = part.size() / 2;
  const auto low = part.first(middle);
  const auto high = part.subspan(middle);
  const int high_label = high.size() == 1 ? blocks.at(high[0].verdict) : code.new_label();
  if (low.size() == 1) {
    code.at_least(high[0].first, high_label, blocks.at(low[0].verdict));
  } else {
    code.at_least(high[0].first, high_label);
    search(code, low, blocks);
  }
  if (high.size() > 1) {
    code.place(high_label);
    search(code, high, blocks);
  }
}

constexpr std::uint32_t argument(int index) {
  return offsetof(seccomp_data, args) + sizeof(std::uint64_t) * static_cast<std::size_t>(index);
}

/// Families first; at `local` only TCP streams of the two internet families.
void socket_block(Assembler& code, NetMode net, int allow, int deny_family, int deny_protocol) {
  code.load(argument(0));
  if (net == NetMode::None) return code.equal(AF_UNIX, allow, deny_family);
  const int internet = code.new_label();
  code.equal(AF_UNIX, allow);
  code.equal(AF_INET, internet);
  code.equal(AF_INET6, internet, deny_family);
  code.place(internet);
  code.load(argument(1));
  code.mask(0xf);  // the rest are SOCK_CLOEXEC and SOCK_NONBLOCK
  const int stream = code.new_label();
  code.equal(SOCK_STREAM, stream, deny_protocol);
  code.place(stream);
  code.load(argument(2));
  code.equal(0, allow);
  code.equal(IPPROTO_TCP, allow, deny_protocol);  // MPTCP would pass Landlock by (its issue 54)
}

}  // namespace

std::vector<BpfInstruction> seccomp_filter(NetMode net) {
  Assembler code;
  Blocks blocks;
  for (const Verdict verdict :
       {Verdict::Allow, Verdict::Eperm, Verdict::Enosys, Verdict::Socket, Verdict::Socketpair,
        Verdict::Flags2, Verdict::Flags3, Verdict::Clone, Verdict::Ioctl})
    blocks[verdict] = code.new_label();
  const int allow = blocks[Verdict::Allow];
  const int eperm = blocks[Verdict::Eperm];
  const int no_family = code.new_label();
  const int no_protocol = code.new_label();
  const int fast_open = code.new_label();
  if (net == NetMode::Full)  // no rule about the network at all
    for (const Verdict verdict :
         {Verdict::Socket, Verdict::Socketpair, Verdict::Flags2, Verdict::Flags3})
      blocks[verdict] = allow;

  const int native = code.new_label();
  code.load(offsetof(seccomp_data, arch));
  code.equal(kArch, native);
  code.give(SECCOMP_RET_KILL_PROCESS);
  code.place(native);
  code.load(offsetof(seccomp_data, nr));
  search(code, segments(), blocks);

  if (net != NetMode::Full) {
    code.place(blocks[Verdict::Socket]);
    socket_block(code, net, allow, no_family, no_protocol);
    code.place(blocks[Verdict::Socketpair]);
    code.load(argument(0));
    code.equal(AF_UNIX, allow, no_family);
    code.place(blocks[Verdict::Flags2]);
    code.load(argument(2));
    code.any_bit(MSG_FASTOPEN, fast_open, allow);
    code.place(blocks[Verdict::Flags3]);
    code.load(argument(3));
    code.place(fast_open);
    code.any_bit(MSG_FASTOPEN, eperm, allow);
  }
  code.place(blocks[Verdict::Clone]);
  code.load(argument(0));
  code.any_bit(kNamespaceFlags, eperm, allow);
  code.place(blocks[Verdict::Ioctl]);
  code.load(argument(1));  // the kernel looks at 32 bits of the request, so does this
  code.equal(kTiocsti, eperm);
  code.equal(kTioclinux, eperm, allow);

  code.place(allow);
  code.give(SECCOMP_RET_ALLOW);
  code.place(eperm);
  code.give(SECCOMP_RET_ERRNO | EPERM);
  code.place(blocks[Verdict::Enosys]);
  code.give(SECCOMP_RET_ERRNO | ENOSYS);
  if (net != NetMode::Full) {
    code.place(no_family);
    code.give(SECCOMP_RET_ERRNO | EAFNOSUPPORT);
    code.place(no_protocol);
    code.give(SECCOMP_RET_ERRNO | EPROTONOSUPPORT);
  }
  return code.finish();
}

std::uint32_t evaluate(std::span<const BpfInstruction> filter, std::uint32_t arch,
                       std::uint32_t number, std::span<const std::uint64_t> arguments) {
  seccomp_data data{};
  data.nr = static_cast<int>(number);
  data.arch = arch;
  std::copy_n(arguments.begin(), std::min<std::size_t>(arguments.size(), 6), data.args);
  const auto* bytes = reinterpret_cast<const std::byte*>(&data);
  std::uint32_t accumulator = 0;
  for (std::size_t at = 0; at < filter.size(); ++at) {
    const BpfInstruction& step = filter[at];
    bool taken = false;
    switch (step.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        std::copy_n(bytes + step.k, 4, reinterpret_cast<std::byte*>(&accumulator));
        continue;
      case BPF_ALU | BPF_AND | BPF_K:
        accumulator &= step.k;
        continue;
      case BPF_RET | BPF_K:
        return step.k;
      case BPF_JMP | BPF_JEQ | BPF_K:
        taken = accumulator == step.k;
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        taken = accumulator >= step.k;
        break;
      case BPF_JMP | BPF_JSET | BPF_K:
        taken = (accumulator & step.k) != 0;
        break;
      default:
        return SECCOMP_RET_KILL_PROCESS;
    }
    at += taken ? step.jump_true : step.jump_false;
  }
  return SECCOMP_RET_KILL_PROCESS;
}

}  // namespace ringfort::platform
