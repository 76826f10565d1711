// SPDX-License-Identifier: Apache-2.0
// Paths for opens that have no kernel object to ask. Threads: thread-compatible (the scratch).
#ifndef VAKT_AGENT_DECODE_CLAIMED_PATH_H_
#define VAKT_AGENT_DECODE_CLAIMED_PATH_H_

#include <string>
#include <string_view>

namespace vakt {

// The path that `raw`, looked up from the directory `base`, claims to be: joined, and with "//",
// "." and ".." taken away by their text alone, symbolic links or not. "/.." is "/". When `raw` is
// relative and `base` is not known (empty), `raw` as it is. An empty `raw` claims nothing: empty.
// The result is a view of `*scratch` or of `raw`.
std::string_view ClaimedPath(std::string_view base, std::string_view raw, std::string* scratch);

}  // namespace vakt

#endif  // VAKT_AGENT_DECODE_CLAIMED_PATH_H_
