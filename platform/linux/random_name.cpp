#include "ringfort/platform/linux/random_name.hpp"

#include <array>
#include <cstdint>

#include <sys/random.h>

namespace ringfort::platform {

std::string random_name() {
  std::array<std::uint8_t, 16> bytes{};
  // So few bytes come whole once the pool is ready: getrandom(2).
  while (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
  }
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string name;
  for (const auto byte : bytes) {
    name += kDigits[byte >> 4U];
    name += kDigits[byte & 15U];
  }
  return name;
}

}  // namespace ringfort::platform
