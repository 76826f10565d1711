// SPDX-License-Identifier: Apache-2.0
// The kinds of places that the collector sends alerts on to, and the keys that each takes in the
// configuration file: one row each. docs/reference/sinks.md, the errors about the file and the
// contract test walk the rows. To add a kind: a row here, its destination in collector/sink, its
// peer in tests/integration.
//
//   sinks:
//     siem:                    # a name of your choice
//       kind: syslog
//       address: siem.example.org:6514
//
// Threads: the tables are constant.
#ifndef VAKT_COMMON_SINKS_SINK_TABLE_H_
#define VAKT_COMMON_SINKS_SINK_TABLE_H_

#include <cstdint>
#include <string_view>

#include "absl/types/span.h"
#include "common/config/setting_table.h"

namespace vakt {

// One bit per kind, so that a key can name several.
enum class SinkKind : uint8_t { kHttp = 1, kSyslog = 2, kAlertmanager = 4, kFile = 8 };

struct SinkKindRow {
  SinkKind kind;
  std::string_view name;
  std::string_view text;
  std::string_view confirmed;  // when a record counts as delivered
};

struct SinkKeyRow {
  std::string_view name;
  uint8_t kinds;
  SettingType type;
  bool required;
  std::string_view default_text;
  std::string_view choices;   // kEnum: "a|b"
  std::string_view at_least;  // as in SettingRow
  std::string_view text;

  bool in(SinkKind kind) const { return (kinds & static_cast<uint8_t>(kind)) != 0; }
  // For what knows settings: parsing and documentation.
  SettingRow AsSetting() const;
};

absl::Span<const SinkKindRow> AllSinkKinds();
absl::Span<const SinkKeyRow> AllSinkKeys();
// Null when there is none of the name.
const SinkKindRow* FindSinkKind(std::string_view name);
const SinkKeyRow* FindSinkKey(SinkKind kind, std::string_view name);
const SinkKindRow& RowOf(SinkKind kind);

}  // namespace vakt

#endif  // VAKT_COMMON_SINKS_SINK_TABLE_H_
