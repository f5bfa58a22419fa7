#include "ringfort/cli/bench/samples.hpp"

#include <algorithm>
#include <iterator>

namespace ringfort::cli {
namespace {

void merge(Samples& into, const Samples& more) {
  const auto middle = static_cast<std::ptrdiff_t>(into.size());
  into.insert(into.end(), more.begin(), more.end());
  std::inplace_merge(into.begin(), into.begin() + middle, into.end());
}

}  // namespace

Nanoseconds percentile(const Samples& samples, double share) {
  if (samples.empty()) return {};
  const auto at = static_cast<std::size_t>(share * static_cast<double>(samples.size()));
  return samples[std::min(at, samples.size() - 1)];
}

double microseconds(Nanoseconds time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

double Figures::per_second() const {
  const double seconds = std::chrono::duration<double>(elapsed).count();
  return seconds > 0 ? static_cast<double>(took.size()) / seconds : 0;
}

void Figures::add(Figures more) {
  merge(took, more.took);
  merge(first, more.first);
  merge(started, more.started);
  merge(answered, more.answered);
  rounds.push_back(more.per_second());
  elapsed += more.elapsed;
  failures += more.failures;
  if (first_error.empty()) first_error = std::move(more.first_error);
}

}  // namespace ringfort::cli
