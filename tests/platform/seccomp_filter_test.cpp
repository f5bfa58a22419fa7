// The filter against its table, run without a kernel: every number and the arguments that matter.
#include "ringfort/platform/seccomp_filter.hpp"

#include "ringfort/specs/words.hpp"
#include "ringfort/support/bpf.hpp"
#include "seccomp_meaning.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include <linux/audit.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace ringfort::platform {
namespace {

using specs::SeccompProfile;

constexpr SeccompProfile kProfiles[] = {SeccompProfile::Default, SeccompProfile::Build,
                                        SeccompProfile::Strict};
std::string text(const FilterChoice& choice) {
  return std::string{specs::word(choice.profile)} + ", net " + std::string{to_string(choice.net)} +
         ", " + std::string{to_string(choice.level)} +
         (choice.machine == Machine::X86_64 ? ", x86_64" : ", aarch64");
}

std::vector<FilterChoice> all_choices() {
  std::vector<FilterChoice> all;
  for (const auto profile : kProfiles)
    for (const auto net : {NetMode::None, NetMode::Local, NetMode::Full})
      for (const auto level : {Level::Landlock, Level::Namespaces})
        for (const auto machine : {Machine::X86_64, Machine::Aarch64})
          all.push_back({net, profile, level, machine});
  return all;
}

/// A compiled filter and how to ask it.
class Filter {
 public:
  explicit Filter(const FilterChoice& choice) : choice_(choice) {
    for (const auto& step : seccomp_filter(choice))
      program_.push_back({step.code, step.jump_true, step.jump_false, step.k});
  }
  test::BpfOutcome outcome(std::uint32_t number, const Arguments& arguments = {}) const {
    return test::run_bpf(program_, {arch_of(choice_.machine), number, arguments});
  }
  std::uint32_t verdict(std::uint32_t number, const Arguments& arguments = {}) const {
    return outcome(number, arguments).verdict;
  }
  const std::vector<sock_filter>& program() const { return program_; }

 private:
  FilterChoice choice_;
  std::vector<sock_filter> program_;
};

std::map<std::uint32_t, const SyscallRow*> rows_of(Machine machine) {
  std::map<std::uint32_t, const SyscallRow*> rows;
  for (const auto& row : syscall_table())
    if (row.number(machine) >= 0) rows[static_cast<std::uint32_t>(row.number(machine))] = &row;
  return rows;
}

std::uint32_t number_of(std::string_view name, Machine machine = kThisMachine) {
  for (const auto& row : syscall_table())
    if (row.name == name) return static_cast<std::uint32_t>(row.number(machine));
  ADD_FAILURE() << "no call " << name;
  return 0;
}

/// Values about which a rule could err, each with high bits that the kernel does not look at.
std::vector<std::uint64_t> with_high_bits(std::vector<std::uint64_t> values) {
  const auto count = values.size();
  for (std::size_t i = 0; i < count; ++i) {
    values.push_back(values[i] | std::uint64_t{1} << 32);
    values.push_back(values[i] | ~std::uint64_t{0xffffffff});
  }
  return values;
}

std::vector<std::uint64_t> bits_and_pairs() {
  std::vector<std::uint64_t> values{0, 0xffffffff};
  for (int one = 0; one < 32; ++one)
    for (int other = 0; other <= one; ++other)
      values.push_back(std::uint64_t{1} << one | std::uint64_t{1} << other);
  return with_high_bits(values);
}

/// For each argument of a rule the values to try; no list = noise only.
std::array<std::vector<std::uint64_t>, 4> values_for(CallRule rule) {
  std::array<std::vector<std::uint64_t>, 4> lists;
  std::vector<std::uint64_t> around;
  const auto add_around = [&around](std::uint64_t from, std::uint64_t to) {
    for (auto value = from - 1; value <= to + 1; ++value) around.push_back(value);
  };
  switch (rule) {
    case CallRule::Socket:
    case CallRule::Socketpair:
      lists[0] = with_high_bits({0, 1, 2, 3, 9, 10, 11, 16, 17, 30, 38, 40, 44, 0xffffffff});
      lists[1] =
          with_high_bits({0, 1, 2, 3, 5, 9, 10, 0x80001, 0x80801, 0x80802, 0x11, 0xffffffff});
      lists[2] = with_high_bits({0, 1, 6, 17, 58, 132, 256, 262, 0x10006, 0xffffffff});
      break;
    case CallRule::FlagsIn2:
      lists[2] = bits_and_pairs();
      break;
    case CallRule::FlagsIn3:
      lists[3] = bits_and_pairs();
      break;
    case CallRule::Clone:
    case CallRule::Unshare:
      lists[0] = bits_and_pairs();
      break;
    case CallRule::Ioctl:
    case CallRule::IoctlFew:
      add_around(1, 0x5500);
      add_around(0x40049409, 0x40049409);
      add_around(0x402c542a, 0x402c542e);
      add_around(0x802c542a, 0x802c542d);
      around.push_back(0xffffffff);
      lists[1] = with_high_bits(around);
      break;
    case CallRule::Personality:
    case CallRule::PersonalityMore:
      add_around(1, 64);
      around.insert(around.end(), {0x20000, 0x400000, 0x40007, 0x40009, 0xfffffffe, 0xffffffff});
      for (const auto value : bits_and_pairs()) around.push_back(value);
      lists[0] = with_high_bits(around);
      break;
    case CallRule::Prlimit:
      lists[0] = with_high_bits({0, 1, 2, 4242, 0x7fffffff, 0xffffffff});
      lists[2] = with_high_bits({0, 1, 0x1000, 0x80000000});
      break;
    default:
      lists[0] = with_high_bits({0, 1, 2, 3, 4, 4242, 0x7fffffff, 0xffffffff});
      lists[1] = lists[0];
  }
  return lists;
}

/// Every combination of the values for `rule`, the other arguments noise.
template <class Use>
void each_combination(CallRule rule, Use use) {
  std::mt19937_64 noise{42};  // NOLINT: the same run each time
  auto values = values_for(rule);
  for (auto& list : values)
    if (list.empty()) list = {0, noise(), ~std::uint64_t{0}};
  Arguments arguments{};
  arguments[4] = noise();
  arguments[5] = noise();
  for (const auto a : values[0])
    for (const auto b : values[1])
      for (const auto c : values[2])
        for (const auto d : values[3]) {
          arguments[0] = a;
          arguments[1] = b;
          arguments[2] = c;
          arguments[3] = d;
          use(arguments);
        }
}

bool looks_at_arguments(CallRule rule) {
  return rule != CallRule::Allow && rule != CallRule::Eperm && rule != CallRule::Enosys;
}

TEST(SeccompFilter, SaysOfEveryNumberWhatTheTableSays) {
  const Arguments nothing{};
  Arguments everything;
  everything.fill(~std::uint64_t{0});
  for (const auto& choice : all_choices()) {
    const Filter filter{choice};
    const auto rows = rows_of(choice.machine);
    for (std::uint32_t number = 0; number < 1024; ++number) {
      const auto row = rows.find(number);
      const auto rule = row == rows.end() ? CallRule::Enosys : row->second->rule(choice.profile);
      for (const auto& arguments : {nothing, everything, Arguments{1, 2, 3, 4, 5, 6}})
        ASSERT_EQ(filter.verdict(number, arguments), meaning(rule, choice, arguments))
            << number << " with " << text(choice);
      // The x32 ABI, with and without its own numbers, and what a sign could make of a number.
      for (const std::uint32_t high : {0x40000000U, 0x80000000U, 0xc0000000U, 0x00010000U})
        ASSERT_EQ(filter.verdict(number | high, nothing), refused(ENOSYS))
            << number << text(choice);
      ASSERT_EQ(filter.verdict(0xffffffff - number, nothing), refused(ENOSYS))
          << number << text(choice);
    }
  }
}

TEST(SeccompFilter, SaysOfEveryArgumentWhatTheTableSays) {
  std::size_t tried = 0;
  for (const auto& choice : all_choices()) {
    const Filter filter{choice};
    std::set<CallRule> seen;  // the values of one rule once a filter, and every call of it once
    for (const auto& [number, row] : rows_of(choice.machine)) {
      const auto rule = row->rule(choice.profile);
      if (!looks_at_arguments(rule)) continue;
      if (!seen.insert(rule).second && choice.machine != kThisMachine) continue;
      each_combination(rule, [&, number = number](const Arguments& arguments) {
        ++tried;
        const auto found = filter.verdict(number, arguments);
        const auto wanted = meaning(rule, choice, arguments);
        if (found == wanted) return;
        ADD_FAILURE() << row->name << '(' << arguments[0] << ", " << arguments[1] << ", "
                      << arguments[2] << ", " << arguments[3] << ") with " << text(choice);
      });
      ASSERT_FALSE(testing::Test::HasFailure());
    }
  }
  EXPECT_GT(tried, 100'000U);
}

TEST(SeccompFilter, KillsForeignAbis) {
  for (const auto& choice : all_choices()) {
    const Filter filter{choice};
    for (const std::uint32_t arch : std::initializer_list<std::uint32_t>{
             AUDIT_ARCH_I386, AUDIT_ARCH_ARM, AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64,
             AUDIT_ARCH_PPC64, 0, 0xffffffff}) {
      if (arch == arch_of(choice.machine)) continue;
      for (std::uint32_t number = 0; number < 1024; ++number)
        ASSERT_EQ(test::run_bpf(filter.program(), {arch, number, {}}).verdict, kKill) << number;
    }
  }
}

TEST(SeccompFilter, ClosesTheGapsOfLandlockWhateverTheProfile) {
  for (const auto& choice : all_choices()) {
    if (choice.level != Level::Landlock) continue;
    const Filter filter{choice};
    const auto ask = [&](std::string_view name, const Arguments& arguments = {}) {
      return filter.verdict(number_of(name, choice.machine), arguments);
    };
    for (const auto* name : {"setns",
                             "mount",
                             "umount2",
                             "pivot_root",
                             "fsopen",
                             "fsconfig",
                             "fsmount",
                             "fspick",
                             "move_mount",
                             "open_tree",
                             "open_tree_attr",
                             "mount_setattr",
                             "add_key",
                             "request_key",
                             "keyctl",
                             "shmget",
                             "shmat",
                             "semget",
                             "msgget",
                             "mq_open",
                             "ptrace",
                             "process_vm_readv",
                             "process_vm_writev",
                             "pidfd_getfd",
                             "kcmp",
                             "bpf",
                             "perf_event_open",
                             "userfaultfd",
                             "open_by_handle_at",
                             "kexec_load",
                             "reboot"})
      EXPECT_EQ(ask(name), refused(EPERM)) << name << " with " << text(choice);
    for (const auto* name : {"clone3", "io_uring_setup", "io_uring_enter", "io_uring_register"})
      EXPECT_EQ(ask(name), refused(ENOSYS)) << name << " with " << text(choice);
    for (const auto* name : {"clone", "unshare"})
      EXPECT_EQ(ask(name, {CLONE_NEWUSER}), refused(EPERM)) << name;
    EXPECT_EQ(ask("clone", {CLONE_VM | CLONE_THREAD}), kAllow);
    EXPECT_EQ(ask("unshare", {CLONE_FS | CLONE_FILES}), kAllow);
    EXPECT_NE(ask("ioctl", {0, 0xdeadbeef'0000'5412}), kAllow) << "high bits don't hide it";
    EXPECT_EQ(ask("ioctl", {0, 0x5401}), kAllow);
    for (const auto* name : {"prlimit64", "sched_setaffinity", "sched_setscheduler",
                             "sched_setattr", "sched_setparam"}) {
      EXPECT_EQ(ask(name, {4242, 1, 0x1000}), refused(EPERM)) << name;
      EXPECT_EQ(ask(name, {0, 1, 0x1000}), kAllow) << name;
    }
    EXPECT_EQ(ask("setpriority", {0, 4242}), refused(EPERM));
    EXPECT_EQ(ask("setpriority", {2, 0}), refused(EPERM)) << "all processes of the user";
    EXPECT_EQ(ask("setpriority", {0, 0}), kAllow);
  }
}

TEST(SeccompFilter, AddsAndTakesByProfile) {
  const auto ask = [](SeccompProfile profile, Level level, std::string_view name,
                      const Arguments& arguments = {}) {
    return Filter{{NetMode::Full, profile, level}}.verdict(number_of(name), arguments);
  };
  using enum SeccompProfile;
  EXPECT_EQ(ask(Default, Level::Namespaces, "ptrace"), refused(EPERM));
  EXPECT_EQ(ask(Build, Level::Namespaces, "ptrace"), kAllow);
  EXPECT_EQ(ask(Build, Level::Landlock, "ptrace"), refused(EPERM));
  EXPECT_EQ(ask(Build, Level::Landlock, "personality", {0x40000}), kAllow);
  EXPECT_EQ(ask(Default, Level::Landlock, "personality", {0x40000}), refused(EPERM));
  EXPECT_EQ(ask(Default, Level::Namespaces, "shmget"), kAllow) << "its IPC namespace is its own";
  EXPECT_EQ(ask(Strict, Level::Namespaces, "shmget"), refused(EPERM));
  for (const auto* name : {"socket", "connect", "bind", "memfd_create", "inotify_init1"}) {
    EXPECT_EQ(ask(Default, Level::Landlock, name), kAllow) << name;
    EXPECT_EQ(ask(Strict, Level::Landlock, name), refused(EPERM)) << name;
  }
  for (const auto* name : {"read", "execve", "openat", "mmap", "clone", "futex", "exit_group"})
    EXPECT_EQ(ask(Strict, Level::Landlock, name), kAllow) << name;
}

TEST(SeccompFilter, NoProfileAllowsMoreThanTheWiderOne) {
  for (const auto& row : syscall_table()) {
    const auto strict = row.rule(SeccompProfile::Strict);
    const auto usual = row.rule(SeccompProfile::Default);
    if (usual == CallRule::Eperm || usual == CallRule::Enosys) {
      EXPECT_EQ(strict, usual) << row.name;
    }
    if (usual == CallRule::Allow) {
      EXPECT_EQ(row.rule(SeccompProfile::Build), usual) << row.name;
    }
  }
}

/// Calls that programs make at rate: what each costs is printed.
TEST(SeccompFilter, RunsFewInstructionsOnTheHotPath) {
  std::size_t longest = 0;
  std::size_t hottest = 0;
  for (const auto& choice : all_choices()) {
    const Filter filter{choice};
    const auto program = seccomp_filter(choice);
    const auto worst = longest_path(program);
    std::size_t hot = 0;
    std::string_view hot_name;
    for (const auto& [number, row] : rows_of(choice.machine)) {
      if (!row->is_hot) continue;
      // The most that any arguments make of it.
      for (const auto& arguments : {Arguments{}, Arguments{1, 1, 6}, Arguments{2, 0x5401, 0},
                                    Arguments{0, 0x802c542a, 0}}) {
        const auto steps = filter.outcome(number, arguments).steps;
        if (steps > hot) hot_name = row->name;
        hot = std::max(hot, steps);
      }
    }
    std::cout << text(choice) << ": " << program.size() << " instructions, at most " << worst
              << " a call, hot calls at most " << hot << " (" << hot_name << "), read "
              << filter.outcome(number_of("read", choice.machine)).steps << '\n';
    longest = std::max(longest, worst);
    hottest = std::max(hottest, hot);
    EXPECT_LE(program.size(), 400U) << text(choice);
  }
  EXPECT_LE(longest, 80U);
  EXPECT_LE(hottest, 30U);
}

TEST(SeccompFilter, LongestPathIsWhatTheInterpreterCounts) {
  for (const auto& choice : all_choices()) {
    const Filter filter{choice};
    std::size_t most = 0;
    for (std::uint32_t number = 0; number < kSyscallNumbers; ++number)
      for (const auto& arguments :
           {Arguments{}, Arguments{2, 1, 6}, Arguments{10, 1, 262}, Arguments{1, 0x802c542a, 1},
            Arguments{0xffffffff}, Arguments{1, 1, 0}, Arguments{0x99}})
        most = std::max(most, filter.outcome(number, arguments).steps);
    EXPECT_EQ(most, longest_path(seccomp_filter(choice))) << text(choice);
  }
}

TEST(SyscallTable, HasTheNumbersOfTheKernelsHeader) {
  std::ifstream header{"/usr/include/x86_64-linux-gnu/asm/unistd_64.h"};
  if (!header) GTEST_SKIP() << "no kernel header of x86_64 here";
  std::size_t found = 0;
  std::string define;
  std::string name;
  std::uint32_t number = 0;
  for (std::string line; std::getline(header, line);) {
    std::istringstream words{line};
    if (!(words >> define >> name >> number) || !name.starts_with("__NR_")) continue;
    ++found;
    EXPECT_EQ(number_of(name.substr(5), Machine::X86_64), number) << name;
  }
  EXPECT_GT(found, 300U);
}

TEST(SyscallTable, NamesACallAndANumberOnce) {
  for (const auto machine : {Machine::X86_64, Machine::Aarch64}) {
    std::set<int> numbers;
    std::set<std::string_view> names;
    for (const auto& row : syscall_table()) {
      EXPECT_TRUE(names.insert(row.name).second) << row.name;
      const auto number = row.number(machine);
      EXPECT_TRUE(number < 0 || numbers.insert(number).second) << row.name;
      EXPECT_FALSE(row.why.empty()) << row.name;
    }
    EXPECT_GT(numbers.size(), 300U);
  }
}

}  // namespace
}  // namespace ringfort::platform
