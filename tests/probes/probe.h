// One attempt to get out of a sandbox, or to reach what is another's. Each says what came of it:
// 0 = it came about, else the errno of the refusal.
#pragma once

#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

struct attempt {
  const char* name;
  long (*make)(void);
};

// Each ends with a null name.
extern const struct attempt calls[];      // on oneself, without arguments
extern const struct attempt files[];      // on paths
extern const struct attempt processes[];  // on processes
extern const struct attempt network[];
extern const struct attempt system_wide[];

extern pid_t other;   // a child that only waits, for `calls`
extern char** words;  // what came after the attempt's name

static inline long done(long result) { return result < 0 ? errno : 0; }

/// As a number; "parent" is the process that started this one.
long number(int word);

/// Has files, sockets, memory of its own for others to reach; says "ready" and waits to be killed.
int be_victim(void);
