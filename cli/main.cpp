#include "ringfort/cli/command_line.hpp"
#include "ringfort/cli/last_words.hpp"

int main(int argc, char** argv) {
  ringfort::cli::end_with_a_sentence();
  return ringfort::cli::run_command_line(argc, argv);
}
