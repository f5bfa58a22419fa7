// "own": binds the port in PORT as servers do, listens, ends with the errno of what failed.
// "handed": takes the listener that was handed over, as sd_listen_fds(3) says;
// answers one client and ends.
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int own(int port) {
  const int on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      bind(fd, (struct sockaddr*)&address, sizeof address) != 0 || listen(fd, 8) != 0)
    return errno;
  return 0;
}

static int handed(void) {
  const char* count = getenv("LISTEN_FDS");
  const char* pid = getenv("LISTEN_PID");
  const char* names = getenv("LISTEN_FDNAMES");
  printf("fds %s names %s pid %s\n", count ? count : "none", names ? names : "none",
         pid && atoi(pid) == getpid() ? "mine" : "not mine");
  fflush(stdout);
  const int client = accept(3, 0, 0);
  if (client < 0) return errno;
  return write(client, "served", 6) == 6 ? 0 : errno;
}

int main(int argc, char** argv) {
  if (argc > 1 && strcmp(argv[1], "own") == 0) {
    const char* port = getenv("PORT");
    return own(port ? atoi(port) : 0);
  }
  return handed();
}
