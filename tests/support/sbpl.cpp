#include "ringfort/support/sbpl.hpp"

#include <algorithm>

namespace ringfort::support {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::optional<std::vector<SbplForm>> forms() {
    std::vector<SbplForm> all;
    for (skip_blank(); !text_.empty(); skip_blank()) {
      auto form = next();
      if (!form) return std::nullopt;
      all.push_back(*std::move(form));
    }
    return all;
  }

 private:
  void skip_blank() {
    while (!text_.empty()) {
      if (text_.front() == ';')
        text_.remove_prefix(std::min(text_.find('\n'), text_.size()));
      else if (blanks.find(text_.front()) != std::string_view::npos)
        text_.remove_prefix(1);
      else
        return;
    }
  }

  std::optional<SbplForm> next() {
    switch (text_.front()) {
      case ')':
        return std::nullopt;
      case '(':
        return list();
      case '"':
        return string();
      default:
        return symbol();
    }
  }

  std::optional<SbplForm> list() {
    SbplForm form;
    text_.remove_prefix(1);
    for (skip_blank(); !text_.empty(); skip_blank()) {
      if (text_.front() == ')') {
        text_.remove_prefix(1);
        return form;
      }
      auto item = next();
      if (!item) return std::nullopt;
      form.items.push_back(*std::move(item));
    }
    return std::nullopt;
  }

  std::optional<SbplForm> string() {
    SbplForm form{SbplForm::Kind::String, {}, {}};
    text_.remove_prefix(1);
    while (!text_.empty()) {
      char c = take();
      if (c == '"') return form;
      if (c == '\\') {
        // The only two escapes that we write; any other would be a defect.
        if (text_.empty() || (text_.front() != '"' && text_.front() != '\\')) return std::nullopt;
        c = take();
      }
      form.text.push_back(c);
    }
    return std::nullopt;
  }

  std::optional<SbplForm> symbol() {
    const auto end = std::min(text_.find_first_of(" \t\n\r()\";"), text_.size());
    SbplForm form{SbplForm::Kind::Symbol, std::string(text_.substr(0, end)), {}};
    text_.remove_prefix(end);
    return form;
  }

  char take() {
    const char c = text_.front();
    text_.remove_prefix(1);
    return c;
  }

  static constexpr std::string_view blanks = " \t\n\r";
  std::string_view text_;
};

void collect(const SbplForm& form, std::string_view head, std::vector<std::string>& found) {
  for (const auto& item : form.items) {
    if (item.kind == SbplForm::Kind::String && form.head() == head) found.push_back(item.text);
    collect(item, head, found);
  }
}

}  // namespace

std::string_view SbplForm::head() const {
  if (items.empty() || items.front().kind != Kind::Symbol) return {};
  return items.front().text;
}

std::optional<std::vector<SbplForm>> read_sbpl(std::string_view text) {
  return Reader(text).forms();
}

std::vector<std::string> strings_under(const std::vector<SbplForm>& forms, std::string_view head) {
  std::vector<std::string> found;
  for (const auto& form : forms) collect(form, head, found);
  return found;
}

std::vector<SbplForm> rules_for(const std::vector<SbplForm>& forms, std::string_view verdict,
                                std::string_view operation) {
  const SbplForm name{SbplForm::Kind::Symbol, std::string(operation), {}};
  std::vector<SbplForm> found;
  for (const auto& form : forms)
    if (form.head() == verdict && std::ranges::find(form.items, name) != form.items.end())
      found.push_back(form);
  return found;
}

}  // namespace ringfort::support
