// SPDX-License-Identifier: Apache-2.0
// The sinks of a configuration file, checked: every error names the file, the line and the key.
//
//   VAKT_ASSIGN_OR_RETURN(auto sinks, ParseSinks(settings.Group("sinks")));
//   sinks[0].Str("url")
//
// Ownership: a value type. Threads: thread-compatible.
#ifndef VAKT_COMMON_SINKS_SINK_CONFIG_H_
#define VAKT_COMMON_SINKS_SINK_CONFIG_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/config/settings.h"
#include "common/sinks/sink_table.h"

namespace vakt {

struct SinkConfig {
  std::string name;  // letters, digits, - and _: it names files and metrics
  SinkKind kind = SinkKind::kHttp;
  std::map<std::string, std::vector<std::string>, std::less<>> values;  // those given

  // The value or the key's default. A key that the kind does not have is our own mistake: aborts.
  std::string Str(std::string_view key) const;
  std::vector<std::string> List(std::string_view key) const;
  absl::Duration Dur(std::string_view key) const;
};

// By the order of the file. INVALID_ARGUMENT for what is unknown, missing or malformed.
absl::StatusOr<std::vector<SinkConfig>> ParseSinks(absl::Span<const GroupValue> values);

}  // namespace vakt

#endif  // VAKT_COMMON_SINKS_SINK_CONFIG_H_
