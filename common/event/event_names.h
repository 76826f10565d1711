// SPDX-License-Identifier: Apache-2.0
// Names for the numbers that events carry: errors, open flags, capabilities. The spelling and the
// order are those that rules written for Falco expect.
//
// Threads: pure functions, any thread.
#ifndef VAKT_COMMON_EVENT_EVENT_NAMES_H_
#define VAKT_COMMON_EVENT_EVENT_NAMES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/types/span.h"

namespace vakt {

// "ENOENT" for 2; empty for a number that Linux does not use.
std::string_view ErrnoName(int64_t error);

// "CAP_CHOWN CAP_KILL": lowest bit first. Bits without a name are left out.
std::string CapabilityNames(uint64_t capabilities);
// The bit of "CAP_KILL"; 0 for a name that is none.
uint64_t FindCapability(std::string_view name);

// Open flags in Falco's own encoding, from Linux's O_*: reading is a bit of its own there.
uint32_t OpenFlagsFalco(uint32_t linux_flags);
// "O_CREAT|O_WRONLY|O_CLOEXEC", from Linux's O_*.
std::string OpenFlagNames(uint32_t linux_flags);

// Falco's bit for an open that made its file, which Linux has no O_ flag for; named O_F_CREATED.
inline constexpr uint32_t kFalcoCreated = 1u << 14;

// "S_IXUSR|S_IWUSR|S_IRUSR|S_ISUID", empty for 0.
std::string ModeNames(uint32_t mode);

// Names of one call's flags, lowest bit first; bits without a name are left out.
struct FlagName {
  std::string_view name;
  uint64_t value;
};
std::string FlagNames(uint64_t flags, absl::Span<const FlagName> names);

// "AF_INET" for 2; empty for a number that Linux does not use.
std::string_view FamilyName(uint32_t family);

// Linux's bits of one such name.
std::optional<uint32_t> FindOpenFlag(std::string_view name);

// "RESOLVE_NO_SYMLINKS|RESOLVE_BENEATH", empty for 0.
std::string ResolveFlagNames(uint64_t resolve);

}  // namespace vakt

#endif  // VAKT_COMMON_EVENT_EVENT_NAMES_H_
