// Attempts on sockets. Addresses are the words: an IP address, a port, a path or a name.
#include "probe.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

union address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
};

static socklen_t size_of(const union address* to) {
  return to->any.sa_family == AF_INET6 ? sizeof to->v6 : sizeof to->v4;
}
static union address address_at(const char* host, long port) {
  union address to;
  memset(&to, 0, sizeof to);
  if (strchr(host, ':')) {
    to.v6.sin6_family = AF_INET6;
    to.v6.sin6_port = htons((unsigned short)port);
    inet_pton(AF_INET6, host, &to.v6.sin6_addr);
  } else {
    to.v4.sin_family = AF_INET;
    to.v4.sin_port = htons((unsigned short)port);
    inet_pton(AF_INET, host, &to.v4.sin_addr);
  }
  return to;
}
static union address target(void) { return address_at(words[0], number(1)); }
static int socket_for(const union address* to, int type, int protocol) {
  return socket(to->any.sa_family, type, protocol);
}
/// Connected, as far as an answer within a second tells.
static long is_connected(int fd) {
  struct pollfd ready = {fd, POLLOUT, 0};
  int error = 0;
  socklen_t size = sizeof error;
  if (poll(&ready, 1, 1000) != 1) return ETIMEDOUT;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}
static long connect_by(int protocol) {
  const union address to = target();
  const int fd = socket_for(&to, SOCK_STREAM, protocol);
  return fd < 0 ? errno : done(connect(fd, &to.any, size_of(&to)));
}
static long tcp(void) { return connect_by(0); }
static long mptcp(void) { return connect_by(IPPROTO_MPTCP); }
static long tcp_reusing(void) {  // an unconnected socket that is connected again
  const union address to = target();
  const int fd = socket_for(&to, SOCK_STREAM, 0);
  const struct sockaddr none = {.sa_family = AF_UNSPEC};
  if (fd < 0 || connect(fd, &none, sizeof none) != 0) return errno;
  return done(connect(fd, &to.any, size_of(&to)));
}

static long fast_sendto(void) {
  const union address to = target();
  const int fd = socket_for(&to, SOCK_STREAM, 0);
  if (fd < 0 || sendto(fd, "x", 1, MSG_FASTOPEN, &to.any, size_of(&to)) < 0) return errno;
  return is_connected(fd);
}
static struct msghdr message_for(union address* to, struct iovec* text) {
  struct msghdr message = {.msg_name = to, .msg_iov = text, .msg_iovlen = 1};
  message.msg_namelen = size_of(to);
  return message;
}
static long fast_sendmsg(void) {
  union address to = target();
  struct iovec text = {"x", 1};
  const struct msghdr message = message_for(&to, &text);
  const int fd = socket_for(&to, SOCK_STREAM, 0);
  if (fd < 0 || sendmsg(fd, &message, MSG_FASTOPEN) < 0) return errno;
  return is_connected(fd);
}
static long fast_sendmmsg(void) {
  union address to = target();
  struct iovec text = {"x", 1};
  struct mmsghdr message = {.msg_hdr = message_for(&to, &text)};
  const int fd = socket_for(&to, SOCK_STREAM, 0);
  if (fd < 0 || sendmmsg(fd, &message, 1, MSG_FASTOPEN) < 0) return errno;
  return is_connected(fd);
}
static long fast_connect(void) {
  const union address to = target();
  const int fd = socket_for(&to, SOCK_STREAM, 0);
  const int on = 1;
  if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof on) != 0)
    return errno;
  if (connect(fd, &to.any, size_of(&to)) != 0) return errno;
  if (write(fd, "x", 1) < 0) return errno;
  return is_connected(fd);
}

static int bound(int type, int protocol) {
  const union address to = target();
  const int fd = socket_for(&to, type, protocol);
  return fd < 0 || bind(fd, &to.any, size_of(&to)) != 0 ? -1 : fd;
}
static long bind_tcp(void) { return done(bound(SOCK_STREAM, 0)); }
static long bind_mptcp(void) { return done(bound(SOCK_STREAM, IPPROTO_MPTCP)); }
static long bind_udp(void) { return done(bound(SOCK_DGRAM, 0)); }
static long steal_port(void) {
  const union address to = target();
  const int fd = socket_for(&to, SOCK_STREAM, 0);
  const int on = 1;
  if (fd < 0) return errno;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  return done(bind(fd, &to.any, size_of(&to))) || listen(fd, 1) != 0 ? errno : 0;
}
static long listen_unbound(void) { return done(listen(socket(AF_INET, SOCK_STREAM, 0), 1)); }
static long listen_unbound_mptcp(void) {
  return done(listen(socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP), 1));
}

static long send_by(int type, int protocol) {
  const union address to = target();
  const int fd = socket_for(&to, type, protocol);
  return fd < 0 ? errno : done(sendto(fd, "x", 1, 0, &to.any, size_of(&to)));
}
static long udp(void) { return send_by(SOCK_DGRAM, 0); }
static long udplite(void) { return send_by(SOCK_DGRAM, IPPROTO_UDPLITE); }
static long icmp(void) { return done(socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP)); }
static long raw(void) { return done(socket(AF_INET, SOCK_RAW, IPPROTO_TCP)); }
static long packet(void) { return done(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL))); }
static long sctp(void) { return done(socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP)); }
static long netlink_route(void) { return done(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)); }
static long netlink_audit(void) { return done(socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT)); }
static long netlink_uevent(void) {
  return done(socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT));
}
static long netlink_diag(void) { return done(socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG)); }
static long vsock(void) { return done(socket(AF_VSOCK, SOCK_STREAM, 0)); }
static long crypto(void) { return done(socket(AF_ALG, SOCK_SEQPACKET, 0)); }
static long xdp(void) { return done(socket(44 /* AF_XDP */, SOCK_RAW, 0)); }
static long interfaces(void) {
  struct ifreq first = {.ifr_ifindex = 2};
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  return fd < 0 ? errno : done(ioctl(fd, SIOCGIFNAME, &first));
}
static long bind_to_device(void) {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  return fd < 0 ? errno : done(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
}

static socklen_t name_unix(struct sockaddr_un* to, int is_abstract) {
  memset(to, 0, sizeof *to);
  to->sun_family = AF_UNIX;
  strncpy(to->sun_path + is_abstract, words[0], sizeof to->sun_path - 2);
  const size_t size = strlen(words[0]) + 1;  // the zero before it, or after it
  return (socklen_t)(sizeof to->sun_family + size);
}
static long connect_unix(int type, int is_abstract) {
  struct sockaddr_un to;
  const socklen_t size = name_unix(&to, is_abstract);
  const int fd = socket(AF_UNIX, type, 0);
  return fd < 0 ? errno : done(connect(fd, (struct sockaddr*)&to, size));
}
static long unix_stream(void) { return connect_unix(SOCK_STREAM, 0); }
static long unix_packet(void) { return connect_unix(SOCK_SEQPACKET, 0); }
static long unix_datagram(void) { return connect_unix(SOCK_DGRAM, 0); }
static long abstract_stream(void) { return connect_unix(SOCK_STREAM, 1); }
static long abstract_datagram(void) { return connect_unix(SOCK_DGRAM, 1); }
static long abstract_sendto(void) {
  struct sockaddr_un to;
  const socklen_t size = name_unix(&to, 1);
  const int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  return fd < 0 ? errno : done(sendto(fd, "x", 1, 0, (struct sockaddr*)&to, size));
}

const struct attempt network[] = {
    {"tcp", tcp},
    {"mptcp", mptcp},
    {"tcp-again", tcp_reusing},
    {"fastopen-sendto", fast_sendto},
    {"fastopen-sendmsg", fast_sendmsg},
    {"fastopen-sendmmsg", fast_sendmmsg},
    {"fastopen-connect", fast_connect},
    {"bind-tcp", bind_tcp},
    {"bind-mptcp", bind_mptcp},
    {"bind-udp", bind_udp},
    {"steal-port", steal_port},
    {"listen-unbound", listen_unbound},
    {"listen-unbound-mptcp", listen_unbound_mptcp},
    {"udp", udp},
    {"udplite", udplite},
    {"icmp", icmp},
    {"raw", raw},
    {"packet", packet},
    {"sctp", sctp},
    {"netlink-route", netlink_route},
    {"netlink-audit", netlink_audit},
    {"netlink-uevent", netlink_uevent},
    {"netlink-diag", netlink_diag},
    {"vsock", vsock},
    {"af-alg", crypto},
    {"af-xdp", xdp},
    {"interfaces", interfaces},
    {"bind-to-device", bind_to_device},
    {"unix-stream", unix_stream},
    {"unix-seqpacket", unix_packet},
    {"unix-datagram", unix_datagram},
    {"abstract-stream", abstract_stream},
    {"abstract-datagram", abstract_datagram},
    {"abstract-sendto", abstract_sendto},
    {0, 0},
};
