// SPDX-License-Identifier: Apache-2.0
// The transformer getopt(arguments, "ab:"): which options a command line holds, as POSIX programs
// read them.
//
//   getopt(proc.args, "nt:") of "-nt 5 file"  is  n, t, 5
//   getopt(proc.args, "nt:")[t]               is  5
//
// Threads: thread-safe functions.
#ifndef VAKT_COMMON_RULELANG_GETOPT_H_
#define VAKT_COMMON_RULELANG_GETOPT_H_

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "common/rulelang/operand.h"

namespace vakt {

// Arguments: a list of strings, or a string, which is split at blanks (proc.args is not: its
// arguments are known); then a constant that names the options, each followed by ':' when it has a
// value and '::' when it may have one in the same argument.
absl::Status BindGetopt(Operand* call);

// Stops at "--" and at the first argument that is no option. Arguments that begin with "--" are
// skipped. An option that is not named, or whose value is missing, is "?". With a selector: the
// value of the option's last occurrence, empty when it has none; null when it does not occur.
void Getopt(const Operand& call, absl::Span<const Value> values, Extractor& out);

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_GETOPT_H_
