// Grows by `hog MIB`, a second, and tells each MiB on stdout: nanoseconds of CLOCK_MONOTONIC,
// bytes.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int argc, char** argv) {
  const size_t step = 1 << 20;
  const int64_t pause = 1000000000LL / (argc > 1 ? atoi(argv[1]) : 100);
  const int64_t begin = now();
  for (int64_t count = 1;; ++count) {
    const int64_t early = begin + count * pause - now();
    const struct timespec rest = {0, early};
    if (early > 0 && early < 1000000000LL) nanosleep(&rest, 0);
    char* more = malloc(step);
    if (more == 0) return 9;
    memset(more, 1, step);
    const int64_t report[2] = {now(), count * (int64_t)step};
    if (write(1, report, sizeof report) != sizeof report) return 8;
  }
}
