// SPDX-License-Identifier: Apache-2.0
// A configuration file to its settings: YAML mappings, nested by the dots of the names. The only
// file of this folder that knows yaml-cpp; the text is untrusted: its size and depth are bounded,
// aliases and repeated keys are refused.
//
//   collector:
//     address: vakt-collector:7443      # {"collector.address", {"vakt-collector:7443"}, line 2}
//
// Threads: thread-safe.
#ifndef VAKT_COMMON_CONFIG_CONFIG_FILE_H_
#define VAKT_COMMON_CONFIG_CONFIG_FILE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace vakt {

struct ConfigEntry {
  std::string name;                 // "collector.address"
  std::vector<std::string> values;  // one for a scalar, any number for a sequence
  bool sequence = false;
  int line = 0;
};

// In the order of the file. Errors begin with "<path>:<line>: ".
absl::StatusOr<std::vector<ConfigEntry>> ParseConfigFile(std::string_view path,
                                                         std::string_view text);

}  // namespace vakt

#endif  // VAKT_COMMON_CONFIG_CONFIG_FILE_H_
