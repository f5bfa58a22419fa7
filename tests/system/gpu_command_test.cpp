// GPU nodes: there only when the spec asks and the machine has them. Played, as root, by nodes of
// /dev/zero in a /dev of their own; no GPU was at hand.
#include "level_fixture.hpp"

#include <unistd.h>

namespace ringfort {
namespace {

using test::Outcome;
using testing::HasSubstr;
using testing::Not;

class GpuCommand : public test::LevelFixture {
 protected:
  /// Opens two of them; `more` are lines of YAML at the level of the service.
  void write_spec(const std::string& more) const {
    command_.write("spec.yaml",
                   "version: v1\ndeployment: test\nservices:\n  s:\n    image: {name: host}\n"
                   "    rtype: job\n    command: {entrypoint: [sh, -c, 'for n in 0 1; do : < "
                   "/dev/nvidia$n && echo opened $n; done']}\n" +
                       more);
  }
  std::vector<std::string> words() const { return {"up", "--isolation", GetParam(), "spec.yaml"}; }
  Outcome up() const { return command_.run(words()); }
  Outcome up_with_two_gpus() const {
    std::vector<std::string> argv{
        "unshare",
        "-m",
        "--propagation",
        "private",
        "sh",
        "-c",
        "mkdir -p \"$HOME/dev\" && mount -t tmpfs none \"$HOME/dev\" && cd \"$HOME/dev\" && "
        "cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty . && mkdir shm && "
        "for n in 0 1 ctl; do mknod -m 666 nvidia$n c 1 5; done && mount --move . /dev && cd "
        "\"$OLDPWD\" && exec "
        "\"$@\"",
        "sh"};
    for (auto& word : command_.argv(words())) argv.push_back(std::move(word));
    return test::run_program(argv, command_.options());
  }
};

INSTANTIATE_TEST_SUITE_P(, GpuCommand, testing::Values("landlock", "namespaces"),
                         [](const auto& row) { return row.param; });

TEST_P(GpuCommand, GivesWhatTheSpecAsksFor) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  write_spec("    resources: {gpu: {vendor: nvidia, count: 1}}\n    require: [resources.gpu]\n");
  const auto one = up_with_two_gpus();
  EXPECT_THAT(one.out, HasSubstr("opened 0")) << one.err;
  EXPECT_THAT(one.out, Not(HasSubstr("opened 1")));
  write_spec("    resources: {gpu: {vendor: nvidia, count: 2}}\n");
  EXPECT_THAT(up_with_two_gpus().out, HasSubstr("opened 1"));
  write_spec("");
  EXPECT_THAT(up_with_two_gpus().out, Not(HasSubstr("opened")));
}

TEST_P(GpuCommand, ReportsOrRefusesWhatItHasNot) {
  const std::string gpu = "    resources: {gpu: {vendor: intel, count: 99}}\n";
  write_spec(gpu);
  EXPECT_THAT(up().err, HasSubstr("resources.gpu is not enforced"));
  write_spec(gpu + "    require: [resources.gpu]\n");
  const auto refused = up();
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.err, HasSubstr("require: resources.gpu does not hold on this machine"));
  EXPECT_THAT(refused.out, Not(HasSubstr("opened")));
}

}  // namespace
}  // namespace ringfort
