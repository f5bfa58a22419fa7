// The makers of all verbs; each is defined in the file of its name.
#pragma once

#include "ringfort/cli/command.hpp"

#include <memory>

namespace ringfort::cli {

std::unique_ptr<Command> make_run();
std::unique_ptr<Command> make_batch();
std::unique_ptr<Command> make_up();
std::unique_ptr<Command> make_explain();
std::unique_ptr<Command> make_validate();
std::unique_ptr<Command> make_image();
std::unique_ptr<Command> make_version();

}  // namespace ringfort::cli
