#include "ringfort/api/runtime.hpp"
#include "ringfort/cli/commands/verbs.hpp"
#include "ringfort/cli/options.hpp"
#include "ringfort/cli/output/json.hpp"
#include "ringfort/cli/output/words.hpp"
#include "ringfort/platform/protocol.hpp"

#include <CLI/CLI.hpp>

#include <string>

#include <unistd.h>

namespace ringfort::cli {
namespace {

class Version : public Command {
 public:
  void declare(CLI::App& app) override { add_flag(app, "--json", "print it as JSON", is_json_); }

  Result<int> run(const Call& call) override {
    (void)call;
    const std::string number{ringfort::version()};
    const int protocol = platform::helper_protocol();
    write_all(STDOUT_FILENO,
              is_json_ ? dump(Json{{"version", number}, {"protocol", protocol}}) + "\n"
                       : "ringfort " + number + " (protocol " + std::to_string(protocol) + ")\n");
    return 0;
  }

 private:
  bool is_json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_version() { return std::make_unique<Version>(); }

}  // namespace ringfort::cli
