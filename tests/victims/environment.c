// Prints its arguments, environment and open descriptors, one a line.
#include <fcntl.h>
#include <stdio.h>

extern char** environ;

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) printf("arg %s\n", argv[i]);
  for (char** one = environ; *one != 0; ++one) printf("env %s\n", *one);
  for (int fd = 0; fd < 4096; ++fd)
    if (fcntl(fd, F_GETFD) != -1) printf("fd %d\n", fd);
  return 0;
}
