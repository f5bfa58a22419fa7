#include "ringfort/specs/grammar.hpp"

#include "ringfort/specs/names.hpp"
#include "ringfort/specs/utf8.hpp"
#include "ringfort/specs/words.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <arpa/inet.h>

namespace ringfort::specs {
namespace {

template <class Predicate>
bool all_of(std::string_view text, Predicate predicate) {
  return std::all_of(text.begin(), text.end(), predicate);
}

bool is_letter(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }

/// Calls `predicate` with each part of `text` between separators; true if it always is.
template <class Predicate>
bool each_part(std::string_view text, char separator, Predicate predicate) {
  while (true) {
    const auto cut = text.find(separator);
    if (!predicate(text.substr(0, cut))) return false;
    if (cut == std::string_view::npos) return true;
    text.remove_prefix(cut + 1);
  }
}

/// "a-b" with both numbers of the range and in order, or one number.
bool is_range(std::string_view text, int least, int most) {
  const auto hyphen = text.find('-');
  const auto first = number_between(text.substr(0, hyphen), least, most);
  if (hyphen == std::string_view::npos) return first.has_value();
  const auto last = number_between(text.substr(hyphen + 1), least, most);
  return first && last && *first <= *last;
}

bool is_user_or_group(std::string_view text) {
  return !text.empty() && text.size() <= 32 && (is_alphanumeric(text.front()) || text[0] == '_') &&
         all_of(text,
                [](char c) { return is_alphanumeric(c) || c == '_' || c == '-' || c == '.'; });
}

bool is_secret_name(std::string_view text) {
  return !text.empty() && text.size() <= 253 && is_alphanumeric(text.front()) &&
         all_of(text,
                [](char c) { return is_alphanumeric(c) || c == '_' || c == '-' || c == '.'; });
}

}  // namespace

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alphanumeric(char c) { return is_letter(c) || is_digit(c); }

bool is_env_name(std::string_view text) {
  return !text.empty() && !is_digit(text.front()) &&
         all_of(text, [](char c) { return is_alphanumeric(c) || c == '_'; });
}

bool is_deployment_name(std::string_view text) {
  return text.size() >= 3 && text.size() <= 63 && text.front() != '-' &&
         all_of(text, [](char c) { return is_alphanumeric(c) || c == '-'; });
}

bool is_storage_name(std::string_view text) {
  return !text.empty() && text.size() <= 63 && text.front() != '-' && text.back() != '-' &&
         all_of(text, [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

bool is_role(std::string_view text) {
  return text.size() <= 30 && is_storage_name(text) && is_lower(text.front());
}

bool is_host_name(std::string_view text) {
  return text.size() <= 253 && each_part(text, '.', [](std::string_view label) {
           return !label.empty() && label.size() <= 63 && label.front() != '-' &&
                  label.back() != '-' &&
                  all_of(label, [](char c) { return is_alphanumeric(c) || c == '-'; });
         });
}

bool is_ip_address(std::string_view text) {
  const std::string address{text};
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return inet_pton(AF_INET, address.c_str(), bytes.data()) == 1 ||
         inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1;
}

bool is_host_and_port(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  if (!number_between(text.substr(colon + 1), 1, 65535)) return false;
  auto host = text.substr(0, colon);
  const bool is_bracketed = host.size() > 2 && host.starts_with('[') && host.ends_with(']');
  return is_bracketed ? is_ip_address(host.substr(1, host.size() - 2)) : is_host_name(host);
}

bool is_http_url(std::string_view text) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!text.starts_with(scheme) || text.size() == scheme.size()) continue;
    return all_of(text, [](char c) { return c > ' ' && c != 0x7F; });
  }
  return false;
}

bool is_cpu_set(std::string_view text) {
  return each_part(text, ',', [](std::string_view part) { return is_range(part, 0, 65535); });
}

bool is_user(std::string_view text) {
  const auto colon = text.find(':');
  if (!is_user_or_group(text.substr(0, colon))) return false;
  return colon == std::string_view::npos || is_user_or_group(text.substr(colon + 1));
}

bool is_capability(std::string_view text) {
  if (text.starts_with("CAP_")) text.remove_prefix(4);
  return !text.empty() && text.size() <= 40 &&
         all_of(text, [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; });
}

bool is_signal(std::string_view text) {
  static constexpr auto names =
      word_list("HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV",
                "USR2", "PIPE", "ALRM", "TERM", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU",
                "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "SYS");
  if (number_between(text, 1, 64)) return true;
  if (text.starts_with("SIG")) text.remove_prefix(3);
  return std::find(names.begin(), names.end(), text) != names.end();
}

bool is_port_range(std::string_view text) {
  for (const std::string_view protocol : {"/tcp", "/udp"}) {
    if (text.ends_with(protocol)) {
      text.remove_suffix(protocol.size());
      break;
    }
  }
  return is_range(text, 1, 65535);
}

std::optional<int> number_between(std::string_view text, int least, int most) {
  int value = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
  if (value < least || value > most) return std::nullopt;
  return value;
}

std::optional<std::string> fault_of_path(std::string_view path) {
  if (path.empty()) return "is empty";
  if (path.front() != '/') return "is not absolute";
  if (path.size() >= 4096) return "is longer than 4095 bytes";
  // Paths go into policies as text: what could end a quoted string there has no place in a spec.
  if (first_invalid_utf8(path)) return "is not valid UTF-8";
  for (auto rest = path; !rest.empty();) {
    const auto point = first_code_point(rest);
    const auto character = rest.substr(0, point ? point->length : 1);
    const char32_t c = point ? point->value : 0;
    if (c < 0x20 || (c >= 0x7F && c < 0xA0) || c == U'"' || c == U'\\')
      return "has the character " + printable(character);
    rest.remove_prefix(character.size());
  }
  const bool is_straight = each_part(
      path.substr(1), '/', [](std::string_view part) { return part != ".." && part != "."; });
  if (!is_straight) return "has a part \"..\" or \".\"";
  const bool is_short =
      each_part(path.substr(1), '/', [](std::string_view part) { return part.size() <= 255; });
  if (!is_short) return "has a part over 255 bytes";
  return std::nullopt;
}

Result<Reference> parse_reference(std::string_view value) {
  const auto wrong = [&](std::string_view instead) {
    return fail(ErrorKind::InvalidSpec,
                "the reference \"" + printable(value, 60) + "\" is not complete",
                std::string{instead});
  };
  if (value.starts_with("$E:")) {
    const auto name = value.substr(3);
    if (!is_env_name(name)) return wrong("write $E:VARIABLE");
    return Reference{ReferenceKind::Environment, {}, std::string{name}};
  }
  if (!value.starts_with("$S:")) return Reference{};

  Reference reference{ReferenceKind::Secret, {}, {}};
  auto name = value.substr(3);
  if (name.starts_with('@')) {
    const auto slash = name.find('/');
    if (slash == std::string_view::npos) return wrong("write $S:@service/secret");
    reference.service = name.substr(1, slash - 1);
    if (!check(ContainerId{reference.service, 1})) return wrong("write $S:@service/secret");
    name.remove_prefix(slash + 1);
  }
  if (!is_secret_name(name)) return wrong("write $S:secret or $S:@service/secret");
  reference.name = name;
  return reference;
}

}  // namespace ringfort::specs
