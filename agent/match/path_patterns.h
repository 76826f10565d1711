// SPDX-License-Identifier: Apache-2.0
// What a condition asks of a path, as pieces of text that the kernel can look for.
//
//   fd.name glob "/home/*/.ssh/id_*"   needs the piece "/.ssh/id_" somewhere in the path
//   fd.directory = /etc/pam.d          needs the path to begin with "/etc/pam.d/", or to be it
//
// A need may hold too often, never too seldom: a path in which none of its pieces occurs cannot
// satisfy the check. Ownership: values. Threads: thread-compatible functions without state.
#ifndef VAKT_AGENT_MATCH_PATH_PATTERNS_H_
#define VAKT_AGENT_MATCH_PATH_PATTERNS_H_

#include <optional>
#include <string>
#include <vector>

#include "common/rulelang/expr.h"

namespace vakt {

// A piece of a path. Never empty.
struct PathPattern {
  std::string text;
  bool at_begin = false;
  bool at_end = false;
  bool raw = false;  // of the path as it was asked for, not as the kernel resolved it

  // "/etc/*", "*.conf", "*id_rsa*"; "asked:" in front when raw.
  std::string ToText() const;
  friend auto operator<=>(const PathPattern&, const PathPattern&) = default;
};

// Pieces of which at least one occurs in a path (of an open that succeeded) that satisfies the
// check; none at all when nothing does. Nullopt when the check says nothing that the kernel can
// look for.
std::optional<std::vector<PathPattern>> PatternsOf(const Check& check);

// True when the check is about the path of what is opened.
bool IsOfPath(const Check& check);

}  // namespace vakt

#endif  // VAKT_AGENT_MATCH_PATH_PATTERNS_H_
