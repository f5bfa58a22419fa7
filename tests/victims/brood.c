// `brood N MIB`: N children that take MIB each and idle, as their parent does.
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char** argv) {
  if (argc < 3) return 9;
  const size_t size = strtoul(argv[2], 0, 10) << 20;
  for (int i = atoi(argv[1]); i > 0; --i) {
    if (fork() != 0) continue;
    volatile char* pages = malloc(size);
    if (pages == 0) return 9;
    for (size_t at = 0; at < size; at += 4096) pages[at] = 1;
    for (;;) pause();
  }
  for (;;) pause();
}
