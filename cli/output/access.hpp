// Answers about accesses, for people and for programs. Pure but for HOME.
#pragma once

#include "ringfort/api/access.hpp"
#include "ringfort/cli/output/json.hpp"
#include "ringfort/cli/output/terminal.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace ringfort::cli {

/// A word as a shell reads it back, with `~` for `home` where that is shorter. What can't be shown
/// is escaped as in `printable`, and such a word is not to be typed.
std::string shell_word(std::string_view word, std::string_view home);

/// "--read ~/.ssh/id_rsa"; empty where no flag would allow it.
std::string flag_text(const AccessAnswer& answer);

/// Some lines: the verdict, the rule, the nearest one, what to type. `place` is a spec's
/// "file:line:column" of the deciding rule, or empty.
std::string text_of(const AccessAnswer& answer, std::string_view place, const Paint& paint);

/// One line for a denial that somebody has met: "denied (probable) read /x (no rule covers it).
/// allow it: --read /x". `grade` says how it is known: probable or traced.
std::string denial_line(const AccessAnswer& answer, std::string_view grade);

Json to_value(const AccessAnswer& answer);
/// The same with its grade in front.
Json denial_value(const AccessAnswer& answer, std::string_view grade);

}  // namespace ringfort::cli
