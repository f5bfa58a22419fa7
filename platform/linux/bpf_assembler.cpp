#include "ringfort/platform/linux/bpf_assembler.hpp"

#include <linux/filter.h>

namespace ringfort::platform {

BpfAssembler::Label BpfAssembler::new_label() {
  places_.push_back(0);
  return static_cast<Label>(places_.size() - 1);
}

void BpfAssembler::place(Label label) { places_[static_cast<std::size_t>(label)] = drafts_.size(); }

void BpfAssembler::load(std::uint32_t offset) {
  drafts_.push_back({BPF_LD | BPF_W | BPF_ABS, offset});
}
void BpfAssembler::mask(std::uint32_t bits) {
  drafts_.push_back({BPF_ALU | BPF_AND | BPF_K, bits});
}
void BpfAssembler::give(std::uint32_t verdict) { drafts_.push_back({BPF_RET | BPF_K, verdict}); }
void BpfAssembler::equal(std::uint32_t value, Label if_true, Label if_false) {
  drafts_.push_back({BPF_JMP | BPF_JEQ | BPF_K, value, if_true, if_false});
}
void BpfAssembler::at_least(std::uint32_t value, Label if_true, Label if_false) {
  drafts_.push_back({BPF_JMP | BPF_JGE | BPF_K, value, if_true, if_false});
}
void BpfAssembler::any_bit(std::uint32_t bits, Label if_true, Label if_false) {
  drafts_.push_back({BPF_JMP | BPF_JSET | BPF_K, bits, if_true, if_false});
}

std::uint8_t BpfAssembler::distance(std::size_t from, Label label) const {
  if (label == kNext) return 0;
  return static_cast<std::uint8_t>(places_[static_cast<std::size_t>(label)] - from - 1);
}

std::vector<BpfInstruction> BpfAssembler::finish() const {
  std::vector<BpfInstruction> program;
  program.reserve(drafts_.size());
  for (std::size_t at = 0; at < drafts_.size(); ++at) {
    const Draft& draft = drafts_[at];
    program.push_back(
        {draft.code, distance(at, draft.if_true), distance(at, draft.if_false), draft.k});
  }
  return program;
}

}  // namespace ringfort::platform
