// SPDX-License-Identifier: Apache-2.0
// Values of keys in rule tests. Errors say what was expected. Threads: pure functions.
#ifndef VAKT_COMMON_RULETEST_SCRIPT_VALUES_H_
#define VAKT_COMMON_RULETEST_SCRIPT_VALUES_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "common/rulelang/yaml_reader.h"
#include "vakt/v1/endpoint.pb.h"

namespace vakt {

// InvalidArgument: `what`, and what is there instead.
absl::Status Invalid(std::string_view what, const YamlNode& value);

// A scalar as a number, decimal or 0x... or 0..., in [0, max].
absl::Status ReadNumber(const YamlNode& value, uint64_t max, uint64_t* out);
absl::Status ReadUint32(const YamlNode& value, uint32_t* out);
absl::Status ReadText(const YamlNode& value, std::string* out);
absl::Status ReadBool(const YamlNode& value, bool* out);
// "10.0.0.1:80" or "[::1]:80".
absl::Status ReadEndpoint(const YamlNode& value, v1::Endpoint* out);
// "10.0.0.1" or "::1", as 4 or 16 bytes.
absl::Status ReadAddress(const YamlNode& value, std::string* out);

}  // namespace vakt

#endif  // VAKT_COMMON_RULETEST_SCRIPT_VALUES_H_
