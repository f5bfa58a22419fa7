#include "ringfort/cli/command_line.hpp"

int main(int argc, char** argv) { return ringfort::cli::run_command_line(argc, argv); }
