// Nothing is left: what a test's process owned when it began is what it owns in the end.
#pragma once

#include <chrono>
#include <set>
#include <string>
#include <vector>

namespace ringfort::test {

/// Makes this process a subreaper, so that nothing that the test started can get out of sight. In
/// the destructor waits until all is back to where it was, and fails the test with a list of what
/// is not. Declare it before the runtime under test.
class LeakCheck {
 public:
  /// `data_dir` may not exist yet; its images are not looked at.
  explicit LeakCheck(std::string data_dir = {},
                     std::chrono::milliseconds patience = std::chrono::seconds(10));
  LeakCheck(const LeakCheck&) = delete;
  LeakCheck& operator=(const LeakCheck&) = delete;
  ~LeakCheck();

  /// One line for each process, descriptor, mount, socket and file that was not there before.
  std::vector<std::string> left() const;

 private:
  std::set<std::string> owned() const;

  std::string data_dir_;
  std::chrono::milliseconds patience_;
  std::set<std::string> before_;
};

/// Pids of all descendants of this process, zombies included but for those whose parents have gone:
/// these are reaped first, as PID 1 would.
std::vector<int> descendants();

/// As in /proc/<pid>/comm; empty when there is no such process, or only what is left of it.
std::string name_of(int pid);

}  // namespace ringfort::test
