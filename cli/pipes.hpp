// The three pipes of one captured run: text in, bounded bytes out.
#pragma once

#include "ringfort/cli/output/report.hpp"
#include "ringfort/platform/fd.hpp"
#include "ringfort/specs/result.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace ringfort::cli {

struct Pipe {
  platform::Fd read;
  platform::Fd write;
};
Result<Pipe> make_pipe();

class CapturePipes {
 public:
  /// `limit` bytes of each stream are kept, the rest is read and dropped.
  static Result<CapturePipes> open(std::optional<std::string> stdin_text, std::size_t limit);

  /// The program's ends; -1 for stdin when there is no text. Closed by close_far_ends.
  int stdin_fd() const { return in_far_.get(); }
  int stdout_fd() const { return out_.far.get(); }
  int stderr_fd() const { return err_.far.get(); }

  /// To be called once the program has its own copies, else its end is never seen.
  void close_far_ends();

  /// Feeds and reads until the program's side has let go of both outputs.
  void pump();

  Captured take_stdout() { return std::move(out_.kept); }
  Captured take_stderr() { return std::move(err_.kept); }

 private:
  struct Stream {
    platform::Fd near;
    platform::Fd far;
    Captured kept;
  };
  void feed();
  void read_from(Stream& stream) const;

  std::size_t limit_ = 0;
  std::string text_;
  std::size_t fed_ = 0;
  platform::Fd in_near_;
  platform::Fd in_far_;
  Stream out_;
  Stream err_;
};

}  // namespace ringfort::cli
