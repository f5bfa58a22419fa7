// Specs to JSON and back, both by the tables of fields.hpp. See json.hpp.
#include "ringfort/specs/field_reader.hpp"
#include "ringfort/specs/json.hpp"
#include "ringfort/specs/names.hpp"
#include "ringfort/specs/scalar_text.hpp"

#include <nlohmann/json.hpp>

#include <concepts>
#include <map>
#include <optional>
#include <variant>
#include <vector>

namespace ringfort::specs {
namespace {

using Json = nlohmann::ordered_json;

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <class T>
Json json_of(const T& value);

class Writer {
 public:
  explicit Writer(Json& out) : out_(out) {}

  template <class T>
  void operator()(const Key& key, const T& value) {
    if constexpr (IsOptional<T>::value) {
      if (!value) return;
    }
    out_[std::string{key.name}] = json_of(value);
  }
  template <class Apply, class S>
  void shorthand(const Key&, Apply, const S&) {}

 private:
  Json& out_;
};

template <class T>
Json write(const T& value) {
  return Json(scalar_text(value));
}
template <class T>
requires(std::integral<T> || std::floating_point<T>) Json write(const T& value) {
  return Json(value);
}
template <Struct T>
Json write(const T& value) {
  Json json = Json::object();
  Writer writer{json};
  fields(type<T>, writer, value);
  return json;
}
template <Tagged T>
Json write(const T& value) {
  Json json = Json::object();
  json[std::string{Tag<T>::key}] = Tag<T>::kinds[value.index()];
  Writer writer{json};
  std::visit([&]<class Kind>(const Kind& kind) { fields(type<Kind>, writer, kind); }, value);
  return json;
}
template <class T>
Json write(const std::optional<T>& value) {
  return value ? json_of(*value) : Json(nullptr);
}
template <class T>
Json write(const std::vector<T>& values) {
  Json json = Json::array();
  for (const auto& value : values) json.push_back(json_of(value));
  return json;
}
template <class T>
Json write(const std::map<std::string, T>& values) {
  Json json = Json::object();
  for (const auto& [name, value] : values) json[name] = json_of(value);
  return json;
}
Json write(const Affinity& affinity) {
  const auto text = scalar_text(affinity);
  return affinity.kind == AffinityKind::Pin ? Json{{"pin", text}} : Json(text);
}
Json write(const Ulimit& limit) { return {{"soft", limit.soft}, {"hard", limit.hard}}; }

template <class T>
Json json_of(const T& value) {
  return write(value);
}

template <class T>
std::string to_text(const T& value, JsonStyle style) {
  const int indent = style == JsonStyle::Pretty ? 2 : -1;
  return json_of(value).dump(indent, ' ', false, Json::error_handler_t::replace);
}

/// Passes the events of the JSON parser on. It keeps no positions, so problems carry paths only.
class Events final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Events(TreeBuilder& builder) : builder_(builder) {}

  bool null() override { return builder_.null({}); }
  bool boolean(bool value) override { return plain(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return plain(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return plain(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& text) override { return plain(text); }
  bool string(string_t& text) override { return builder_.scalar({}, text, NodeKind::Quoted); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return builder_.begin({}, NodeKind::Map); }
  bool key(string_t& text) override { return builder_.scalar({}, text, NodeKind::Quoted); }
  bool end_object() override { return builder_.end(); }
  bool start_array(std::size_t) override { return builder_.begin({}, NodeKind::List); }
  bool end_array() override { return builder_.end(); }
  bool parse_error(std::size_t, const std::string&,
                   const nlohmann::detail::exception& error) override {
    return builder_.refuse({}, "not JSON: " + printable(error.what(), 200), "check it");
  }

 private:
  bool plain(std::string text) { return builder_.scalar({}, std::move(text), NodeKind::Plain); }

  TreeBuilder& builder_;
};

template <class T>
Result<T> from_text(std::string_view json) {
  if (json.size() > limits::document_bytes) {
    return fail(ErrorKind::InvalidSpec, "the JSON has " + std::to_string(json.size()) + " bytes",
                "write at most " + to_string(Bytes{limits::document_bytes}));
  }
  TreeBuilder builder{""};
  Events events{builder};
  nlohmann::json::sax_parse(json, &events);
  if (!builder.problems().empty()) return fail(to_error(builder.problems()));

  auto read = read_tree<T>(*builder.root(), "");
  if (!read.problems.empty()) return fail(to_error(read.problems));
  return std::move(read.value);
}

}  // namespace

std::string to_json(const Service& service, JsonStyle style) { return to_text(service, style); }

std::string to_json(const Deployment& deployment, JsonStyle style) {
  return to_text(deployment, style);
}

Result<Service> service_from_json(std::string_view json) { return from_text<Service>(json); }

Result<Deployment> deployment_from_json(std::string_view json) {
  return from_text<Deployment>(json);
}

}  // namespace ringfort::specs
