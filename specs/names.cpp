#include "ringfort/specs/names.hpp"

#include "ringfort/specs/utf8.hpp"

#include <charconv>
#include <optional>

namespace ringfort {
namespace {

constexpr std::size_t longest_service = 200;
/// NAME_MAX is 255 on Linux and macOS; the rest is room for the suffix of a staging directory.
constexpr std::size_t longest_directory = 240;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_control(unsigned char byte) { return byte < 0x20 || byte == 0x7F; }

std::string quoted(std::string_view text) { return "\"" + printable(text) + "\""; }

std::string hex(unsigned char byte) {
  constexpr std::string_view digits = "0123456789abcdef";
  return {digits[byte >> 4], digits[byte & 15]};
}

std::optional<unsigned char> unhex(std::string_view two) {
  unsigned value = 0;
  const auto* end = two.data() + two.size();
  const auto [stop, error] = std::from_chars(two.data(), end, value, 16);
  if (two.size() != 2 || error != std::errc{} || stop != end) return std::nullopt;
  return static_cast<unsigned char>(value);
}

/// Characters that a terminal obeys instead of showing: C1 controls, line separators, and the marks
/// that turn the reading direction and so can make one name look like another.
bool acts_on_terminal(char32_t c) {
  return (c >= 0x80 && c < 0xA0) || (c >= 0x200E && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}

bool stays(std::string_view image, std::size_t at) {
  const char c = image[at];
  return is_alphanumeric(c) || c == '-' || (c == '.' && at > 0);
}

}  // namespace

std::string ContainerId::str() const { return service + "-" + std::to_string(replica); }

Status check(const ContainerId& id) {
  const std::string& service = id.service;
  if (service.empty()) {
    return fail(ErrorKind::InvalidSpec, "the service name is empty", "write a name such as web");
  }
  if (service.size() > longest_service) {
    return fail(ErrorKind::InvalidSpec,
                "the service name " + quoted(std::string_view{service}.substr(0, 40)) + " has " +
                    std::to_string(service.size()) + " bytes",
                "use at most " + std::to_string(longest_service));
  }
  for (std::size_t at = 0; at < service.size(); ++at) {
    const char c = service[at];
    if (is_alphanumeric(c)) continue;
    if (at > 0 && (c == '-' || c == '_' || c == '.')) continue;
    return fail(ErrorKind::InvalidSpec,
                "the service name " + quoted(service) + " has the byte 0x" +
                    hex(static_cast<unsigned char>(c)) + " at position " + std::to_string(at + 1),
                "begin with a letter or digit and go on with letters, digits, '-', '_' or '.'");
  }
  return {};
}

Result<ContainerId> parse_container_id(std::string_view text) {
  const auto wrong = [&] {
    return fail(ErrorKind::InvalidSpec, "the container id " + quoted(text) + " is not a name",
                "write <service>-<replica>, such as web-1");
  };
  const auto hyphen = text.rfind('-');
  if (hyphen == std::string_view::npos) return wrong();

  const auto digits = text.substr(hyphen + 1);
  ContainerId id{std::string{text.substr(0, hyphen)}, 0};
  const auto* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, id.replica);
  // "web-01" would be a second spelling of web-1, and a second directory.
  const bool is_padded = digits.size() > 1 && digits.front() == '0';
  if (digits.empty() || error != std::errc{} || stop != end || is_padded) return wrong();
  if (const auto checked = check(id); !checked) return fail(checked.error());
  return id;
}

Result<std::string> image_directory_name(std::string_view image) {
  if (image.empty()) {
    return fail(ErrorKind::InvalidSpec, "the image name is empty", "write a name such as tools:1");
  }
  std::string directory;
  for (std::size_t at = 0; at < image.size() && directory.size() <= longest_directory; ++at) {
    const auto byte = static_cast<unsigned char>(image[at]);
    if (is_control(byte)) {
      return fail(ErrorKind::InvalidSpec,
                  "the image name " + quoted(image) + " has the control byte 0x" + hex(byte),
                  "remove it");
    }
    if (stays(image, at)) {
      directory += image[at];
    } else {
      directory += "_" + hex(byte);
    }
  }
  if (directory.size() > longest_directory) {
    return fail(
        ErrorKind::InvalidSpec,
        "the image name " + quoted(image.substr(0, 40)) + "... is too long for a directory",
        "use a shorter name; bytes other than letters, digits, '.' and '-' count threefold");
  }
  return directory;
}

Result<std::string> image_name_from_directory(std::string_view directory) {
  std::string image;
  for (std::size_t at = 0; at < directory.size(); ++at) {
    if (directory[at] != '_') {
      image += directory[at];
      continue;
    }
    const auto byte = unhex(directory.substr(at + 1, 2));
    if (!byte) break;
    image += static_cast<char>(*byte);
    at += 2;
  }
  // Encoding again decides: it refuses whatever we would never have written ourselves.
  if (const auto again = image_directory_name(image); again && *again == directory) return image;
  return fail(ErrorKind::InvalidSpec,
              "the directory " + quoted(directory) + " is not named after an image",
              "remove what ringfort did not put there");
}

std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto point = specs::first_code_point(text.substr(at));
    const std::size_t length = point ? point->length : 1;
    std::string shown{text.substr(at, length)};
    const bool is_plain =
        point && !acts_on_terminal(point->value) &&
        !(point->value < 0x80 && is_control(static_cast<unsigned char>(shown[0])));
    if (!is_plain) {
      shown.clear();
      for (const char c : text.substr(at, length)) {
        shown += "\\x" + hex(static_cast<unsigned char>(c));
      }
    }
    if (out.size() + shown.size() > limit) return out + "...";
    out += shown;
    at += length;
  }
  return out;
}

}  // namespace ringfort
