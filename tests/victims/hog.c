// Takes memory it was not given: `hog [MiB a step]` touches more and more until something ends it.
#include <stdlib.h>
#include <string.h>

int main(int argc, char** argv) {
  const size_t step = (argc > 1 ? strtoul(argv[1], 0, 10) : 4) << 20;
  for (;;) {
    char* more = malloc(step);
    if (more == 0) return 9;
    memset(more, 1, step);
  }
}
