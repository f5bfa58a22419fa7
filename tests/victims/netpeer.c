// "serve [PORT]": listens there, else on the port in PORT, and sends each caller back what it
// sends, then "end" and its length. "serve6": the same on ::1 alone. "talk": sends the
// first caller all that is taken of it, says how much that was, and ends. "try ADDRESS PORT", "udp
// ADDRESS PORT", "abstract NAME": one attempt, its outcome in a word. "links": the names of all
// interfaces.
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int say(int error) {
  printf("%s\n", error == 0              ? "connected"
                 : error == ECONNREFUSED ? "refused"
                 : error == ENETUNREACH  ? "unreachable"
                                         : strerror(error));
  return 0;
}

static struct sockaddr_in address_of(const char* text, const char* port) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((unsigned short)atoi(port))};
  inet_pton(AF_INET, text, &address.sin_addr);
  return address;
}

static int try(const char* text, const char* port, int type) {
  const struct sockaddr_in address = address_of(text, port);
  const int fd = socket(AF_INET, type, 0);
  if (fd < 0) return say(errno);
  return say(connect(fd, (const struct sockaddr*)&address, sizeof address) == 0 ? 0 : errno);
}

static int meet(const char* name) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path + 1, name, sizeof address.sun_path - 2);
  const socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  return say(connect(fd, (const struct sockaddr*)&address, size) == 0 ? 0 : errno);
}

static int send_all(int fd, const char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
    if (sent <= 0) return 0;
    bytes += sent;
    size -= (size_t)sent;
  }
  return 1;
}

static void* serve_one(void* argument) {
  const int fd = (int)(long)argument;
  static __thread char buffer[65536];
  size_t all = 0;
  for (ssize_t size; (size = read(fd, buffer, sizeof buffer)) != 0;) {
    if (size < 0 || !send_all(fd, buffer, (size_t)size)) {
      close(fd);
      return 0;
    }
    all += (size_t)size;
  }
  char end[40];
  const int length = snprintf(end, sizeof end, "end %zu", all);
  send_all(fd, end, (size_t)length);
  close(fd);
  return 0;
}

static int listen_on(int is_v6, const char* port) {
  const int on = 1;
  const unsigned short number = htons((unsigned short)atoi(port));
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = number};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = number};
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  v6.sin6_addr = in6addr_loopback;
  const int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const int bound = is_v6 ? bind(fd, (struct sockaddr*)&v6, sizeof v6)
                          : bind(fd, (struct sockaddr*)&v4, sizeof v4);
  if (bound != 0 || listen(fd, 128) != 0) exit(errno);
  puts("ready");
  fflush(stdout);
  return fd;
}

static int serve(int is_v6, const char* port) {
  const int fd = listen_on(is_v6, port);
  for (;;) {
    const int client = accept(fd, 0, 0);
    if (client < 0) return errno;
    pthread_t thread;
    if (pthread_create(&thread, 0, serve_one, (void*)(long)client) != 0) return 99;
    pthread_detach(thread);
  }
}

static int talk(const char* port) {
  static char bytes[64 << 20];
  for (size_t i = 0; i < sizeof bytes; ++i) bytes[i] = (char)(i * 7 % 251);
  const int client = accept(listen_on(0, port), 0, 0);
  size_t sent = 0;
  struct pollfd room = {.fd = client, .events = POLLOUT};
  while (sent < sizeof bytes && poll(&room, 1, 300) == 1) {
    const ssize_t size = send(client, bytes + sent, sizeof bytes - sent, MSG_DONTWAIT);
    if (size < 0) return errno;
    sent += (size_t)size;
  }
  printf("sent %zu\n", sent);
  return 0;
}

static int links(void) {
  struct if_nameindex* all = if_nameindex();
  for (struct if_nameindex* one = all; one != 0 && one->if_index != 0; ++one) puts(one->if_name);
  return 0;
}

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "links";
  const char* port = argc > 2 ? argv[2] : getenv("PORT");
  if (strcmp(what, "serve") == 0) return serve(0, port);
  if (strcmp(what, "serve6") == 0) return serve(1, port);
  if (strcmp(what, "talk") == 0) return talk(port);
  if (strcmp(what, "try") == 0 && argc > 3) return try(argv[2], argv[3], SOCK_STREAM);
  if (strcmp(what, "udp") == 0 && argc > 3) return try(argv[2], argv[3], SOCK_DGRAM);
  if (strcmp(what, "abstract") == 0 && argc > 2) return meet(argv[2]);
  return links();
}
