#include "ringfort/api/user_name.hpp"

#include "ringfort/specs/names.hpp"

#include <algorithm>
#include <cctype>
#include <vector>

#include <grp.h>
#include <pwd.h>

namespace ringfort {

namespace {

constexpr std::size_t kEntryBytes = 16384;  // of one line of the user database, with room

bool is_number(const std::string& text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](unsigned char byte) { return std::isdigit(byte) != 0; });
}

tl::unexpected<Error> unknown(std::string_view what, const std::string& name) {
  return fail(ErrorKind::InvalidSpec, "no " + std::string(what) + " \"" + printable(name) + "\"",
              "name one of this machine, or write numbers: 1000:1000");
}

Result<std::string> group_in_numbers(const std::string& name) {
  if (is_number(name)) return name;
  std::vector<char> bytes(kEntryBytes);
  group entry{};
  group* found = nullptr;
  ::getgrnam_r(name.c_str(), &entry, bytes.data(), bytes.size(), &found);
  if (found == nullptr) return unknown("group", name);
  return std::to_string(entry.gr_gid);
}

}  // namespace

Result<std::string> user_in_numbers(std::string_view text) {
  auto colon = text.find(':');
  std::string user(text.substr(0, colon));
  std::string uid = user;
  std::string gid = user;
  if (!is_number(user)) {
    std::vector<char> bytes(kEntryBytes);
    passwd entry{};
    passwd* found = nullptr;
    ::getpwnam_r(user.c_str(), &entry, bytes.data(), bytes.size(), &found);
    if (found == nullptr) return unknown("user", user);
    uid = std::to_string(entry.pw_uid);
    gid = std::to_string(entry.pw_gid);
  }
  if (colon == std::string_view::npos) return uid + ":" + gid;
  auto group = group_in_numbers(std::string(text.substr(colon + 1)));
  if (!group) return fail(std::move(group.error()));
  return uid + ":" + *group;
}

}  // namespace ringfort
