// A pseudo-terminal whose master stays with this process.
#pragma once

#include "ringfort/platform/fd.hpp"

namespace ringfort::cli {

/// A fresh pair. The slave is nobody's controlling terminal yet. pty(7).
struct Pty {
  platform::Fd master;  ///< non-blocking
  platform::Fd slave;
};

/// With the modes and the size of the terminal at `like_fd`. Error: Io.
Result<Pty> open_pty(int like_fd);

/// The size of the terminal at `from_fd` becomes that of the pair; the program inside gets WINCH if
/// it changed. Nothing happens when `from_fd` has none.
void copy_size(int from_fd, const Pty& pty);

}  // namespace ringfort::cli
