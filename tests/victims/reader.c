// `reader MIB`: makes a file of that size, maps it and reads every page of it for a second. Its
// resident set is as large as the file, and none of it is its own. Ends with 0.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char** argv) {
  const size_t size = (argc > 1 ? strtoul(argv[1], 0, 10) : 1) << 20;
  const char* directory = getenv("TMPDIR");
  char path[512];
  snprintf(path, sizeof path, "%s/big", directory ? directory : "/tmp");
  const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
  static char block[1 << 20];
  for (size_t done = 0; done < size; done += sizeof block)
    if (write(fd, block, sizeof block) != (ssize_t)sizeof block) return 8;
  const char* pages = mmap(0, size, PROT_READ, MAP_SHARED, fd, 0);
  if (pages == MAP_FAILED) return 9;
  const time_t end = time(0) + 2;
  volatile char sum = 0;
  while (time(0) < end)
    for (size_t at = 0; at < size; at += 4096) sum += pages[at];
  return 0;
}
