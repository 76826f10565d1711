// SPDX-License-Identifier: Apache-2.0
// Rules for the verbs that run them. Threads: thread-compatible function.
#ifndef VAKT_CLI_LOAD_MATCHER_H_
#define VAKT_CLI_LOAD_MATCHER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "agent/app/pipeline.h"

namespace vakt {

// Loads the files and directories, in order, as one set. An error is the first one that the rules
// have, with its place; `vaktctl rules check` shows all.
absl::StatusOr<std::unique_ptr<Matcher>> LoadMatcher(absl::Span<const std::string> paths,
                                                     MatchMode mode, int priority_floor);

}  // namespace vakt

#endif  // VAKT_CLI_LOAD_MATCHER_H_
