// The makers of all verbs. ps.cpp, lives.cpp, looks.cpp, exec.cpp and stats.cpp hold those for
// containers by name.
#pragma once

#include "ringfort/cli/command.hpp"

#include <memory>

namespace ringfort::cli {

std::unique_ptr<Command> make_run();
std::unique_ptr<Command> make_batch();
std::unique_ptr<Command> make_up();
std::unique_ptr<Command> make_explain();
std::unique_ptr<Command> make_why();
std::unique_ptr<Command> make_validate();
std::unique_ptr<Command> make_image();
std::unique_ptr<Command> make_volume();
std::unique_ptr<Command> make_doctor();
std::unique_ptr<Command> make_bench();
std::unique_ptr<Command> make_version();
std::unique_ptr<Command> make_create();
std::unique_ptr<Command> make_start();
std::unique_ptr<Command> make_stop();
std::unique_ptr<Command> make_kill();
std::unique_ptr<Command> make_rm();
std::unique_ptr<Command> make_wait();
std::unique_ptr<Command> make_pause();
std::unique_ptr<Command> make_unpause();
std::unique_ptr<Command> make_prune();
std::unique_ptr<Command> make_ps();
std::unique_ptr<Command> make_inspect();
std::unique_ptr<Command> make_logs();
std::unique_ptr<Command> make_exec();
std::unique_ptr<Command> make_stats();
std::unique_ptr<Command> make_diff();

}  // namespace ringfort::cli
