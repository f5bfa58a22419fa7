#include "ringfort/support/command.hpp"

#include <chrono>
#include <filesystem>
#include <thread>

#include <sys/stat.h>

namespace ringfort::test {
namespace {

namespace fs = std::filesystem;

const std::string built = RINGFORT_BIN_DIR "/ringfort";

const std::vector<std::string>& as_plain_user() {
  static const std::vector<std::string> words{"setpriv", "--reuid=4242", "--regid=4242",
                                              "--clear-groups"};
  return words;
}

bool may_plain_user_run(const std::string& program) {
  auto argv = as_plain_user();
  argv.insert(argv.end(), {"test", "-x", program});
  return run_program(argv).code == 0;
}

std::vector<std::string> names_left(const std::string& data_dir) {
  std::vector<std::string> left;
  for (const char* folder : {"containers", "state", ".staging", ".trash"}) {
    const auto path = data_dir + "/" + folder;
    if (!exists(path)) continue;
    for (const auto& name : names_in(path))
      if (name != "owners") left.push_back(std::string{folder} + "/" + name);
  }
  const auto owners = data_dir + "/state/owners";
  if (exists(owners))
    for (const auto& name : names_in(owners)) left.push_back("state/owners/" + name);
  return left;
}

}  // namespace

Command::Command(User user)
    : user_(user), home_(fs::canonical(dir_.path()).string() + "/home"), program_(built) {
  fs::create_directory(home_);
  ::chmod(dir_.path().c_str(), 0755);
  if (user_ == User::Own) return;
  (void)!::chown(home_.c_str(), kPlainUid, kPlainUid);
  // The build may lie in a home that others can't enter; the command runs from anywhere.
  if (may_plain_user_run(built)) return;
  program_ = dir_ / "ringfort";
  fs::copy_file(built, program_);
}

void Command::upgrade() {
  const std::string raised = RINGFORT_BIN_DIR "/ringfort-raised";
  if (program_ == built) {
    program_ = raised;
  } else {
    program_ = dir_ / "ringfort-raised";
    fs::copy_file(raised, program_);
  }
}

std::vector<std::string> Command::argv(const std::vector<std::string>& words) const {
  auto argv = user_ == User::Own ? std::vector<std::string>{} : as_plain_user();
  argv.push_back(program_);
  argv.insert(argv.end(), words.begin(), words.end());
  return argv;
}

ProgramOptions Command::options(std::string stdin_text) const {
  return {{{"HOME", home_}, {"RINGFORT_DATA_DIR", data_dir()}}, home_, std::move(stdin_text)};
}

Outcome Command::run(const std::vector<std::string>& words, const std::string& stdin_text) const {
  return run_program(argv(words), options(stdin_text));
}

void Command::write(const std::string& name, std::string_view text) const {
  write_file(home_ + "/" + name, text);
  if (user_ == User::Plain) (void)!::chown((home_ + "/" + name).c_str(), kPlainUid, kPlainUid);
}

std::vector<std::string> Command::leftovers() const {
  // Deletion goes on in the background for a moment.
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{5};
  auto left = names_left(data_dir());
  while (!left.empty() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    left = names_left(data_dir());
  }
  return left;
}

std::optional<std::string> Command::refusal(const std::string& level) const {
  const auto end = run({"run", "--isolation", level, "--", "true"});
  if (end.code == 0) return std::nullopt;
  return end.err;
}

}  // namespace ringfort::test
