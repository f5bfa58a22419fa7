// A parent of 60 MiB and 8 idle children that share its pages: within 128Mi, although each process
// counts them as its own. Says "ready" and idles.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(void) {
  const size_t size = (size_t)60 << 20;
  char* pages = malloc(size);
  if (pages == 0) return 9;
  memset(pages, 1, size);
  for (int i = 0; i < 8; ++i)
    if (fork() == 0)
      for (;;) pause();
  puts("ready");
  fflush(stdout);
  for (;;) pause();
}
