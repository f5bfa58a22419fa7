// Level `network`: a network of its own, from which nothing goes out and into which only the own
// and the listed ports lead.
#include "detached_fixture.hpp"
#include "ringfort/platform/fd.hpp"
#include "ringfort/support/leak_check.hpp"
#include "runtime_fixture.hpp"

#include <csignal>
#include <filesystem>
#include <thread>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace ringfort::test {
namespace {

using platform::Fd;
using testing::HasSubstr;
using testing::Not;

template <class Address>
const sockaddr* plain(const Address& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// For each read and write.
void wait_at_most(const Fd& fd, std::chrono::milliseconds patience) {
  const timeval time{patience.count() / 1000, patience.count() % 1000 * 1000};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

/// Not open when nobody listens there.
Fd call(std::uint16_t port) {
  Fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  wait_at_most(fd, 20s);
  const auto address = loopback(port);
  if (::connect(fd.get(), plain(address), sizeof address) == 0) return fd;
  EXPECT_TRUE(errno == ECONNREFUSED || errno == ECONNRESET) << errno;
  fd.reset();
  return fd;
}

Fd call_v6(std::uint16_t port) {
  Fd fd{::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  address.sin6_addr = in6addr_loopback;
  wait_at_most(fd, 20s);
  if (::connect(fd.get(), plain(address), sizeof address) != 0) fd.reset();
  return fd;
}

/// A listener of the host's, and its port.
Fd host_service(std::uint16_t& port) {
  Fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  auto address = loopback(0);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(fd.get(), plain(address), sizeof address), 0);
  EXPECT_EQ(::listen(fd.get(), 8), 0);
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  port = ntohs(address.sin_port);
  return fd;
}

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7 % 251);
  return bytes;
}

bool send_text(const Fd& fd, std::string_view text) {
  while (!text.empty()) {
    const auto sent = ::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

/// To the end, or until `size` bytes are here. An error ends it with a word for it.
std::string receive(const Fd& fd, std::size_t size = SIZE_MAX) {
  std::string text;
  char buffer[65536];
  while (text.size() < size) {
    const auto got = ::recv(fd.get(), buffer, std::min(sizeof buffer, size - text.size()), 0);
    if (got < 0) return text + "<error>";
    if (got == 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  return text;
}

/// Sends, says that this is all, and reads what comes back.
std::string echoed(const Fd& fd, std::string_view text) {
  if (!fd) return "<refused>";
  std::thread sender([&] {
    (void)send_text(fd, text);  // the answer tells
    ::shutdown(fd.get(), SHUT_WR);
  });
  auto answer = receive(fd);
  sender.join();
  return answer;
}

std::string expected(std::string_view text) {
  return std::string{text} + "end " + std::to_string(text.size());
}

std::size_t relays() {
  std::size_t count = 0;
  for (const int pid : descendants())
    if (name_of(pid) == "ringfort-relay") ++count;
  return count;
}

bool has_relays(std::size_t count) {
  return eventually(10s, [&] { return relays() == count; });
}

class NetworkLevel : public DetachedFixture {
 protected:
  void SetUp() override {
    DetachedFixture::SetUp();
    if (IsSkipped()) return;
    std::filesystem::copy_file(RINGFORT_VICTIMS_DIR "/netpeer", peer_);
    ::chmod(peer_.c_str(), 0755);
  }
  void TearDown() override {
    DetachedFixture::TearDown();
    EXPECT_TRUE(is_refused_ || has_relays(0));
  }

  std::vector<std::string> words(const std::string& level, std::vector<std::string> flags,
                                 const std::vector<std::string>& arguments) const {
    std::vector<std::string> all{"run", "--isolation", level, "--read", peer_};
    all.insert(all.end(), flags.begin(), flags.end());
    all.insert(all.end(), {"--", peer_});
    all.insert(all.end(), arguments.begin(), arguments.end());
    return all;
  }
  std::string peer(const std::string& level, const std::vector<std::string>& flags,
                   const std::vector<std::string>& arguments) const {
    const auto ended = run(words(level, flags, arguments));
    EXPECT_EQ(ended.code, 0) << ended.err;
    return ended.out;
  }
  /// Detached, under this name; the own port.
  std::uint16_t serve(const std::string& name,
                      const std::vector<std::string>& arguments = {"serve"},
                      std::vector<std::string> flags = {"--port"}) const {
    flags.insert(flags.end(), {"-d", "--name", name});
    const auto made = run(words(level_, flags, arguments));
    EXPECT_EQ(made.code, 0) << made.err;
    EXPECT_TRUE(has_said(name, "ready\n"));
    const auto port = inspect(name)["port"];
    return port.is_number() ? port.get<std::uint16_t>() : std::uint16_t{0};
  }

  std::string peer_ = command_.home() + "/netpeer";
};

TEST_P(NetworkLevel, HasItsOwnLoopbackAndNothingElse) {
  EXPECT_EQ(peer(level_, {}, {"links"}), peer("namespaces", {"--seccomp", "strict"}, {"links"}))
      << "without sockets nobody can ask";
  EXPECT_EQ(peer(level_, {"--net", "local"}, {"try", "127.0.0.1", "9"}), "Permission denied\n");
  EXPECT_EQ(peer(level_, {"--connect", "9"}, {"try", "127.0.0.1", "9"}), "refused\n");
  EXPECT_EQ(peer(level_, {"--connect", "9"}, {"try", "192.0.2.1", "9"}), "unreachable\n");
  EXPECT_EQ(run({"run", "--isolation", level_, "--", "sh", "-c",
                 "tail -n +3 /proc/net/dev | cut -d: -f1; ls /sys/class/net 2>/dev/null"})
                .out,
            "    lo\n");
}

TEST_P(NetworkLevel, DoesNotReachTheHostsServices) {
  std::uint16_t port = 0;
  const Fd service = host_service(port);
  const auto text = std::to_string(port);
  EXPECT_EQ(peer("namespaces", {"--connect", text}, {"try", "127.0.0.1", text}), "connected\n");
  EXPECT_EQ(peer(level_, {"--connect", text}, {"try", "127.0.0.1", text}), "refused\n");

  const std::string name = "ringfort-test-" + std::to_string(::getpid());
  const Fd abstract{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  ASSERT_EQ(::bind(abstract.get(), plain(address), size), 0);
  ASSERT_EQ(::listen(abstract.get(), 8), 0);
  auto outside = command_.argv({});
  outside.back() = peer_;
  outside.insert(outside.end(), {"abstract", name});
  EXPECT_EQ(run_program(outside, command_.options()).out, "connected\n");
  EXPECT_EQ(peer(level_, {}, {"abstract", name}), "refused\n") << "no such name in this namespace";
}

TEST_P(NetworkLevel, TheOwnPortLeadsIn) {
  const auto port = serve("web");
  EXPECT_EQ(relays(), 1U);
  EXPECT_EQ(echoed(call(port), "hello"), expected("hello"));
  EXPECT_EQ(echoed(call_v6(port), "hello"), expected("hello"));
  const auto shown = inspect("web");
  EXPECT_EQ(shown["level"], "network");
  EXPECT_THAT(shown["layers"].dump(), HasSubstr("network namespace"));
  EXPECT_THAT(run({"ps", "--filter", "level=network"}).out, HasSubstr("web-1"));
  EXPECT_EQ(run({"stop", "-t", "0", "web"}).code, 0);
  EXPECT_FALSE(call(port)) << "refused as soon as the end is told";
  EXPECT_TRUE(has_relays(0));
}

TEST_P(NetworkLevel, AProgramOnTheOtherLoopbackAddressIsFound) {
  EXPECT_EQ(echoed(call(serve("six", {"serve6"})), "hello"), expected("hello"));
}

TEST_P(NetworkLevel, CarriesMegabytesBothWaysAtOnce) {
  const auto port = serve("web");
  const auto bytes = pattern(std::size_t{16} << 20U);
  EXPECT_TRUE(echoed(call(port), bytes) == expected(bytes));
}

TEST_P(NetworkLevel, HalfOfAConnectionMayClose) {
  const auto port = serve("web");
  const Fd fd = call(port);
  ASSERT_TRUE(fd);
  ASSERT_TRUE(send_text(fd, "one"));
  EXPECT_EQ(receive(fd, 3), "one") << "nothing is held back";
  ASSERT_TRUE(send_text(fd, "two"));
  ::shutdown(fd.get(), SHUT_WR);
  EXPECT_EQ(receive(fd), "twoend 6");
}

TEST_P(NetworkLevel, ServesFiftyAtOnceWhoseCallersMayGoAway) {
  const auto port = serve("web");
  std::vector<Fd> idle;
  for (int i = 0; i < 25; ++i) {
    idle.push_back(call(port));
    ASSERT_TRUE(idle.back());
    ASSERT_TRUE(send_text(idle.back(), "waiting"));
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < 25; ++i)
    threads.emplace_back([port, i] {
      const auto bytes = pattern(200'000 + static_cast<std::size_t>(i));
      EXPECT_TRUE(echoed(call(port), bytes) == expected(bytes));
    });
  for (auto& thread : threads) thread.join();
  const linger at_once{1, 0};
  ::setsockopt(idle[0].get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  idle[0].reset();
  EXPECT_EQ(receive(idle[1], 7), "waiting");
  idle.clear();
  EXPECT_EQ(echoed(call(port), "still"), expected("still"));
}

TEST_P(NetworkLevel, MoreCallersThanItTakesWaitTheirTurn) {
  const auto port = serve("web");
  std::vector<Fd> callers;
  for (int i = 0; i < 300; ++i) {
    callers.push_back(call(port));
    ASSERT_TRUE(callers.back()) << i;
    ASSERT_TRUE(send_text(callers.back(), "x"));
  }
  for (const auto& one : callers) {
    ::shutdown(one.get(), SHUT_WR);
    EXPECT_EQ(receive(one), "xend 1");
  }
}

/// What the container wrote is the caller's, though its program has ended.
TEST_P(NetworkLevel, TheLastWordsOfAProgramArrive) {
  const Fd fd = call(serve("last", {"talk"}));
  ASSERT_TRUE(fd);
  // Every buffer on the way is full when it ends, and nobody has read.
  EXPECT_EQ(run({"wait", "last"}).out, "0\n");
  const auto bytes = receive(fd);
  EXPECT_TRUE(has_said("last", "sent " + std::to_string(bytes.size()) + "\n"));
  EXPECT_GT(bytes.size(), 100'000U);
  EXPECT_TRUE(bytes == pattern(bytes.size()));
}

TEST_P(NetworkLevel, WhereNobodyListensTheCallerIsReset) {
  start("idle", "echo up; exec sleep 1000", {"--port"});
  ASSERT_TRUE(has_said("idle", "up"));
  const Fd fd = call(inspect("idle")["port"].get<std::uint16_t>());
  ASSERT_TRUE(fd);
  EXPECT_EQ(receive(fd), "<error>");
}

TEST_P(NetworkLevel, AListedPortLeadsInUnlessSomebodyHasIt) {
  std::uint16_t port = 0;
  Fd taken = host_service(port);
  const auto text = std::to_string(port);
  const auto refused = run(words(level_, {"--listen", text}, {"serve", text}));
  EXPECT_EQ(refused.code, 125);
  EXPECT_THAT(refused.err, HasSubstr("relay of port " + text));
  EXPECT_THAT(refused.err, HasSubstr("another program of this machine listens there"));
  taken.reset();
  serve("web", {"serve", text}, {"--listen", text});
  EXPECT_EQ(echoed(call(port), "hello"), expected("hello"));
}

TEST_P(NetworkLevel, WithoutPortsThereIsNoRelay) {
  start("idle", "echo up; exec sleep 1000");
  ASSERT_TRUE(has_said("idle", "up"));
  EXPECT_EQ(relays(), 0U);
}

TEST_P(NetworkLevel, TheRelayIsOutOfTheContainersSight) {
  serve("web");
  const auto seen = run({"exec", "web", "sh", "-c", "cat /proc/[0-9]*/comm; kill -9 -1; true"});
  EXPECT_THAT(seen.out, HasSubstr("netpeer"));
  EXPECT_THAT(seen.out, Not(HasSubstr("relay")));
  EXPECT_TRUE(has_relays(0)) << "the program has been killed, and with it the container ends";
}

TEST_P(NetworkLevel, AnExecIsInTheSameNetwork) {
  const auto port = serve("web");
  const auto text = std::to_string(port);
  EXPECT_EQ(run({"exec", "web", peer_, "try", "127.0.0.1", text}).out, "connected\n");
  const auto own = run({"exec", "web", "readlink", "/proc/self/ns/net"}).out;
  EXPECT_NE(own, std::filesystem::read_symlink("/proc/self/ns/net").string() + "\n");
  EXPECT_EQ(run({"exec", "web", "readlink", "/proc/self/ns/net"}).out, own);
}

TEST_P(NetworkLevel, StandsStillWhilePausedAndGoesOn) {
  const auto port = serve("web");
  ASSERT_EQ(run({"pause", "web"}).code, 0);
  const Fd fd = call(port);
  ASSERT_TRUE(fd);
  ASSERT_TRUE(send_text(fd, "hello"));
  wait_at_most(fd, 200ms);
  EXPECT_EQ(receive(fd, 5), "<error>") << "nobody answers";
  wait_at_most(fd, 20s);
  ASSERT_EQ(run({"unpause", "web"}).code, 0);
  EXPECT_EQ(receive(fd, 5), "hello");
}

/// Each verb is another supervisor; the last one starts it again.
TEST_P(NetworkLevel, AnotherSupervisorFindsAndRestartsIt) {
  const auto port = serve("web");
  for (int life = 0; life < 3; ++life) {
    EXPECT_EQ(echoed(call(port), "hello"), expected("hello")) << life;
    EXPECT_TRUE(has_relays(1)) << "the one of the life before may still be ending";
    ASSERT_EQ(run({"stop", "-t", "0", "web"}).code, 0);
    const auto started = run({"start", "web"});
    ASSERT_EQ(started.code, 0) << started.err;
    ASSERT_TRUE(eventually(10s, [&] { return echoed(call(port), "up") == expected("up"); }));
  }
  EXPECT_EQ(inspect("web")["port"], port);
}

TEST_P(NetworkLevel, AKilledShimTakesItsRelayAlong) {
  const auto port = serve("web");
  for (const int pid : descendants())
    if (name_of(pid) == "ringfort-shim") ::kill(pid, SIGKILL);
  EXPECT_TRUE(has_relays(0));
  EXPECT_FALSE(call(port));
  const auto started = run({"start", "web"});
  ASSERT_EQ(started.code, 0) << started.err;
  EXPECT_TRUE(eventually(10s, [&] { return echoed(call(port), "up") == expected("up"); }));
}

TEST_P(NetworkLevel, AKilledRelayRefusesItsCallersAndTheContainerLives) {
  const auto port = serve("web");
  for (const int pid : descendants())
    if (name_of(pid) == "ringfort-relay") ::kill(pid, SIGKILL);
  EXPECT_TRUE(eventually(10s, [&] { return !call(port); })) << "not left waiting for ever";
  EXPECT_EQ(inspect("web")["state"], "running");
}

TEST_P(NetworkLevel, TheMachinesNetworkIsRefusedWithAWord) {
  const auto full = run(words(level_, {"--net", "full"}, {"links"}));
  EXPECT_EQ(full.code, 125);
  EXPECT_THAT(full.err, HasSubstr("--isolation namespaces"));
}

TEST_P(NetworkLevel, ProgramsMayListenOnLowPorts) {
  EXPECT_EQ(run({"run", "--isolation", level_, "--", "sh", "-c",
                 "cat /proc/sys/net/ipv4/ip_unprivileged_port_start"})
                .out,
            "0\n");
}

TEST_P(NetworkLevel, AProcessLimitDoesNotCountTheRelay) {
  command_.write("spec.yaml",
                 "version: v1\n"
                 "deployment: demo\n"
                 "services:\n"
                 "  job:\n"
                 "    rtype: job\n"
                 "    image: {name: host}\n"
                 "    command: {entrypoint: [sh, -c, 'sleep 0.1 & sleep 0.1 & wait']}\n"
                 "    resources: {pids_limit: 3}\n"
                 "    endpoints: [{name: web, protocol: tcp, port: 38080}]\n");
  const auto enough = run({"up", "--isolation", level_, "spec.yaml"});
  EXPECT_EQ(enough.code, 0) << enough.err << enough.out;
  EXPECT_THAT(enough.err + enough.out, Not(HasSubstr("fork")));
}

INSTANTIATE_TEST_SUITE_P(, NetworkLevel,
                         testing::Combine(testing::Values("network"),
                                          testing::Values(User::Own, User::Plain)),
                         [](const auto& row) {
                           return std::get<1>(row.param) == User::Own ? "Own" : "Plain";
                         });

class RuntimeNetwork : public RuntimeTest {
 protected:
  std::uint16_t port_of(const ContainerId& id) {
    const auto port = runtime_->get_container_port_override(id);
    EXPECT_TRUE(ok(port) && *port);
    return port && *port ? **port : std::uint16_t{0};
  }
  specs::Service behind(std::uint16_t endpoint, const std::string& inside) {
    auto service = victim("netpeer", {"serve", inside});
    specs::Endpoint web;
    web.name = "web";
    web.port = endpoint;
    web.target_port = static_cast<std::uint16_t>(std::stoi(inside));
    service.endpoints.push_back(web);
    return service;
  }
};

TEST_P(RuntimeNetwork, TwoContainersListenOnTheSamePort) {
  std::uint16_t endpoint = 0;
  host_service(endpoint).reset();  // a free one
  const auto service = behind(endpoint, "80");
  launch({"web", 1}, service);
  launch({"web", 2}, service);
  await_ready({"web", 1});
  await_ready({"web", 2});
  for (const std::uint32_t replica : {1U, 2U})
    EXPECT_EQ(echoed(call(port_of({"web", replica})), "hello"), expected("hello"));
  EXPECT_EQ(echoed(call(endpoint), "hello"), expected("hello")) << "the first one's";
  EXPECT_TRUE(ok(runtime_->stop_container({"web", 1}, 0s)));
  EXPECT_FALSE(call(endpoint)) << "the port was not free when the second one started";
  EXPECT_EQ(echoed(call(port_of({"web", 2})), "hello"), expected("hello"));
}

TEST_P(RuntimeNetwork, AnUnlistedPortDoesNotLeadIn) {
  std::uint16_t port = 0;
  host_service(port).reset();
  launch({"web", 1}, victim("netpeer", {"serve", std::to_string(port)}));
  await_ready({"web", 1});
  EXPECT_FALSE(call(port));
  const auto inside =
      runtime_->exec({"web", 1}, {"/netpeer", "try", "127.0.0.1", std::to_string(port)});
  ASSERT_TRUE(ok(inside));
  EXPECT_EQ(inside->out, "connected\n") << "where its network is not held, it is its own";
  const auto out = runtime_->exec({"web", 1}, {"/netpeer", "udp", "192.0.2.1", "53"});
  ASSERT_TRUE(ok(out));
  EXPECT_EQ(out->out, "unreachable\n");
  const auto links = runtime_->exec({"web", 1}, {"/netpeer", "links"});
  ASSERT_TRUE(ok(links));
  EXPECT_EQ(links->out, "lo\n");
}

TEST_P(RuntimeNetwork, AHandedListenerNeedsNoRelay) {
  auto service = victim("listener", {"handed"});
  specs::Endpoint endpoint;
  endpoint.name = "front";
  endpoint.port = 8080;
  endpoint.socket_activation = true;
  service.endpoints.push_back(endpoint);
  launch({"front", 1}, service);
  EXPECT_EQ(relays(), 0U);
  EXPECT_EQ(receive(call(port_of({"front", 1}))), "served");
  EXPECT_EQ(end_of({"front", 1}).code, 0);
}

INSTANTIATE_TEST_SUITE_P(Network, RuntimeNetwork, testing::Values(Isolation::Network));

}  // namespace
}  // namespace ringfort::test
