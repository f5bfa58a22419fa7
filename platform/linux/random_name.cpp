#include "ringfort/platform/linux/random_name.hpp"

#include <array>
#include <cstdint>

#include <sys/random.h>

namespace ringfort::platform {

namespace {

/// So few bytes come whole once the pool is ready: getrandom(2).
template <class Bytes>
void fill(Bytes& bytes) {
  while (::getrandom(&bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes)) {
  }
}

}  // namespace

std::string random_name() {
  std::array<std::uint8_t, 16> bytes{};
  fill(bytes);
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string name;
  for (const auto byte : bytes) {
    name += kDigits[byte >> 4U];
    name += kDigits[byte & 15U];
  }
  return name;
}

std::uint64_t random_number() {
  std::uint64_t number = 0;
  while (number == 0) fill(number);
  return number;
}

}  // namespace ringfort::platform
