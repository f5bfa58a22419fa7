// A listener that a spec has handed to its program, through the command and for both users.
#include "detached_fixture.hpp"

#include <array>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

namespace ringfort {
namespace {

using HandoverCommand = test::DetachedFixture;

std::string ask(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::array<char, 16> text{};
  ssize_t size = -1;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    size = ::read(fd, text.data(), text.size());
  ::close(fd);
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string{};
}

TEST_P(HandoverCommand, ASpecsProgramIsHandedItsListener) {
  const std::string script =
      "import os, socket\n"
      "listener = socket.socket(fileno=3)\n"
      "mine = os.environ['LISTEN_PID'] == str(os.getpid())\n"
      "print('port', listener.getsockname()[1], mine, os.environ['LISTEN_FDS'],"
      " os.environ['LISTEN_FDNAMES'], flush=True)\n"
      "client, _ = listener.accept()\n"
      "client.sendall(b'served')\n";
  command_.write(
      "spec.yaml",
      "version: v1\ndeployment: test\nservices:\n  web:\n    image: {name: host}\n"
      "    rtype: job\n    scale: {mode: fixed, replicas: 1}\n"
      "    endpoints: [{name: front, port: 8080, protocol: http, socket_activation: true}]\n"
      "    command: {entrypoint: [python3, -c, " +
          test::json(script).dump() + "]}\n");
  test::Program up{command_.argv({"up", "--isolation", level_, "spec.yaml"}), command_.options()};
  ASSERT_TRUE(up.has_said(" True 1 front\n")) << up.finish().err;
  const auto& said = up.said();
  EXPECT_EQ(ask(std::stoi(said.substr(said.find("port ") + 5))), "served");
  const auto end = up.finish();
  EXPECT_EQ(end.code, 0) << end.err;
}

RINGFORT_EACH_LEVEL_AND_USER(HandoverCommand);

}  // namespace
}  // namespace ringfort
