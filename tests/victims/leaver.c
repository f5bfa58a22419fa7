// Ends with 7 at once and leaves a grandchild in a session of its own that goes on for a while:
// `leaver N` writes "tick" N times, one each 20 ms, then "last". Says "ready" before it leaves.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static void say(const char* line) {
  puts(line);
  fflush(stdout);
}

int main(int argc, char** argv) {
  const long ticks = argc > 1 ? atol(argv[1]) : 10;
  int ready[2];
  if (pipe(ready) != 0) return 9;
  if (fork() == 0) {
    setsid();
    if (fork() != 0) _exit(0);
    signal(SIGTERM, SIG_IGN);
    if (write(ready[1], "r", 1) != 1) _exit(9);
    const struct timespec pause = {0, 20 * 1000 * 1000};
    for (long i = 0; i < ticks; ++i) {
      say("tick");
      nanosleep(&pause, 0);
    }
    say("last");
    _exit(0);
  }
  char word;
  if (read(ready[0], &word, 1) != 1) return 9;
  say("ready");
  return 7;
}
