#include "ringfort/cli/last_words.hpp"

#include "ringfort/cli/command.hpp"
#include "ringfort/cli/output/words.hpp"
#include "ringfort/specs/error.hpp"

#include <cerrno>
#include <exception>
#include <new>
#include <system_error>

#include <unistd.h>

namespace ringfort::cli {
namespace {

Error last_error() {
  try {
    if (auto thrown = std::current_exception()) std::rethrow_exception(thrown);
  } catch (const std::bad_alloc&) {
    return {ErrorKind::Io, "there is no memory left", "free some, then try again", {}, ENOMEM};
  } catch (const std::system_error& error) {
    const bool threads = error.code().value() == EAGAIN;
    return {ErrorKind::Io,
            threads ? "the system allows no more threads" : std::string{error.what()},
            threads ? "raise `ulimit -u` or the pids limit of its cgroup" : std::string{},
            {},
            error.code().value()};
  } catch (const std::exception& error) {
    return {ErrorKind::Internal, error.what(), {}, {}, 0};
  } catch (...) {  // said below
  }
  return {ErrorKind::Internal, "an unknown exception", {}, {}, 0};
}

}  // namespace

void end_with_a_sentence() {
  std::set_terminate([] {
    print_error(last_error(), {});
    // Other threads go on: nothing may be destroyed.
    ::_exit(kOwnError);
  });
}

}  // namespace ringfort::cli
