// probe NAME [ARG]...: one attempt, and a line that says what came of it: "ok", "EPERM", "SIGSYS".
// probe calls: each of the calls on oneself, as "NAME ok". probe victim: offers what can be
// attacked.
#include "probe.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

pid_t other;
char** words;

static pid_t parent;

long number(int word) {
  if (!words[word]) exit(9);
  return strcmp(words[word], "parent") == 0 ? parent : atol(words[word]);
}

static pid_t start_other(void) {
  const pid_t pid = fork();
  if (pid == 0) {
    for (;;) pause();
  }
  return pid;
}

/// In a child, as an attempt may be answered by a signal.
static const char* outcome_of(const struct attempt* attempt) {
  const pid_t before = getpid();
  other = start_other();
  const pid_t pid = fork();
  if (pid < 0 || other < 0) exit(9);
  if (pid == 0) {
    const long outcome = attempt->make();
    _exit(getpid() == before ? 9 : (int)outcome);
  }
  int status = 0;
  if (waitpid(pid, &status, 0) != pid) exit(9);
  kill(other, SIGKILL);
  waitpid(other, 0, 0);
  if (WIFEXITED(status)) {
    const char* name = strerrorname_np(WEXITSTATUS(status));
    return WEXITSTATUS(status) == 0 ? "ok" : name ? name : "ENOTHING";
  }
  static char name[32];
  snprintf(name, sizeof name, "SIG%s", sigabbrev_np(WTERMSIG(status)));
  return name;
}

static const struct attempt* find(const char* name) {
  const struct attempt* all[] = {calls, files, processes, network, system_wide};
  for (size_t i = 0; i < sizeof all / sizeof *all; ++i)
    for (const struct attempt* one = all[i]; one->name; ++one)
      if (strcmp(one->name, name) == 0) return one;
  return 0;
}

int main(int argc, char** argv) {
  if (argc < 2) return 9;
  words = argv + 2;
  parent = getppid();
  if (strcmp(argv[1], "victim") == 0) return be_victim();
  if (strcmp(argv[1], "calls") == 0) {
    for (const struct attempt* one = calls; one->name; ++one) {
      printf("%s %s\n", one->name, outcome_of(one));
      fflush(stdout);
    }
    return 0;
  }
  if (strcmp(argv[1], "quiet") == 0) return 0;
  // What a setuid program would do with its rights.
  if (strcmp(argv[1], "raised") == 0) return geteuid() == getuid() ? EPERM : 0;
  const struct attempt* one = find(argv[1]);
  if (!one) {
    fprintf(stderr, "probe: no attempt %s\n", argv[1]);
    return 9;
  }
  puts(outcome_of(one));
  return 0;
}
