// SPDX-License-Identifier: Apache-2.0
#include "common/base/node.h"

#include <sys/utsname.h>

#include <limits>

#include "absl/strings/ascii.h"
#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr size_t kUuidSize = 36;

utsname Uname() {
  utsname name{};
  uname(&name);
  return name;
}

}  // namespace

absl::StatusOr<std::string> BootId(std::string_view root) {
  const std::string path =
      StrCat(root, root.ends_with('/') ? "" : "/", "proc/sys/kernel/random/boot_id");
  VAKT_ASSIGN_OR_RETURN(std::string id, ReadFile(path, 4096));
  absl::StripAsciiWhitespace(&id);
  if (id.size() != kUuidSize) {
    return absl::DataLossError(StrCat(path, " holds no UUID: is procfs mounted there?"));
  }
  return id;
}

std::string Hostname() { return Uname().nodename; }

std::string KernelRelease() { return Uname().release; }

int64_t BootToWallNs() {
  // The two clocks cannot be read at once: of a few tries, take the one that was disturbed least.
  constexpr int kTries = 5;
  const Clock& clock = RealClock();
  int64_t best_span_ns = std::numeric_limits<int64_t>::max();
  int64_t offset_ns = 0;
  for (int i = 0; i < kTries; ++i) {
    const int64_t before_ns = clock.BootNs();
    const int64_t wall_ns = clock.WallNs();
    const int64_t span_ns = clock.BootNs() - before_ns;
    if (span_ns >= best_span_ns) continue;
    best_span_ns = span_ns;
    offset_ns = wall_ns - (before_ns + span_ns / 2);
  }
  return offset_ns;
}

}  // namespace vakt
