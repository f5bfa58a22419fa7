// Forks without an end. `bomb chain`: 16 processes that each fork and leave, so that no pid lives
// long. `bomb flood`: as many as its limit lets it; refuses to begin without one. Says "ready"
// first.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static void chain(void) {
  for (;;)
    if (fork() > 0) _exit(0);
}

static void flood(void) {
  for (;;) fork();
}

/// Whether there is a limit: fewer than 200 children of one process.
static int is_limited(void) {
  enum { kMost = 200 };
  pid_t made[kMost];
  int count = 0;
  while (count < kMost) {
    const pid_t child = fork();
    if (child == 0)
      for (;;) pause();
    if (child < 0) break;
    made[count++] = child;
  }
  for (int i = 0; i < count; ++i) kill(made[i], SIGKILL);
  return count < kMost;
}

int main(int argc, char** argv) {
  signal(SIGTERM, SIG_IGN);
  signal(SIGCHLD, SIG_IGN);
  const int is_flood = argc > 1 && strcmp(argv[1], "flood") == 0;
  if (is_flood && !is_limited()) return 8;
  puts("ready");
  fflush(stdout);
  if (is_flood) flood();
  for (int i = 0; i < 16; ++i)
    if (fork() == 0) chain();
  for (;;) pause();
}
