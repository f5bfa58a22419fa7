#include "ringfort/cli/batch/job_line.hpp"

#include "ringfort/cli/options.hpp"
#include "ringfort/cli/output/json.hpp"
#include "ringfort/specs/names.hpp"
#include "ringfort/specs/nearest.hpp"

#include <algorithm>
#include <array>

namespace ringfort::cli {
namespace {

constexpr int deepest = 8;  // a job needs two levels; the parser below does not recurse without end

tl::unexpected<Error> wrong(std::string_view key, std::string what, std::string hint) {
  return fail(ErrorKind::InvalidSpec, "\"" + std::string{key} + "\": " + std::move(what),
              std::move(hint));
}

Status take_text(std::string_view key, const Json& value, const Taker& take) {
  if (!value.is_string()) return wrong(key, "is not a text", "write it between quotes");
  if (auto taken = take(value.get<std::string>()); !taken)
    return wrong(key, taken.error().what, taken.error().hint);
  return {};
}

/// A list of texts, or of numbers for ports.
Status take_list(std::string_view key, const Json& value, const Taker& take) {
  if (!value.is_array()) return wrong(key, "is not a list", "write [\"one\", \"two\"]");
  for (const auto& item : value) {
    const Json text = item.is_number_unsigned() ? Json(item.dump()) : item;
    if (auto taken = take_text(key, text, take); !taken) return taken;
  }
  return {};
}

Status take_env(const Json& value, JobFlags& flags) {
  if (!value.is_object()) return wrong("env", "is not an object", "write {\"NAME\": \"value\"}");
  for (const auto& [name, text] : value.items()) {
    if (name.find('=') != std::string::npos)
      return wrong("env", printable(name, 60) + " is not a name", "leave out the =");
    if (!text.is_string()) return wrong("env", printable(name, 60) + " is not a text", "quote it");
    auto variable = parse_variable(name + "=" + text.get<std::string>());
    if (!variable) return wrong("env", variable.error().what, variable.error().hint);
    flags.env.push_back(*std::move(variable));
  }
  return {};
}

Status take_bool(std::string_view key, const Json& value, bool& target) {
  if (!value.is_boolean()) return wrong(key, "is not a truth value", "write true or false");
  target = value.get<bool>();
  return {};
}

Taker verbatim(std::vector<std::string>& target) {
  return [&target](const std::string& text) -> Status {
    target.push_back(text);
    return {};
  };
}

/// A memory limit may also be a plain number of bytes.
Status take_memory(const Json& value, JobFlags& flags) {
  const Json text = value.is_number_unsigned() ? Json(value.dump()) : value;
  return take_text("memory", text, into(parse_size_limit, flags.memory));
}

using Reader = Status (*)(const Json&, JobLine&);
struct Key {
  std::string_view name;
  Reader read;
};

constexpr std::array<Key, 15> keys{{
    {"id", [](const Json&, JobLine&) -> Status { return {}; }},
    {"cmd", [](const Json& v, JobLine& job) { return take_list("cmd", v, verbatim(job.command)); }},
    {"env", [](const Json& v, JobLine& job) { return take_env(v, job.flags); }},
    {"read", [](const Json& v,
                JobLine& job) { return take_list("read", v, append(parse_text, job.flags.read)); }},
    {"write",
     [](const Json& v, JobLine& job) {
       return take_list("write", v, append(parse_text, job.flags.write));
     }},
    {"net", [](const Json& v,
               JobLine& job) { return take_text("net", v, into(parse_net_flag, job.flags.net)); }},
    {"timeout",
     [](const Json& v, JobLine& job) {
       return take_text("timeout", v, into(parse_time_limit, job.flags.timeout));
     }},
    {"grace",
     [](const Json& v, JobLine& job) {
       return take_text("grace", v, into(parse_duration, job.flags.grace));
     }},
    {"memory", [](const Json& v, JobLine& job) { return take_memory(v, job.flags); }},
    {"stdin",
     [](const Json& v, JobLine& job) {
       const Taker keep = [&job](const std::string& text) -> Status {
         job.stdin_text = text;
         return {};
       };
       return take_text("stdin", v, keep);
     }},
    {"image",
     [](const Json& v, JobLine& job) {
       return take_text("image", v, into(parse_text, job.flags.image));
     }},
    {"connect",
     [](const Json& v, JobLine& job) {
       return take_list("connect", v, append(parse_port, job.flags.connect));
     }},
    {"listen",
     [](const Json& v, JobLine& job) {
       return take_list("listen", v, append(parse_port, job.flags.listen));
     }},
    {"port", [](const Json& v, JobLine& job) { return take_bool("port", v, job.flags.port); }},
    {"workdir",
     [](const Json& v, JobLine& job) {
       return take_text("workdir", v, into(parse_text, job.flags.workdir));
     }},
}};

Status unknown_key(const std::string& name) {
  std::array<std::string_view, keys.size()> words;
  std::ranges::transform(keys, words.begin(), &Key::name);
  return fail(ErrorKind::InvalidSpec, "there is no key \"" + printable(name, 60) + "\"",
              specs::suggestion(name, words));
}

Result<Json> parse(std::string_view line) {
  // Values below the depth limit are dropped while parsing, so that nesting costs no stack.
  bool is_deep = false;
  const auto shallow = [&is_deep](int depth, Json::parse_event_t, Json&) {
    is_deep |= depth > deepest;
    return depth <= deepest;
  };
  Json value = Json::parse(line, shallow, false);
  if (value.is_discarded() || is_deep || !value.is_object())
    return fail(ErrorKind::InvalidSpec, "the line is not a JSON object",
                "write {\"id\": \"1\", \"cmd\": [\"echo\", \"hello\"]}");
  return value;
}

}  // namespace

Status read_job_line(std::string_view line, const JobFlags& defaults, JobLine& job) {
  job.flags = defaults;
  const auto value = parse(line);
  if (!value) return fail(value.error());
  if (const auto id = value->find("id"); id != value->end()) {
    if (!id->is_string()) return wrong("id", "is not a text", "write it between quotes");
    job.id = id->get<std::string>();
  }
  for (const auto& [name, part] : value->items()) {
    const auto key = std::ranges::find(keys, std::string_view{name}, &Key::name);
    if (key == keys.end()) return unknown_key(name);
    if (auto read = key->read(part, job); !read) return read;
  }
  if (job.command.empty())
    return fail(ErrorKind::InvalidSpec, "\"cmd\" is missing or empty",
                "write \"cmd\": [\"echo\", \"hello\"]");
  return {};
}

}  // namespace ringfort::cli
