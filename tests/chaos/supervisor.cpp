#include "supervisor.hpp"

#include "ringfort/api/runtime.hpp"

#include <algorithm>
#include <csignal>
#include <stdexcept>
#include <thread>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ringfort::chaos {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

json refusal(const Error& error) {
  return {{"error", to_string(error.kind)}, {"text", to_string(error)}};
}

json answer(const Status& status) { return status ? json{{"ok", true}} : refusal(status.error()); }

json create(Runtime& runtime, const ContainerId& id, const json& request) {
  specs::Service service;
  service.image.name = "talker";
  const auto command = request.at("command").get<std::vector<std::string>>();
  service.command.entrypoint = {command.front()};
  service.command.args = {command.begin() + 1, command.end()};
  RunOptions options;
  options.own_port = request.at("port").get<bool>();
  options.net = options.own_port ? NetMode::Local : NetMode::None;
  options.isolation = parse_isolation(request.at("level").get<std::string>());
  options.durability = Durability::Process;
  options.replace = false;
  if (auto created = runtime.create_container(id, service, options); !created)
    return refusal(created.error());
  return {{"ok", true}};
}

json inspect(Runtime& runtime, const ContainerId& id) {
  const auto entry = runtime.container_entry(id);
  if (!entry) return refusal(entry.error());
  json shown{{"state", to_string(entry->state.state)},
             {"command", entry->command},
             {"damaged", entry->damaged},
             {"reason", entry->state.reason},
             {"port", entry->port ? json(*entry->port) : json()},
             {"exit", nullptr}};
  if (const auto& exit = entry->state.exit)
    shown["exit"] = {{"code", exit->code},
                     {"known", exit->known},
                     {"signal", exit->signal ? json(*exit->signal) : json()}};
  return {{"ok", true}, {"shown", shown}};
}

json logs(Runtime& runtime, const ContainerId& id) {
  const auto lines = runtime.get_logs(id);
  if (!lines) return refusal(lines.error());
  json list = json::array();
  for (const auto& line : *lines)
    list.push_back({{"message", line.message}, {"notice", line.is_notice}});
  return {{"ok", true}, {"lines", list}};
}

json serve(Runtime& runtime, const json& request) {
  const auto verb = request.at("do").get<std::string>();
  const ContainerId id{request.at("name").get<std::string>(), 1};
  if (verb == "create") return create(runtime, id, request);
  if (verb == "start") {
    const auto started = runtime.start_container(id);
    return started ? json{{"ok", true}} : refusal(started.error());
  }
  if (verb == "stop") return answer(runtime.stop_container(id, 1s));
  if (verb == "kill") return answer(runtime.kill_container(id));
  if (verb == "term") return answer(runtime.kill_container(id, "TERM"));
  if (verb == "rm" || verb == "rm -f") return answer(runtime.remove_container(id));
  if (verb == "inspect") return inspect(runtime, id);
  if (verb == "logs") return logs(runtime, id);
  if (verb == "wait") {
    const auto code = runtime.wait_container(id, 700ms);
    return code ? json{{"code", *code}} : refusal(code.error());
  }
  const auto done = runtime.exec(id, request.at("command").get<std::vector<std::string>>());
  return done ? json{{"code", done->code}} : refusal(done.error());
}

bool read_line(int fd, std::string& line, std::chrono::steady_clock::time_point end) {
  while (line.empty() || line.back() != '\n') {
    const auto left = end - std::chrono::steady_clock::now();
    pollfd ready{fd, POLLIN, 0};
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(left).count();
    if (::poll(&ready, 1, static_cast<int>(std::max<long>(ms, 0))) <= 0) return true;
    char buffer[65536];
    const auto count = ::read(fd, buffer, sizeof buffer);
    if (count <= 0) return false;
    line.append(buffer, static_cast<std::size_t>(count));
  }
  return false;
}

void write_line(int fd, const json& value) {
  const auto text = value.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  for (std::size_t at = 0; at < text.size();) {
    const auto count = ::send(fd, text.data() + at, text.size() - at, MSG_NOSIGNAL);
    if (count <= 0) return;  // whoever asked has gone
    at += static_cast<std::size_t>(count);
  }
}

sockaddr_un address_in(const std::string& directory) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (directory + "/asked").copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

}  // namespace

int supervise(const std::string& data_dir, int listener) {
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &term, nullptr);
  RuntimeConfig config;
  config.data_dir = data_dir;
  config.on_exit = OnExit::Keep;
  auto runtime = Runtime::open(config);
  for (int i = 0; !runtime && i < 100; ++i) {  // the disk may be full
    std::this_thread::sleep_for(50ms);
    runtime = Runtime::open(config);
  }
  if (!runtime) return 3;
  (void)(*runtime)->adopt_containers();  // none has a restart policy; it has to look, though
  std::atomic<int> busy = 0;
  std::thread([&, listener] {
    for (int fd; (fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
      ++busy;
      std::thread([&, fd] {
        std::string line;
        read_line(fd, line, std::chrono::steady_clock::now() + 5s);
        const auto request = json::parse(line, nullptr, false);
        if (!request.is_discarded()) write_line(fd, serve(**runtime, request));
        ::close(fd);
        --busy;
      }).detach();
    }
  }).detach();
  int signal = 0;
  sigwait(&term, &signal);
  while (busy > 0) std::this_thread::sleep_for(5ms);
  runtime->reset();
  return 0;
}

Supervisor::Supervisor(World& world) : world_(world) {
  const auto address = address_in(world.directory());
  ::unlink(address.sun_path);
  listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_, 64) != 0)
    throw std::runtime_error("no socket for the supervisor");
  start();
}

Supervisor::~Supervisor() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    world_.reap(pid_);
  }
  ::close(listener_);
}

void Supervisor::start() {
  pid_ = world_.spawn(
      {"/proc/self/exe", "--supervise", world_.data_dir(), "--listener", std::to_string(listener_)},
      1, 2, listener_);
}

void Supervisor::kill_and_replace() {
  ::kill(pid_, SIGKILL);
  world_.reap(pid_);
  start();
}

int Supervisor::finish() {
  ::kill(pid_, SIGTERM);
  if (!world_.await_end(pid_, 10s)) return -1;
  const int status = world_.reap(pid_);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

json Supervisor::ask(const json& request, std::chrono::milliseconds patience, bool& late) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto address = address_in(world_.directory());
  std::string line;
  late = false;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    write_line(fd, request);
    late = read_line(fd, line, std::chrono::steady_clock::now() + patience);
  }
  ::close(fd);
  const auto answer = json::parse(line, nullptr, false);
  return answer.is_discarded() ? json() : answer;
}

}  // namespace ringfort::chaos
