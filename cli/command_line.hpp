// From argv to an exit code.
#pragma once

#include "ringfort/cli/command.hpp"

#include <string>
#include <string_view>

namespace ringfort::cli {

/// The whole command.
int run_command_line(int argc, char** argv);

/// Options and tail, told apart with the app's own declarations. Errors: InvalidSpec for an option
/// that is not known (with the nearest one) or lacks its value.
struct Split {
  Arguments options;
  Arguments tail;
};
Result<Split> split_arguments(const CLI::App& app, const Arguments& arguments, Tail tail);

/// Declares `command` on an app of its own, as the command line does; for help and for tests.
std::unique_ptr<CLI::App> make_app(const Verb& verb, Command& command, std::string& data_dir);

/// Parses what split_arguments left. Errors: InvalidSpec in our words; help is no error: true.
Result<bool> parse_options(CLI::App& app, const Arguments& options);

/// The text of `ringfort --help` and of `ringfort VERB --help`.
std::string root_help();
std::string verb_help(const Verb& verb);

}  // namespace ringfort::cli
