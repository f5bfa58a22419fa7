// Addresses of the loopback, as the kernel takes them.
#pragma once

#include <cstdint>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace ringfort::shim {

/// 127.0.0.1 or ::1.
struct Loopback {
  Loopback(bool is_v6, std::uint16_t port) {
    if (is_v6) {
      v6 = {};
      v6.sin6_family = AF_INET6;
      v6.sin6_addr.s6_addr[15] = 1;
      v6.sin6_port = htons(port);
      size = sizeof v6;
    } else {
      v4 = {};
      v4.sin_family = AF_INET;
      v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      v4.sin_port = htons(port);
      size = sizeof v4;
    }
  }

  union {
    sockaddr_in v4;
    sockaddr_in6 v6;
  };
  unsigned size = 0;
};

}  // namespace ringfort::shim
