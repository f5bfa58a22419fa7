#include "ringfort/support/bpf.hpp"

#include <cstring>
#include <stdexcept>

#include <linux/seccomp.h>

namespace ringfort::test {
namespace {

std::uint32_t load(const BpfCall& call, std::uint32_t offset) {
  seccomp_data data{};
  data.nr = static_cast<int>(call.number);
  data.arch = call.arch;
  std::memcpy(data.args, call.arguments.data(), sizeof data.args);
  if (offset % 4 != 0 || offset + 4 > sizeof data) throw std::logic_error("a load out of the call");
  std::uint32_t word = 0;
  std::memcpy(&word, reinterpret_cast<const char*>(&data) + offset, sizeof word);
  return word;
}

bool compare(const sock_filter& step, std::uint32_t accumulator) {
  switch (BPF_OP(step.code)) {
    case BPF_JEQ:
      return accumulator == step.k;
    case BPF_JGE:
      return accumulator >= step.k;
    case BPF_JGT:
      return accumulator > step.k;
    case BPF_JSET:
      return (accumulator & step.k) != 0;
    default:
      throw std::logic_error("a comparison that nobody knows");
  }
}

}  // namespace

BpfOutcome run_bpf(std::span<const sock_filter> program, const BpfCall& call) {
  BpfOutcome outcome;
  std::uint32_t accumulator = 0;
  for (std::uint64_t at = 0; at < program.size(); ++at) {
    const sock_filter& step = program[at];
    ++outcome.steps;
    if (step.code == (BPF_LD | BPF_W | BPF_ABS)) {
      accumulator = load(call, step.k);
    } else if (step.code == (BPF_ALU | BPF_AND | BPF_K)) {
      accumulator &= step.k;
    } else if (step.code == (BPF_RET | BPF_K)) {
      outcome.verdict = step.k;
      return outcome;
    } else if (BPF_CLASS(step.code) == BPF_JMP && BPF_SRC(step.code) == BPF_K) {
      at += compare(step, accumulator) ? step.jt : step.jf;
    } else {
      throw std::logic_error("an instruction that nobody knows");
    }
  }
  throw std::logic_error("a program without a verdict");
}

}  // namespace ringfort::test
