// Makes a daemon of a daemon of a daemon, each in a session of its own, all deaf to TERM and HUP;
// once the last one is up the program itself ends with 5.
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

static void daemonise(int depth, int ready_fd) {
  if (fork() != 0) return;
  setsid();
  if (depth > 1) daemonise(depth - 1, ready_fd);
  if (fork() != 0) _exit(0);
  if (write(ready_fd, "r", 1) != 1) _exit(9);
  for (;;) pause();
}

int main(void) {
  enum { kLevels = 3 };
  int ready[2];
  signal(SIGTERM, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  if (pipe(ready) != 0) return 9;
  daemonise(kLevels, ready[1]);
  for (int i = 0; i < kLevels; ++i) {
    char word;
    if (read(ready[0], &word, 1) != 1) return 9;
  }
  return 5;
}
