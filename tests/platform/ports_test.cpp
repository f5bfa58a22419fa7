#include "ringfort/platform/ports.hpp"

#include "ringfort/support/child.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace ringfort::platform {
namespace {

using test::Child;
using testing::HasSubstr;

/// Bound to an abstract name until the process ends; false when another process has the name.
bool take_for_good(const std::string& name) {
  Fd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, name.size());  // unix(7): names after a NUL are no files
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return false;
  (void)socket.release();
  return true;
}

// Each test process has a range of its own, so that tests run side by side.
PortRange own_range() {
  static const int number = [] {
    constexpr int kRanges = 90;
    for (int tried = 0; tried < kRanges; ++tried) {
      const int one = (::getpid() + tried) % kRanges;
      if (take_for_good("ringfort-test-ports-" + std::to_string(one))) return one;
    }
    ADD_FAILURE() << "other processes have all ranges";
    return 0;
  }();
  const auto first = static_cast<std::uint16_t>(10000 + number * 100);
  return {first, static_cast<std::uint16_t>(first + 99)};
}

HeldPort claim() {
  std::uint16_t cursor = 0;
  auto held = claim_port(own_range(), cursor);
  EXPECT_TRUE(held) << to_string(held.error());
  return held ? std::move(*held) : HeldPort{};
}

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Address address_of(const char* text, std::uint16_t port) {
  Address address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  if (::inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address.size = sizeof *v4;
    return address;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  EXPECT_EQ(::inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(port);
  address.size = sizeof *v6;
  return address;
}

bool has_ipv6() {
  const Fd socket{::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const auto address = address_of("::1", 0);
  return socket && ::bind(socket.get(), address.get(), address.size) == 0;
}

// As a server program does it.
Fd listen_on(const Address& address) {
  Fd server{::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const int on = 1;
  ::setsockopt(server.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(server.get(), address.get(), address.size) != 0) return {};
  if (::listen(server.get(), 8) != 0) return {};
  return server;
}

class ListenBesideAHeldPort : public testing::TestWithParam<const char*> {};

TEST_P(ListenBesideAHeldPort, WorksAndGetsTheTraffic) {
  const bool is_v6 = std::string(GetParam()).find(':') != std::string::npos;
  if (is_v6 && !has_ipv6()) GTEST_SKIP() << "no IPv6 on this machine";
  const auto held = claim();

  const Child server([&](const auto& ready) {
    const Fd listening = listen_on(address_of(GetParam(), held.port));
    if (!listening) return 1;
    ready();
    const Fd client{::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    return ::send(client.get(), "hello", 5, 0) == 5 ? 0 : 2;
  });
  ASSERT_TRUE(server.is_ready()) << "bind or listen failed";
  const Fd client{::socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const auto target = address_of(is_v6 ? "::1" : "127.0.0.1", held.port);
  ASSERT_EQ(::connect(client.get(), target.get(), target.size), 0);

  char text[8] = {};
  EXPECT_EQ(::recv(client.get(), text, sizeof text, 0), 5);
}

INSTANTIATE_TEST_SUITE_P(Addresses, ListenBesideAHeldPort,
                         testing::Values("127.0.0.1", "0.0.0.0", "::1", "::"),
                         [](const auto& info) { return std::to_string(info.index); });

TEST(Ports, NobodyAnswersBeforeTheProgramListens) {
  const auto held = claim();
  const Fd client{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const auto target = address_of("127.0.0.1", held.port);

  EXPECT_NE(::connect(client.get(), target.get(), target.size), 0);
  EXPECT_EQ(errno, ECONNREFUSED);
}

TEST(Ports, ASecondClaimFailsInAnyProcess) {
  const auto held = claim();
  const PortRange only{held.port, held.port};

  Child other([&](const auto&) {
    std::uint16_t cursor = held.port;
    const auto second = claim_port(only, cursor);
    return !second && second.error().kind == ErrorKind::Conflict ? 0 : 1;
  });
  EXPECT_EQ(other.wait(), 0);
}

TEST(Ports, AClaimOutlivesItsMakerInWhoeverHoldsTheSocket) {
  auto held = claim();
  const PortRange only{held.port, held.port};
  const Child shim([&](const auto& ready) {
    ready();
    ::pause();
    return 0;
  });
  ASSERT_TRUE(shim.is_ready());
  held.socket.reset();

  std::uint16_t cursor = 0;
  EXPECT_FALSE(claim_port(only, cursor));
}

TEST(Ports, AReleasedPortIsFreeAgain) {
  auto held = claim();
  const PortRange only{held.port, held.port};
  held.socket.reset();

  std::uint16_t cursor = 0;
  EXPECT_TRUE(claim_port(only, cursor));
}

TEST(Ports, AListenerThatIsThereAlreadyIsSkipped) {
  for (const auto* where : {"127.0.0.1", "::1"}) {
    if (where[0] == ':' && !has_ipv6()) continue;
    auto held = claim();
    const auto port = held.port;
    held.socket.reset();
    const Fd server = listen_on(address_of(where, port));
    ASSERT_TRUE(server);

    std::uint16_t cursor = port;
    const auto next = claim_port(own_range(), cursor);

    ASSERT_TRUE(next);
    EXPECT_NE(next->port, port) << where;
  }
}

TEST(Ports, AFullRangeIsAConflictThatNamesIt) {
  const auto held = claim();
  const auto words = std::to_string(held.port) + "-" + std::to_string(held.port);

  std::uint16_t cursor = 0;
  const auto second = claim_port({held.port, held.port}, cursor);

  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::Conflict);
  EXPECT_THAT(second.error().what, HasSubstr(words));
  EXPECT_THAT(second.error().hint, HasSubstr("--port-range"));
}

TEST(Ports, AnEmptyRangeIsRefused) {
  std::uint16_t cursor = 0;
  EXPECT_EQ(claim_port({2000, 1999}, cursor).error().kind, ErrorKind::InvalidSpec);
  EXPECT_EQ(claim_port({0, 0}, cursor).error().kind, ErrorKind::InvalidSpec);
}

TEST(Ports, TheLastPortOfAllWrapsAround) {
  std::uint16_t cursor = 65535;
  const auto held = claim_port({65534, 65535}, cursor);
  ASSERT_TRUE(held);
  const auto next = claim_port({65534, 65535}, cursor);
  ASSERT_TRUE(next);
  EXPECT_NE(held->port, next->port);
}

// Whatever is claimed and released in whatever order from whatever cursor: no port is held twice,
// none is outside of its range, and a claim fails only when all are held.
RC_GTEST_PROP(Ports, NoPortIsEverHeldTwice, ()) {
  const auto base = own_range();
  const PortRange range{base.first, static_cast<std::uint16_t>(base.first + 15)};
  const auto steps = *rc::gen::container<std::vector<std::pair<bool, std::uint16_t>>>(
      rc::gen::pair(rc::gen::arbitrary<bool>(), rc::gen::arbitrary<std::uint16_t>()));
  std::vector<HeldPort> held;
  for (const auto& [release, number] : steps) {
    if (release && !held.empty()) {
      held.erase(held.begin() + number % static_cast<std::ptrdiff_t>(held.size()));
      continue;
    }
    std::uint16_t cursor = number;
    auto claimed = claim_port(range, cursor);
    if (!claimed) {
      RC_ASSERT(held.size() == 16U);
      continue;
    }
    RC_ASSERT(claimed->port >= range.first);
    RC_ASSERT(claimed->port <= range.last);
    for (const auto& other : held) RC_ASSERT(other.port != claimed->port);
    held.push_back(std::move(*claimed));
  }
}

}  // namespace
}  // namespace ringfort::platform
