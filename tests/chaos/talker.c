// The program inside: talker TOKEN LINES MILLISECONDS CODE FLAGS
// Prints LINES numbered lines, lives for MILLISECONDS (-1: for ever), ends with CODE; with CODE,
// too, on TERM. FLAGS: "p" binds the port in PORT (97 when that fails), "b" leaves a child in a
// session of its own, which shows "+talker" as its name, "s" heeds no TERM, "-" none.
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static volatile int code;

static void end(int signal) {
  (void)signal;
  _exit(code);
}

static int bind_port(void) {
  const int on = 1;
  const char* port = getenv("PORT");
  struct sockaddr_in address = {.sin_family = AF_INET};
  address.sin_port = htons((unsigned short)(port ? atoi(port) : 0));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  return port != 0 && fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
         bind(fd, (struct sockaddr*)&address, sizeof address) == 0 && listen(fd, 8) == 0;
}

int main(int argc, char** argv) {
  if (argc < 6) return 96;
  code = atoi(argv[4]);
  const char* flags = argv[5];
  signal(SIGTERM, strchr(flags, 's') ? SIG_IGN : end);
  if (strchr(flags, 'p') && !bind_port()) return 97;
  if (strchr(flags, 'b')) {
    argv[0][0] = '+';
    if (fork() == 0) {
      signal(SIGTERM, SIG_IGN);
      setsid();
      for (;;) pause();
    }
    argv[0][0] = '/';
  }
  char line[160];
  const int lines = atoi(argv[2]);
  for (int i = 1; i <= lines; ++i) {
    const int length = snprintf(line, sizeof line, "%s %d\n", argv[1], i);
    if (write(1, line, (size_t)length) != length) return 98;
  }
  const long life = atol(argv[3]);
  if (life < 0)
    for (;;) pause();
  const struct timespec rest = {life / 1000, life % 1000 * 1000000};
  nanosleep(&rest, 0);
  return code;
}
