#include "ringfort/cli/command_line.hpp"

#include "ringfort/cli/options.hpp"
#include "ringfort/cli/output/words.hpp"
#include "ringfort/platform/fd.hpp"
#include "ringfort/specs/names.hpp"
#include "ringfort/specs/nearest.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <optional>
#include <span>

#include <fcntl.h>
#include <unistd.h>

namespace ringfort::cli {
namespace {

WallTime now() { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }

/// A descriptor 0, 1 or 2 that the caller closed would be taken by the first file we open, and the
/// program would read or write that.
void cover_standard_streams() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (::fcntl(fd, F_GETFD) == -1 && ::open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) != fd)
      return;
  }
}

tl::unexpected<Error> usage(std::string what, std::string hint) {
  return fail(ErrorKind::InvalidSpec, std::move(what), std::move(hint));
}

class HelpText : public CLI::Formatter {
 public:
  explicit HelpText(const Verb& verb) : verb_(verb) { column_width(28); }

  std::string make_usage(const CLI::App* app, std::string name) const override {
    (void)app;
    (void)name;
    std::string line = "usage: ringfort " + std::string{verb_.name};
    if (!verb_.usage.empty()) line += " " + std::string{verb_.usage};
    return line + "\n";
  }
  std::string make_description(const CLI::App* app) const override {
    return app->get_description() + ".\n\n";
  }
  std::string make_footer(const CLI::App* app) const override {
    (void)app;
    return "Examples:\n" + std::string{verb_.examples};
  }

 private:
  const Verb& verb_;
};

/// "--memory" of "--memory=64Mi", "-j" of "-j4".
std::string option_name(const std::string& token) {
  if (token.starts_with("--")) return token.substr(0, token.find('='));
  return token.substr(0, 2);
}

Status unknown_option(const CLI::App& app, const std::string& name) {
  std::vector<std::string> names;
  for (const auto* option : app.get_options({}))
    for (const auto& known : option->get_lnames()) names.push_back("--" + known);
  const std::vector<std::string_view> words{names.begin(), names.end()};
  const auto near = specs::nearest(name, words);
  return usage("the option " + printable(name, 60) + " is not known",
               near ? "write " + std::string{*near} : std::string{});
}

Result<bool> takes_value(const CLI::App& app, const std::string& token) {
  const auto name = option_name(token);
  const auto* option = app.get_option_no_throw(name);
  if (option == nullptr) return fail(unknown_option(app, name).error());
  return option->get_items_expected_max() > 0;
}

/// "-it" is "-i -t": a leading letter that takes no value ends where the next begins. Drops such
/// letters from `token`.
void take_letters(const CLI::App& app, std::string& token, Arguments& options) {
  while (token.size() > 2 && token[0] == '-' && token[1] != '-') {
    const auto* letter = app.get_option_no_throw(token.substr(0, 2));
    const auto* next = app.get_option_no_throw({'-', token[2]});
    if (letter == nullptr || letter->get_items_expected_max() > 0 || next == nullptr) return;
    options.push_back(token.substr(0, 2));
    token.erase(1, 1);
  }
}

/// Appends the option at the front of `rest` to `options`, as "--name", "value", and drops it.
Status take_option(const CLI::App& app, std::span<const std::string>& rest, Arguments& options) {
  auto token = rest.front();
  take_letters(app, token, options);
  const auto name = option_name(token);
  const auto has_value = takes_value(app, token);
  if (!has_value) return fail(has_value.error());
  rest = rest.subspan(1);
  options.push_back(name);
  if (!*has_value) {
    if (token != name) return usage(printable(name) + " takes no value", "write it alone");
    return {};
  }
  if (token != name) {
    options.push_back(token.substr(name.size() + (token.starts_with("--") ? 1 : 0)));
  } else if (rest.empty()) {
    return usage(printable(name) + " needs a value", "write one behind it");
  } else {
    options.push_back(rest.front());
    rest = rest.subspan(1);
  }
  return {};
}

const Verb* find_verb(std::string_view name) {
  const auto found = std::ranges::find(verbs(), name, &Verb::name);
  return found == verbs().end() ? nullptr : &*found;
}

Error unknown_verb(std::string_view name) {
  std::vector<std::string_view> words;
  for (const auto& verb : verbs()) words.push_back(verb.name);
  const auto near = specs::nearest(name, words);
  return {ErrorKind::InvalidSpec,
          "there is no verb " + printable(name, 60),
          near ? "write: ringfort " + std::string{*near} : std::string{},
          {},
          0};
}

/// What stands before the verb.
struct Opening {
  std::string data_dir;
  bool is_help = false;
  bool is_version = false;
  std::string verb;
  Arguments rest;
};

Result<Opening> read_opening(const Arguments& arguments) {
  Opening opening;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto& token = arguments[i];
    if (token == "--help" || token == "-h" || token == "help") {
      opening.is_help = true;
    } else if (token == "--version") {
      opening.is_version = true;
    } else if (token.starts_with("--data-dir=")) {
      opening.data_dir = token.substr(token.find('=') + 1);
    } else if (token == "--data-dir") {
      if (++i == arguments.size()) return usage("--data-dir needs a value", "write one behind it");
      opening.data_dir = arguments[i];
    } else if (token.starts_with('-')) {
      return usage("the option " + printable(token, 60) + " is not known before a verb", {});
    } else {
      opening.verb = token;
      opening.rest.assign(arguments.begin() + static_cast<std::ptrdiff_t>(i) + 1, arguments.end());
      break;
    }
  }
  return opening;
}

/// Everything of one verb but the printing of its error.
Result<int> carry_out(const Verb& verb, Command& command, Opening opening, WallTime started) {
  Call call{started, std::move(opening.data_dir), {}};
  const auto app = make_app(verb, command, call.data_dir);
  auto split = split_arguments(*app, opening.rest, command.tail());
  // A report that was asked for is written even when the options behind it are wrong.
  if (auto ready = command.open(split ? split->options : opening.rest); !ready)
    return fail(ready.error());
  if (!split) return fail(split.error());
  const auto is_help = parse_options(*app, split->options);
  if (!is_help) return fail(is_help.error());
  if (*is_help) {
    write_all(STDOUT_FILENO, verb_help(verb));
    return 0;
  }
  call.tail = std::move(split->tail);
  return command.run(call);
}

int run_verb(const Verb& verb, Opening opening, WallTime started) {
  const auto command = verb.make();
  const auto code = carry_out(verb, *command, std::move(opening), started);
  if (code) return *code;
  command->failed(code.error());
  print_error(code.error(), verb.name);
  return kOwnError;
}

}  // namespace

std::unique_ptr<CLI::App> make_app(const Verb& verb, Command& command, std::string& data_dir) {
  auto app = std::make_unique<CLI::App>(std::string{verb.summary}, std::string{verb.name});
  app->formatter(std::make_shared<HelpText>(verb));
  app->set_help_flag("-h,--help", "show this text");
  command.declare(*app);
  add_option(*app, "--data-dir", "DIR", "keep images and containers there",
             into(parse_text, data_dir));
  return app;
}

Result<Split> split_arguments(const CLI::App& app, const Arguments& arguments, Tail tail) {
  Split split;
  std::span<const std::string> rest{arguments};
  while (!rest.empty()) {
    const auto& token = rest.front();
    const bool is_option = token.size() > 1 && token.starts_with('-') && token != "--";
    if (is_option) {
      if (auto taken = take_option(app, rest, split.options); !taken) return fail(taken.error());
      continue;
    }
    if (tail == Tail::Program) break;
    split.options.push_back(token);
    rest = rest.subspan(1);
  }
  if (!rest.empty() && rest.front() == "--") rest = rest.subspan(1);
  split.tail.assign(rest.begin(), rest.end());
  return split;
}

Result<bool> parse_options(CLI::App& app, const Arguments& options) {
  try {
    app.parse(Arguments{options.rbegin(), options.rend()});
    return false;
  } catch (const CLI::CallForHelp&) {
    return true;
  } catch (const BadOption& bad) {
    return fail(bad.error());
  } catch (const CLI::RequiredError&) {
    for (const auto* option : app.get_options({}))
      if (option->get_required() && option->count() == 0)
        return usage(option->get_name() + " is missing", "name one");
    return usage("something is missing", {});
  } catch (const CLI::ExtrasError&) {
    const auto extras = app.remaining();
    return usage("the word " + printable(extras.empty() ? "" : extras.front(), 60) + " is too much",
                 "leave it out");
  } catch (const CLI::Error& error) {
    return usage(error.what(), {});
  }
}

std::string verb_help(const Verb& verb) {
  const auto command = verb.make();
  std::string data_dir;
  return make_app(verb, *command, data_dir)->help();
}

std::string root_help() {
  std::string text =
      "ringfort runs programs in sandboxes and keeps them in order.\n\n"
      "usage: ringfort [--data-dir DIR] VERB [OPTIONS] ...\n\nVerbs:\n";
  for (const auto& verb : verbs()) {
    std::string name{verb.name};
    name.resize(12, ' ');
    text += "  " + name + std::string{verb.summary} + "\n";
  }
  return text +
         "\nExamples:\n"
         "  ringfort run -- sh -c 'echo hello; id'\n"
         "  ringfort up web.yaml\n"
         "  ringfort run --help\n";
}

int run_command_line(int argc, char** argv) {
  const auto started = now();
  cover_standard_streams();
  platform::raise_descriptor_limit();
  auto opening = read_opening(Arguments{argv + std::min(argc, 1), argv + argc});
  if (!opening) {
    print_error(opening.error(), {});
    return kOwnError;
  }
  if (opening->is_version && opening->verb.empty()) opening->verb = "version";
  if (opening->verb.empty()) {
    write_all(opening->is_help ? STDOUT_FILENO : STDERR_FILENO, root_help());
    return opening->is_help ? 0 : kOwnError;
  }
  const auto* verb = find_verb(opening->verb);
  if (verb == nullptr) {
    print_error(unknown_verb(opening->verb), {});
    return kOwnError;
  }
  if (opening->is_help) {
    write_all(STDOUT_FILENO, verb_help(*verb));
    return 0;
  }
  return run_verb(*verb, *std::move(opening), started);
}

}  // namespace ringfort::cli
