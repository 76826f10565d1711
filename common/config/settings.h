// SPDX-License-Identifier: Apache-2.0
// The effective settings of one program: flag over environment over file over default, for each
// setting on its own. The rows are in setting_table.h.
//
//   VAKT_ASSIGN_OR_RETURN(Settings settings, Settings::Load(Program::kAgent, argc, argv));
//   if (settings.help_requested()) ...  Settings::Help(Program::kAgent)
//   options.collector = settings.Str("collector.address");   // a wrong name does not compile
//
// Each row gives a flag (--collector H:P or --collector=H:P; --no-collector empties it, or turns a
// switch off), a variable (VAKT_COLLECTOR) and a place in the file of --config or VAKT_CONFIG
// (collector: {address: H:P}). Variables that no row names are ignored: Kubernetes sets VAKT_*
// variables of its own for services called vakt-*.
//
// Ownership: a value type. Threads: thread-compatible; main loads it before it starts threads.
#ifndef VAKT_COMMON_CONFIG_SETTINGS_H_
#define VAKT_COMMON_CONFIG_SETTINGS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/config/setting_table.h"

namespace vakt {

// One value of a group (SettingGroupRow), as a file gives it.
struct GroupValue {
  std::string name;  // "siem.url": without the group's
  std::vector<std::string> values;
  bool sequence = false;
  std::string place;  // "/etc/vakt/collector.yaml:12"
};

class Settings {
 public:
  // The variable's value, or null. getenv, or a test's.
  using Environment = std::function<const char*(const std::string& name)>;

  // InvalidArgument, with the way out, for what is unknown, malformed or out of range; the code of
  // the file system when --config cannot be read. A program exits with 2 then.
  // `rest`: takes what is no flag of the table, in order (verbs and their flags); when null, such
  // arguments are errors. What follows `--` goes there too.
  static absl::StatusOr<Settings> Load(Program program, int argc, char** argv,
                                       std::vector<std::string>* rest = nullptr);
  static absl::StatusOr<Settings> Load(Program program, absl::Span<const std::string> arguments,
                                       const Environment& environment,
                                       std::vector<std::string>* rest = nullptr);

  std::string Str(
      SettingName<SettingType::kString, SettingType::kPath, SettingType::kEnum> n) const;
  std::vector<std::string> List(SettingName<SettingType::kList> n) const;
  bool Bool(SettingName<SettingType::kBool> n) const;
  uint64_t Uint(SettingName<SettingType::kUint, SettingType::kBytes> n) const;
  absl::Duration Dur(SettingName<SettingType::kDuration> n) const;
  // What the file gives of a group, in its order.
  std::vector<GroupValue> Group(std::string_view group) const;

  // --help, --version and --print-config, which every program takes. With the first two nothing
  // else has been checked.
  bool help_requested() const { return help_requested_; }
  bool version_requested() const { return version_requested_; }
  bool print_config_requested() const { return print_config_requested_; }

  // A configuration file with the effective values and, as comments, where each came from.
  std::string PrintConfig() const;
  // The flags of a program with their defaults.
  static std::string Help(Program program);

 private:
  struct Entry {
    const SettingRow* row;
    std::vector<std::string> values;  // one, but for lists
    std::string origin;               // "default", "flag --collector", "/etc/vakt/agent.yaml:3"
  };
  struct Flags;

  explicit Settings(Program program);
  const Entry& Get(std::string_view name) const;
  Entry& Of(const SettingRow* row);
  absl::Status ApplyFile(const std::string& path);
  bool InGroup(std::string_view name) const;
  std::string PrintGroups() const;
  absl::Status ApplyEnvironment(const Environment& environment);
  absl::Status ApplyFlags(const Flags& flags);

  Program program_;
  std::vector<Entry> entries_;       // in the order of the table
  std::vector<GroupValue> grouped_;  // names with that of their group
  bool help_requested_ = false;
  bool version_requested_ = false;
  bool print_config_requested_ = false;
};

}  // namespace vakt

#endif  // VAKT_COMMON_CONFIG_SETTINGS_H_
