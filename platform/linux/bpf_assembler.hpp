// Classic BPF with labels. Pure; the instructions are those that seccomp(2) takes.
#pragma once

#include "ringfort/platform/launch_plan.hpp"

#include <cstdint>
#include <vector>

namespace ringfort::platform {

/// Jumps go forward only, as the kernel wants them.
class BpfAssembler {
 public:
  using Label = int;
  static constexpr Label kNext = -1;

  Label new_label();
  /// The next instruction is where `label` leads. Several may lead to one.
  void place(Label label);

  void load(std::uint32_t offset);  ///< of struct seccomp_data
  void mask(std::uint32_t bits);
  void give(std::uint32_t verdict);
  void equal(std::uint32_t value, Label if_true, Label if_false = kNext);
  void at_least(std::uint32_t value, Label if_true, Label if_false = kNext);
  void any_bit(std::uint32_t bits, Label if_true, Label if_false = kNext);

  /// Every label used must have been placed, at most 255 instructions behind its use: a branch
  /// holds one byte. The tests run every filter there is.
  std::vector<BpfInstruction> finish() const;

 private:
  struct Draft {
    std::uint16_t code;
    std::uint32_t k = 0;
    Label if_true = kNext;
    Label if_false = kNext;
  };

  std::uint8_t distance(std::size_t from, Label label) const;

  std::vector<Draft> drafts_;
  std::vector<std::size_t> places_;  ///< of labels, as an index into drafts_
};

}  // namespace ringfort::platform
