// Any text as the name of an image or a container: refused, or a name that stays in its directory
// and comes back as it was.
#include "fuzz.hpp"
#include "ringfort/specs/names.hpp"

namespace {

bool stays(const std::string& name) {
  return !name.empty() && name.size() <= 255 && name[0] != '.' &&
         name.find('/') == std::string::npos && name.find('\0') == std::string::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ringfort;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  if (const auto directory = image_directory_name(text)) {
    fuzz::require(stays(*directory), "an image's directory lies among its like");
    const auto back = image_name_from_directory(*directory);
    fuzz::require(back && *back == text, "an image's name comes back");
  }
  if (const auto name = image_name_from_directory(text)) {
    const auto again = image_directory_name(*name);
    fuzz::require(again && *again == text, "one directory, one name");
  }
  if (const auto id = parse_container_id(text)) {
    fuzz::require(stays(id->str()), "a container's directory lies among its like");
    fuzz::require(id->str() == text, "an id comes back");
  }
  for (const char c : printable(text))
    fuzz::require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "no control bytes");
  return 0;
}
