#include "ringfort/cli/up/line_splitter.hpp"

namespace ringfort::cli {
namespace {

constexpr std::size_t longest = 64 << 10;

}  // namespace

void LineSplitter::add(std::string_view bytes, const Take& take) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const auto part = bytes.substr(0, end);
    rest_ += part;
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
    if (end == std::string_view::npos && rest_.size() < longest) return;
    take(rest_);
    rest_.clear();
  }
}

void LineSplitter::finish(const Take& take) {
  if (!rest_.empty()) take(rest_);
  rest_.clear();
}

}  // namespace ringfort::cli
