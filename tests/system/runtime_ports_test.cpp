// Own ports: nobody else gets them, they stay, and they are handed over on request.
#include "ringfort/support/child.hpp"
#include "ringfort/support/eventually.hpp"
#include "runtime_fixture.hpp"

#include <gmock/gmock.h>

#include <memory>
#include <set>
#include <thread>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

namespace ringfort::test {
namespace {

using testing::HasSubstr;

class RuntimePorts : public RuntimeTest {
 protected:
  specs::Service handed_over() {
    auto service = victim("listener", {"handed"});
    specs::Endpoint endpoint;
    endpoint.name = "front";
    endpoint.port = 8080;
    endpoint.socket_activation = true;
    service.endpoints.push_back(endpoint);
    return service;
  }
  std::uint16_t port_of(const ContainerId& id) {
    const auto port = runtime_->get_container_port_override(id);
    EXPECT_TRUE(ok(port) && *port);
    return port && *port ? **port : std::uint16_t{0};
  }
  std::string first_line(const ContainerId& id) {
    std::string line;
    EXPECT_TRUE(eventually(10s, [&] {
      const auto lines = runtime_->get_logs(id);
      if (lines && !lines->empty()) line = lines->back().message;
      return !line.empty();
    }));
    return line;
  }
};

int connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  ::close(fd);
  return -1;
}

std::string read_answer(int fd) {
  char text[16] = {};
  const auto size = ::read(fd, text, sizeof text);
  ::close(fd);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string{};
}

/// A process that takes and drops ephemeral ports all the time.
std::unique_ptr<Child> churner() {
  return std::make_unique<Child>([](const std::function<void()>& ready) -> int {
    ready();
    for (;;) {
      const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
      sockaddr_in any{};
      any.sin_family = AF_INET;
      (void)::bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any);
      ::close(fd);
      // Twenty that never rest would leave nothing of two cores for those who are tested.
      ::usleep(100);
    }
  });
}

TEST_P(RuntimePorts, NoStartMeetsAnotherOfItsPort) {
  std::vector<std::unique_ptr<Child>> churners;
  for (int i = 0; i < 20; ++i) churners.push_back(churner());
  for (const auto& one : churners) ASSERT_TRUE(one->is_ready());
  const auto service = victim("listener", {"own"});
  // A network namespace each takes its time to be taken down.
  const std::uint32_t starts = GetParam() == Isolation::Network ? 100 : 500;
  constexpr std::uint32_t kThreads = 4;
  std::vector<std::thread> threads;
  for (std::uint32_t thread = 0; thread < kThreads; ++thread)
    threads.emplace_back([&, thread] {
      for (std::uint32_t i = thread; i < starts; i += kThreads) launch({"own", i + 1}, service);
    });
  for (auto& thread : threads) thread.join();
  std::set<std::uint16_t> ports;
  for (std::uint32_t i = 0; i < starts; ++i) {
    const ContainerId id{"own", i + 1};
    EXPECT_EQ(end_of(id).code, 0) << id.str() << " could not listen (the code is errno)";
    const auto port = port_of(id);
    EXPECT_GT(port, 1024);
    EXPECT_TRUE(ports.insert(port).second) << port << " is given twice";
  }
}

TEST_P(RuntimePorts, APortStaysOverStopAndStart) {
  const ContainerId id{"own", 1};
  const auto service = victim("idle");
  launch(id, service);
  const auto port = port_of(id);
  for (int round = 0; round < 3; ++round) {
    EXPECT_TRUE(ok(runtime_->stop_container(id, 0s)));
    EXPECT_TRUE(ok(runtime_->start_container(id)));
    EXPECT_EQ(port_of(id), port);
  }
}

TEST_P(RuntimePorts, AListenerIsHandedOver) {
  const ContainerId id{"front", 1};
  launch(id, handed_over());
  EXPECT_EQ(first_line(id), "fds 1 names front pid mine");
  const auto port = port_of(id);
  EXPECT_EQ(read_answer(connect_to(port)), "served");
  EXPECT_EQ(end_of(id).code, 0);

  // The runtime holds it between two lives: who comes then is served by the next one.
  const int early = connect_to(port);
  ASSERT_GE(early, 0);
  ASSERT_TRUE(ok(runtime_->start_container(id)));
  EXPECT_EQ(port_of(id), port);
  EXPECT_EQ(read_answer(early), "served");
  EXPECT_EQ(end_of(id).code, 0);
}

TEST_P(RuntimePorts, AProgramThatMayMakeNoSocketsServesOnTheOneItIsHanded) {
  auto own = victim("listener", {"own"});
  own.seccomp = specs::SeccompProfile::Strict;
  launch({"own", 1}, own);
  EXPECT_EQ(end_of({"own", 1}).code, EPERM);

  auto service = handed_over();
  service.seccomp = specs::SeccompProfile::Strict;
  const ContainerId id{"front", 1};
  launch(id, service);
  EXPECT_EQ(first_line(id), "fds 1 names front pid mine");
  EXPECT_EQ(read_answer(connect_to(port_of(id))), "served");
  EXPECT_EQ(end_of(id).code, 0);
}

TEST_P(RuntimePorts, OnlyTheProgramIsHandedTheListener) {
  auto service = handed_over();
  service.image.name = "host";
  service.command.entrypoint = {"sh", "-c", "echo \"$LISTEN_FDS $LISTEN_PID $$\"; exec sleep 1000"};
  service.command.args.clear();
  const ContainerId id{"front", 1};
  launch(id, service);
  const auto line = first_line(id);
  const auto space = line.rfind(' ');
  EXPECT_EQ(line.substr(0, space), "1 " + line.substr(space + 1)) << line;
  const auto inside =
      runtime_->exec(id, {"sh", "-c", "env; test -e /proc/self/fd/3 || echo no descriptor"});
  ASSERT_TRUE(ok(inside));
  EXPECT_THAT(inside->out, HasSubstr("no descriptor"));
  EXPECT_THAT(inside->out, testing::Not(HasSubstr("LISTEN_")));
}

INSTANTIATE_AT_LEVELS(RuntimePorts);
INSTANTIATE_TEST_SUITE_P(Network, RuntimePorts, testing::Values(Isolation::Network));

}  // namespace
}  // namespace ringfort::test
