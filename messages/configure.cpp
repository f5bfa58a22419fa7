#include "ringfort/messages/configure.hpp"

#include "ringfort/messages/caf_version.hpp"

namespace ringfort::messages {

namespace {

thread_local bool marked = false;

class ThreadMark final : public caf::thread_hook {
 public:
  void init(caf::actor_system&) override {}
  void thread_started() override { marked = true; }
  void thread_terminates() override { marked = false; }
};

}  // namespace

void configure(caf::actor_system_config& config, std::size_t workers, Printer printer) {
  set_scheduler(config, workers == 0 ? 2 : workers, printer);
  config.add_thread_hook<ThreadMark>();
}

bool on_actor_thread() { return marked; }

}  // namespace ringfort::messages
