// SPDX-License-Identifier: Apache-2.0
// What vaktctl can do: one row per verb. Help, flag parsing, shell completion and the tests walk
// the rows; a new verb is a row in verbs.cc and a file of its own.
//
// Threads: the table is constant; verbs run one at a time, on the main thread.
#ifndef VAKT_CLI_VERBS_H_
#define VAKT_CLI_VERBS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "cli/console.h"
#include "cli/flags.h"

namespace vakt {

struct Verb;

// One call of a verb. Everything in it outlives the call.
struct Invocation {
  const Verb& verb;
  Arguments arguments;
  std::string format;  // one of Verb::formats
  Console& console;

  bool json() const { return format == "json"; }
};

// Exit statuses of every verb.
inline constexpr int kSuccess = 0;
inline constexpr int kFailure = 1;
inline constexpr int kUsage = 2;
inline constexpr int kInterrupted = 130;  // as a shell reports a death by SIGINT

// The exit status, when everything worth saying has been said; or what went wrong, which the caller
// prints. InvalidArgument means that the call was wrong (kUsage).
using VerbResult = absl::StatusOr<int>;
// For what a file is to blame for, not the call: InvalidArgument becomes FailedPrecondition.
absl::Status FileError(const absl::Status& status);

using VerbFunction = VerbResult(const Invocation& invocation);

enum class Peer : uint8_t {
  kNone,       // local files only
  kCollector,  // takes the flags of collector.* and tls.* in the table of settings
  kAgent,      // takes those of state.*
};

struct Verb {
  std::string_view noun;      // "alerts"
  std::string_view name;      // "tail"; empty when the noun is all
  std::string_view operands;  // "FILE...", for --help
  std::string_view text;      // for --help: a sentence
  Peer peer;
  std::string_view formats;         // "human|json", the first is the default; empty: no --format
  absl::Span<const FlagRow> flags;  // beside those of `peer`, --format and --help
  size_t min_operands;
  size_t max_operands;
  VerbFunction* run;
};

inline constexpr size_t kAnyNumber = SIZE_MAX;

// In the order of --help.
absl::Span<const Verb> AllVerbs();
// Null when there is none. `name` is empty for nouns without verbs.
const Verb* FindVerb(std::string_view noun, std::string_view name);
// "alerts tail".
std::string VerbTitle(const Verb& verb);

// All flags of a verb: its own, --format, its peer's.
std::vector<FlagRow> FlagsOf(const Verb& verb);
// Flags that stand for settings (common/config); they may also stand before the noun.
std::vector<FlagRow> FlagsOf(Peer peer);

VerbFunction AlertsTail, AlertsQuery, AlertsGet, AlertsUpdate;
VerbFunction ConsumersList, ConsumersDelete;
VerbFunction Nodes, NodesForget, NodesMalformed, AuditList, TokensNew, StoreBackup;
VerbFunction FlowsTail, FlowsList, FlowsTop, FlowsGraph, FlowsEgress, FlowsPolicy;
VerbFunction AgentStatus, AgentStats, AgentPrograms, AgentReload;
VerbFunction RulesCheck, RulesEval, RulesTest, RulesExplain, RulesCost;
VerbFunction RulesPrefilter, RulesCoverage, RulesDiff;
VerbFunction ReplayRecording, Fields, Reference, CompletionBash, ShowVersion, ShowHelp;
VerbFunction SpoolVerify, SpoolList;
VerbFunction NodePrepare, NodeClean;

}  // namespace vakt

#endif  // VAKT_CLI_VERBS_H_
