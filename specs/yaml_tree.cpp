#include "ringfort/specs/yaml_tree.hpp"

#include "ringfort/specs/names.hpp"
#include "ringfort/specs/units.hpp"
#include "ringfort/specs/utf8.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <sstream>

namespace ringfort::specs {
namespace {

/// The scanner keeps every token of `[...]` in memory until it sees the end, some 100 bytes each.
constexpr std::size_t most_flow_marks = 200'000;

Position position_of(const YAML::Mark& mark) {
  return mark.is_null() ? Position{} : Position{mark.line + 1, mark.column + 1};
}

/// Passes events on. The library offers no way to stop it but an exception.
class Events final : public YAML::EventHandler {
 public:
  struct Stop {};

  explicit Events(TreeBuilder& builder) : builder_(builder) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 1) return;
    go_on(builder_.refuse(position_of(mark), "a second document begins",
                          "write one document a file"));
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    go_on(builder_.null(position_of(mark), anchor));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    go_on(builder_.alias(position_of(mark), anchor));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_tag(mark, tag, "tag:yaml.org,2002:str");
    const auto kind = tag == "?" ? NodeKind::Plain : NodeKind::Quoted;
    go_on(builder_.scalar(position_of(mark), value, kind, anchor));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    check_tag(mark, tag, "tag:yaml.org,2002:seq");
    go_on(builder_.begin(position_of(mark), NodeKind::List, anchor));
  }
  void OnSequenceEnd() override { go_on(builder_.end()); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    check_tag(mark, tag, "tag:yaml.org,2002:map");
    go_on(builder_.begin(position_of(mark), NodeKind::Map, anchor));
  }
  void OnMapEnd() override { go_on(builder_.end()); }

 private:
  static void go_on(bool wanted) {
    if (!wanted) throw Stop{};
  }

  /// "?" and "!" stand for plain and quoted values without a tag.
  void check_tag(const YAML::Mark& mark, const std::string& tag, std::string_view usual) {
    if (tag.empty() || tag == "?" || tag == "!" || tag == usual) return;
    go_on(builder_.refuse(position_of(mark),
                          "the tag \"" + printable(tag, 60) + "\" has no meaning", "remove it"));
  }

  TreeBuilder& builder_;
  int documents_ = 0;
};

Position position_at(std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, offset);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const auto newline = before.rfind('\n');
  const auto column = newline == std::string_view::npos ? offset + 1 : offset - newline;
  return {static_cast<int>(line), static_cast<int>(column)};
}

/// YAML allows tab, newline and carriage return. The library takes byte 4 for the end of the text
/// and would drop what follows without a word.
bool is_forbidden(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7F;
}

bool is_flow_mark(char c) { return std::string_view{"[]{},:"}.find(c) != std::string_view::npos; }

/// What can be told from the bytes alone, before the library sees them.
std::optional<Problem> look_at_bytes(std::string_view yaml, const std::string& file) {
  const auto problem = [&](Position at, std::string what, std::string instead) {
    return Problem{file, at.line, at.column, {}, std::move(what), std::move(instead)};
  };
  if (yaml.size() > limits::document_bytes) {
    return problem({}, "the document has " + std::to_string(yaml.size()) + " bytes",
                   "write at most " + to_string(Bytes{limits::document_bytes}));
  }
  if (const auto at = first_invalid_utf8(yaml)) {
    return problem(position_at(yaml, *at),
                   "the byte " + printable(yaml.substr(*at, 1)) + " is not UTF-8",
                   "save the file as UTF-8");
  }
  if (const auto* c = std::find_if(yaml.begin(), yaml.end(), is_forbidden); c != yaml.end()) {
    const auto at = static_cast<std::size_t>(c - yaml.begin());
    return problem(position_at(yaml, at), "there is a control byte " + printable({c, 1}),
                   "remove it");
  }
  if (std::count_if(yaml.begin(), yaml.end(), is_flow_mark) >
      static_cast<std::ptrdiff_t>(most_flow_marks)) {
    return problem({},
                   "the document has more than " + std::to_string(most_flow_marks) +
                       " of the marks [ ] { } , :",
                   "split it");
  }
  return std::nullopt;
}

}  // namespace

YamlTree read_yaml(std::string_view yaml, const std::string& file) {
  if (auto problem = look_at_bytes(yaml, file)) return {nullptr, {*problem}};

  TreeBuilder builder{file};
  Events events{builder};
  try {
    std::istringstream in{std::string{yaml}};
    YAML::Parser parser{in};
    while (parser.HandleNextDocument(events)) {
    }
  } catch (const Events::Stop&) {
    return {nullptr, builder.problems()};
  } catch (const YAML::Exception& error) {
    builder.refuse(position_of(error.mark), "not YAML: " + printable(error.msg, 200),
                   "check indentation, quotes and brackets here");
    return {nullptr, builder.problems()};
  } catch (const std::exception& error) {
    builder.refuse({}, "not readable: " + printable(error.what(), 200), "check the text");
    return {nullptr, builder.problems()};
  }
  if (builder.root() == nullptr) {
    builder.refuse({1, 1}, "the document is empty", "begin with \"version: v1\"");
  }
  return {builder.root(), builder.problems()};
}

}  // namespace ringfort::specs
