// ringfort-bench: one figure at a time, for `make bench` and whoever works on it.
#include "measure.hpp"
#include "ringfort/platform/fd.hpp"

#include <CLI/CLI.hpp>

#include <memory>

namespace ringfort::bench {
namespace {

template <class Asked, class Declare>
void add(CLI::App& app, int& code, const char* name, const char* about,
         int (*measure)(const Asked&), Declare declare) {
  auto* part = app.add_subcommand(name, about);
  const auto asked = std::make_shared<Asked>();
  declare(*part, *asked);
  part->add_flag("--json", asked->is_json, "one line of JSON");
  part->callback([asked, &code, measure] { code = measure(*asked); });
}

template <class Value>
void option(CLI::App& app, const char* name, Value& value, const char* about) {
  app.add_option(name, value, about)->capture_default_str();
}

void declare(CLI::App& app, LifecycleAsked& asked) {
  option(app, "-n", asked.lives, "lives to measure");
  option(app, "-j", asked.in_flight, "lives in flight");
  option(app, "--level", asked.level, "landlock, namespaces or network");
  option(app, "--data-dir", asked.data_dir, "where the containers live; kept");
  option(app, "--warmup", asked.warm_up, "lives before that");
  option(app, "--runs", asked.runs, "measure so often");
  app.add_flag("--full", asked.with_full, "also with records that survive a power cut");
  option(app, "--program", asked.program, "another static program");
  option(app, "--workers", asked.workers, "threads of the actor system; 0 = two");
}

void declare(CLI::App& app, CommandsAsked& asked) {
  option(app, "-n", asked.lives, "lives of each");
  app.add_option("LINE", asked.lines, "a command, cut at spaces")->required();
}

void declare(CLI::App& app, WatchdogsAsked& asked) {
  option(app, "--containers", asked.containers, "that sleep, each with a limit");
  option(app, "--seconds", asked.seconds, "to count the time of the processor");
  option(app, "--hogs", asked.hogs, "that pass their limit, one after the other");
  option(app, "--limit", asked.limit_mib, "MiB");
  option(app, "--rate", asked.rate_mib, "MiB a second that a hog grows by");
  option(app, "--level", asked.level, "landlock, namespaces or network");
}

void declare(CLI::App& app, ClonesAsked& asked) {
  option(app, "--files", asked.files, "of the image");
  option(app, "--mib", asked.mib, "of all files");
  option(app, "-n", asked.clones, "of each kind");
  option(app, "--base", asked.base, "a directory of the file system to measure");
  option(app, "--level", asked.level, "landlock, namespaces or network");
}

void declare(CLI::App& app, MessagesAsked& asked) {
  option(app, "-n", asked.messages, "questions, one after the other");
  option(app, "--rounds", asked.rounds, "in turns; the medians count");
}

void declare(CLI::App& app, BurstAsked& asked) {
  option(app, "-n", asked.burst, "lives of the burst, all at once");
  option(app, "--alone", asked.alone, "starts to compare with");
  option(app, "--level", asked.level, "landlock, namespaces or network");
}

void declare(CLI::App& app, DensityAsked& asked) {
  option(app, "-n", asked.containers, "containers that live at once");
  option(app, "--asked", asked.asked, "of them, that must answer");
  option(app, "--level", asked.level, "landlock, namespaces or network");
}

int run(int argc, char** argv) {
  platform::raise_descriptor_limit();
  CLI::App app{"Measures ringfort."};
  app.require_subcommand(1);
  int code = 0;
  const auto declared = [](CLI::App& part, auto& asked) { declare(part, asked); };
  add<LifecycleAsked>(app, code, "lifecycle", "create, start, wait, remove of a no-op program",
                      measure_lifecycle, declared);
  add<CommandsAsked>(app, code, "commands", "commands of the host, one at a time", measure_commands,
                     declared);
  add<WatchdogsAsked>(app, code, "watchdogs", "memory limits without cgroups", measure_watchdogs,
                      declared);
  add<ClonesAsked>(app, code, "clones", "containers of a large image", measure_clones, declared);
  add<MessagesAsked>(app, code, "messages", "questions of an actor to containers", measure_messages,
                     declared);
  add<BurstAsked>(app, code, "burst", "starts of one caller beside many of another", measure_burst,
                  declared);
  add<DensityAsked>(app, code, "density", "containers that live at once", measure_density,
                    declared);
  CLI11_PARSE(app, argc, argv);
  return code;
}

}  // namespace
}  // namespace ringfort::bench

int main(int argc, char** argv) { return ringfort::bench::run(argc, argv); }
