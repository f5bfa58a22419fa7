#include "ringfort/cli/output/access.hpp"
#include "ringfort/cli/output/json.hpp"
#include "ringfort/cli/output/report.hpp"
#include "ringfort/cli/up/output.hpp"
#include "ringfort/specs/utf8.hpp"

namespace ringfort::cli {
namespace {

class JsonOutput : public UpOutput {
 public:
  void line(const ContainerId& id, LogStream stream, std::string_view text) override {
    Json event = event_of("line", id.str());
    event["stream"] = stream == LogStream::Stdout ? "stdout" : "stderr";
    const bool is_text = !specs::first_invalid_utf8(text);
    event["text"] = is_text ? std::string{text} : to_base64(text);
    event["base64"] = !is_text;
    print(event);
  }

  void started(const ContainerId& id, const Created& created, const Started& started) override {
    Json event = event_of("started", id.str());
    event["level"] = to_string(created.level);
    event["lowered"] = created.lowered.empty() ? Json(nullptr) : Json(created.lowered);
    event["rootfs"] = rootfs_word(created.overlay);
    event["missing"] = created.missing;
    event["not_enforced"] = created.not_enforced;
    event["port"] = created.port ? Json(*created.port) : Json(nullptr);
    event["pid"] = started.pid;
    event["took_us"] = started.took.count();
    event["queued_us"] = started.queued.count();
    print(event);
  }

  void ended(const ContainerId& id, const ExitRecord& exit) override {
    Json event = event_of("ended", id.str());
    event["exit"] = to_value(exit);
    print(event);
  }

  void restarting(const ContainerId& id, std::uint32_t number, Duration delay) override {
    Json event = event_of("restarting", id.str());
    event["restart"] = number;
    event["delay_us"] = delay.count();
    print(event);
  }

  void failed(const std::string& name, const Error& error) override {
    Json event = event_of("failed", name);
    event["error"] = to_value(error);
    print(event);
  }

  void denied(const ContainerId& id, const AccessAnswer& answer, std::string_view grade) override {
    Json event = event_of("denied", id.str());
    event.update(denial_value(answer, grade));
    print(event);
  }

  void warning(std::string_view text) override { print(text_event("warning", text)); }
  void note(std::string_view text) override { print(text_event("note", text)); }

 private:
  static Json event_of(const char* kind, const std::string& id) {
    Json event;
    event["event"] = kind;
    event["id"] = id;
    return event;
  }
  static Json text_event(const char* kind, std::string_view text) {
    Json event;
    event["event"] = kind;
    event["text"] = text;
    return event;
  }
};

}  // namespace

std::unique_ptr<UpOutput> make_json_output() { return std::make_unique<JsonOutput>(); }

}  // namespace ringfort::cli
