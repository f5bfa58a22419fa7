// Lives one after the other in one supervisor at durability full, whose directories are used again.
//
//   power_cut_lives LEVEL DATA_DIR MARKS
//
// Before and after each step a line is appended to MARKS: whom it is about, and what is promised
// from then on. power_cut.py reads them in the trace.
#include "ringfort/api/runtime.hpp"
#include "ringfort/specs/service.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <unistd.h>

namespace {

using namespace ringfort;

constexpr const char* kNothing = "{}";
constexpr const char* kThere = R"({"there": true})";

class Marks {
 public:
  explicit Marks(const char* path)
      : fd_(::open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)) {}
  void say(const ContainerId& id, const std::string& promise) const {
    const auto line = "[\"" + id.str() + "\", " + promise + "]\n";
    if (::write(fd_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::exit(2);
  }

 private:
  int fd_;
};

template <class Answer>
void need(const Answer& answer, const char* what) {
  if (answer) return;
  std::fprintf(stderr, "%s: %s\n", what, to_string(answer.error()).c_str());
  std::exit(1);
}

void live(Runtime& runtime, const Marks& marks, const ContainerId& id, int code) {
  specs::Service service;
  service.image.name = "host";
  service.command.entrypoint = {"/bin/sh", "-c", "echo said; exit " + std::to_string(code)};
  RunOptions options;
  options.durability = Durability::Full;
  const auto ended = R"({"there": true, "exit": )" + std::to_string(code) + "}";
  marks.say(id, kNothing);
  need(runtime.create_container(id, service, options), "create");
  marks.say(id, R"({"there": true, "starts": )" + std::to_string(code) + "}");
  for (int life = 0; life < 2; ++life) {
    marks.say(id, kThere);
    need(runtime.start_container(id), "start");
    marks.say(id, kThere);
    need(runtime.wait_exit(id), "wait");
    marks.say(id, ended);
  }
  marks.say(id, kNothing);
  need(runtime.remove_container(id), "remove");
  marks.say(id, R"({"gone": true})");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  RuntimeConfig config;
  config.isolation =
      std::string(argv[1]) == "landlock" ? Isolation::Landlock : Isolation::Namespaces;
  config.data_dir = argv[2];
  const Marks marks(argv[3]);
  auto runtime = Runtime::open(config);
  need(runtime, "open");
  for (int i = 0; i < 3; ++i)
    live(**runtime, marks, {"life" + std::string(1, static_cast<char>('a' + i)), 1}, 3 + i);
}
