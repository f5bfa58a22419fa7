#include "ringfort/cli/tty/pty.hpp"

#include <cstdlib>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>

namespace ringfort::cli {

using platform::Fd;

Result<Pty> open_pty(int like_fd) {
  Pty pty;
  pty.master = Fd{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)};
  if (!pty.master || ::unlockpt(pty.master.get()) != 0)
    return fail(platform::os_error("cannot make a pseudo-terminal", "leave out --tty"));
  // Not by its name: where another devpts is mounted the name is another terminal's.
  // TIOCGPTPEER, ioctl_tty(2), Linux 4.13.
  pty.slave = Fd{::ioctl(pty.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC)};
  if (!pty.slave)
    return fail(platform::os_error("cannot open the other end of a pseudo-terminal",
                                   "leave out --tty"));
  termios modes{};
  if (::tcgetattr(like_fd, &modes) == 0) ::tcsetattr(pty.slave.get(), TCSANOW, &modes);
  copy_size(like_fd, pty);
  return pty;
}

void copy_size(int from_fd, const Pty& pty) {
  winsize size{};
  if (::ioctl(from_fd, TIOCGWINSZ, &size) == 0) ::ioctl(pty.master.get(), TIOCSWINSZ, &size);
}

}  // namespace ringfort::cli
