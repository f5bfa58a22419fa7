// Ignores TERM, and so does a grandchild in a session of its own whose parent has left. Prints the
// grandchild's pid as /proc shows it to itself, then idles.
#include <signal.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

int main(void) {
  int ready[2];
  signal(SIGTERM, SIG_IGN);
  if (pipe(ready) != 0) return 9;
  if (fork() == 0) {
    setsid();
    if (fork() != 0) _exit(0);
    if (write(ready[1], "r", 1) != 1) _exit(9);
    for (;;) pause();
  }
  char word;
  if (read(ready[0], &word, 1) != 1) return 9;
  puts("ready");
  fflush(stdout);
  for (;;) pause();
}
