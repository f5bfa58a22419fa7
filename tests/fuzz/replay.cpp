// For compilers without libFuzzer: runs a target on the files of its corpus, and on each of them
// cut short and with single bytes changed.
#include "fuzz.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

namespace {

using Input = std::basic_string<char>;

std::size_t runs = 0;

void run(const Input& input) {
  ++runs;
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

void run_near(const Input& input) {
  run(input);
  const std::size_t step = input.size() / 64 + 1;
  for (std::size_t at = 0; at < input.size(); at += step) {
    run(input.substr(0, at));
    for (const char value : {'\0', '\xff', '\n', '"', '(', '9'}) {
      Input changed = input;
      changed[at] = value;
      run(changed);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i)
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      std::ifstream file(entry.path(), std::ios::binary);
      run_near({std::istreambuf_iterator<char>(file), {}});
    }
  std::printf("%zu runs\n", runs);
  return runs > 0 ? 0 : 1;
}
