// What the command says when it cannot go on.
#pragma once

namespace ringfort::cli {

/// An exception that nobody catches, in whichever thread, ends the process with a sentence and
/// exit code 125 instead of an abort: CAF and the standard library throw when the system has no
/// more threads or no more memory. Call once, before the first thread.
void end_with_a_sentence();

}  // namespace ringfort::cli
