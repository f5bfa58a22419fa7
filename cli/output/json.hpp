// Pieces of JSON that several verbs print.
#pragma once

#include "ringfort/specs/error.hpp"
#include "ringfort/specs/status.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace ringfort::cli {

/// Keys stay in the order in which they are set.
using Json = nlohmann::ordered_json;

Json to_value(const ExitRecord& exit);
Json to_value(const Error& error);  ///< kind, message, hint

/// One line; bytes that are not UTF-8 become U+FFFD.
std::string dump(const Json& value);

/// The same to stdout, as a line. False when the reader has gone.
bool print(const Json& value);

}  // namespace ringfort::cli
