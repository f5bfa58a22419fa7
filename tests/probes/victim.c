// The one that is attacked: outside of any sandbox, or a neighbour in one.
#include "probe.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/// Path or abstract name, for everybody.
static int offer_unix(const char* name, int type, int is_abstract) {
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  snprintf(at.sun_path + is_abstract, sizeof at.sun_path - 1, "%.100s", name);
  const int fd = socket(AF_UNIX, type, 0);
  const socklen_t size = (socklen_t)(sizeof at.sun_family + strlen(name) + 1);
  if (bind(fd, (struct sockaddr*)&at, size) != 0) return -1;
  if (!is_abstract) chmod(name, 0777);
  return type == SOCK_DGRAM ? fd : listen(fd, 64);
}
static int offer_port(int family, int type, int port) {
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((unsigned short)port)};
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  v6.sin6_addr = in6addr_loopback;
  const int fd = socket(family, type, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const int bound = family == AF_INET ? bind(fd, (struct sockaddr*)&v4, sizeof v4)
                                      : bind(fd, (struct sockaddr*)&v6, sizeof v6);
  return bound != 0 ? -1 : type == SOCK_STREAM ? listen(fd, 64) : fd;
}

/// Words: a directory of its own, a name, a port (0 = none), an IPC key. What a sandbox keeps it
/// from offering is not offered.
int be_victim(void) {
  const char* directory = words[0];
  if (!directory || !words[1] || !words[2] || !words[3] || chdir(directory) != 0) return 9;
  chmod(".", 0777);
  umask(0);
  const int secret = open("secret", O_CREAT | O_RDWR, 0666);
  if (secret < 0 || write(secret, "secret", 6) != 6) return 9;
  offer_unix("stream", SOCK_STREAM, 0);
  offer_unix("datagram", SOCK_DGRAM, 0);
  offer_unix(words[1], SOCK_STREAM, 1);
  char name[256];
  snprintf(name, sizeof name, "%s-datagram", words[1]);
  offer_unix(name, SOCK_DGRAM, 1);
  const int port = atoi(words[2]);
  if (port > 0) {
    offer_port(AF_INET, SOCK_STREAM, port);
    offer_port(AF_INET6, SOCK_STREAM, port);
    offer_port(AF_INET, SOCK_DGRAM, port);
  }
  const key_t key = (key_t)atol(words[3]);
  shmget(key, 4096, IPC_CREAT | 0666);
  semget(key, 1, IPC_CREAT | 0666);
  msgget(key, IPC_CREAT | 0666);
  snprintf(name, sizeof name, "/%s", words[1]);
  mq_open(name, O_CREAT | O_RDWR, 0666, 0);
  shm_open(name, O_CREAT | O_RDWR, 0666);
  puts("ready");
  fflush(stdout);
  for (;;) pause();
}
