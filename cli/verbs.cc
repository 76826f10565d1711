// SPDX-License-Identifier: Apache-2.0
#include "cli/verbs.h"

#include "common/base/strings.h"
#include "common/config/setting_table.h"

namespace vakt {
namespace {

// Which alerts: cli/alert_filter.h turns these into a filter.
constexpr FlagRow kPriorityFlag = {"--priority", FlagType::kPriority,
                                   "Only alerts of this priority and more severe ones."};
constexpr FlagRow kRuleFlag = {"--rule", FlagType::kTexts,
                               "Only alerts of this rule (its exact name; may be repeated)."};
constexpr FlagRow kNodeFlag = {"--node", FlagType::kTexts,
                               "Only records of this node (may be repeated)."};
constexpr FlagRow kTextFlag = {"--text", FlagType::kText,
                               "Only alerts with this in their output, in either case."};
constexpr FlagRow kWordsFlag = {
    "--words", FlagType::kText,
    "Only alerts with all of these words in their output, in any order and case."};
constexpr FlagRow kWhereFlag = {
    "--where", FlagType::kText,
    "Only alerts for which this condition holds, as in rules: 'alert.severity <= 3'."};
constexpr FlagRow kGapsFlag = {
    "--gaps", FlagType::kSwitch,
    "Also what was not seen or not kept, and when agents started and stopped."};

// Which flows: cli/flow_source.h turns these into a filter.
constexpr FlagRow kFlowSinceFlag = {"--since", FlagType::kMoment, "Only flows since then."};
constexpr FlagRow kFlowUntilFlag = {"--until", FlagType::kMoment, "Only flows before then."};
constexpr FlagRow kNamespaceFlag = {"--namespace", FlagType::kTexts,
                                    "Only pods of this namespace (may be repeated, as all below)."};
constexpr FlagRow kPodFlag = {"--pod", FlagType::kTexts, "Only this pod."};
constexpr FlagRow kContainerFlag = {"--container", FlagType::kTexts,
                                    "Only the container whose id begins so."};
constexpr FlagRow kExecutableFlag = {"--executable", FlagType::kTexts,
                                     "Only this program, by its path or its file name."};
constexpr FlagRow kClassFlag = {
    "--class", FlagType::kTexts,
    "Only remote sides of this class: loopback, same-pod, same-node, cluster, private, metadata, "
    "link-local, multicast or external."};
constexpr FlagRow kExternalFlag = {"--external", FlagType::kSwitch,
                                   "The same as --class external."};
constexpr FlagRow kDirectionFlag = {"--direction", FlagType::kTexts, "Only out, in or listen."};
constexpr FlagRow kRemoteFlag = {"--remote", FlagType::kTexts,
                                 "Only this remote side: an address, a block such as 10.0.0.0/8, "
                                 "or a name with what is below it."};
constexpr FlagRow kPortFlag = {"--port", FlagType::kTexts, "Only the service at this port."};

constexpr FlagRow kFlowsListFlags[] = {
    kFlowSinceFlag,
    kFlowUntilFlag,
    kNodeFlag,
    kNamespaceFlag,
    kPodFlag,
    kContainerFlag,
    kExecutableFlag,
    kClassFlag,
    kExternalFlag,
    kDirectionFlag,
    kRemoteFlag,
    kPortFlag,
    {"--limit", FlagType::kCount, "At most so many records; all without."},
    {"--oldest-first", FlagType::kSwitch, "Oldest first instead of newest first."},
};

constexpr FlagRow kFlowsTopFlags[] = {
    kFlowSinceFlag,
    kFlowUntilFlag,
    kNodeFlag,
    kNamespaceFlag,
    kPodFlag,
    kContainerFlag,
    kExecutableFlag,
    kClassFlag,
    kExternalFlag,
    kDirectionFlag,
    kRemoteFlag,
    kPortFlag,
    {"--by", FlagType::kChoice, "What is added up.", "process|pod|remote|country|asn"},
    {"--limit", FlagType::kCount, "At most so many rows; 20 without."},
};

constexpr FlagRow kFlowsGraphFlags[] = {
    kFlowSinceFlag,  kFlowUntilFlag, kNodeFlag,     kNamespaceFlag, kPodFlag,    kContainerFlag,
    kExecutableFlag, kClassFlag,     kExternalFlag, kDirectionFlag, kRemoteFlag, kPortFlag,
};

constexpr FlagRow kFlowsEgressFlags[] = {
    kFlowSinceFlag,
    kFlowUntilFlag,
    kNodeFlag,
    kNamespaceFlag,
    kPodFlag,
    kContainerFlag,
    kExecutableFlag,
    kClassFlag,
    kExternalFlag,
    kDirectionFlag,
    kRemoteFlag,
    kPortFlag,
    {"--new-since", FlagType::kMoment,
     "Only what was not reached before then, as far as --since goes back."},
    {"--gone-since", FlagType::kMoment, "Only what was reached before then, and not since."},
};

constexpr FlagRow kFlowsPolicyFlags[] = {
    kFlowSinceFlag,
    kFlowUntilFlag,
    {"--namespace", FlagType::kTexts, "Only for workloads of this namespace (may be repeated)."},
    {"--workload", FlagType::kTexts, "Only for the workload of this name (may be repeated)."},
    {"--external-as", FlagType::kChoice,
     "How external addresses are allowed: each by itself, its /24 or /48, or all that are not "
     "private.",
     "address|cidr|any"},
};

// What cli/record_tail.h reads.
constexpr FlagRow kConsumerFlag = {
    "--consumer", FlagType::kText,
    "Go on where this named consumer stopped; the collector keeps where that is."};
constexpr FlagRow kTailSinceFlag = {"--since", FlagType::kMoment,
                                    "Begin with what is stored of events since then."};
constexpr FlagRow kAfterFlag = {"--after", FlagType::kText,
                                "Go on after this cursor, which an ended tail has printed."};
constexpr FlagRow kFromBeginningFlag = {"--from-beginning", FlagType::kSwitch,
                                        "Begin with everything that is stored."};
constexpr FlagRow kTailCountFlag = {"--count", FlagType::kCount, "End after so many records."};
constexpr FlagRow kTailTimeoutFlag = {"--timeout", FlagType::kDuration,
                                      "End after so long: a failure if --count were not reached."};

constexpr FlagRow kTailFlags[] = {
    kPriorityFlag,      kRuleFlag,      kNodeFlag,        kTextFlag,      kWordsFlag,
    kWhereFlag,         kGapsFlag,      kConsumerFlag,    kTailSinceFlag, kAfterFlag,
    kFromBeginningFlag, kTailCountFlag, kTailTimeoutFlag,
};

constexpr FlagRow kFlowsTailFlags[] = {
    kNodeFlag,       kNamespaceFlag,     kPodFlag,       kContainerFlag,
    kExecutableFlag, kClassFlag,         kExternalFlag,  kDirectionFlag,
    kRemoteFlag,     kPortFlag,          kConsumerFlag,  kTailSinceFlag,
    kAfterFlag,      kFromBeginningFlag, kTailCountFlag, kTailTimeoutFlag,
};

constexpr FlagRow kNodesFlags[] = {
    {"--watch", FlagType::kSwitch, "Go on with each that changes, until it is interrupted."},
    {"--timeout", FlagType::kDuration, "With --watch: end after so long."},
};

constexpr FlagRow kNodeNameFlags[] = {
    {"--cluster", FlagType::kText, "Of which cluster, if several have a node of that name."},
};

constexpr FlagRow kQueryFlags[] = {
    kPriorityFlag,
    kRuleFlag,
    kNodeFlag,
    kTextFlag,
    kWordsFlag,
    kWhereFlag,
    kGapsFlag,
    {"--since", FlagType::kMoment, "Only events since then."},
    {"--until", FlagType::kMoment, "Only events before then."},
    {"--limit", FlagType::kCount, "At most so many records; all without."},
    {"--oldest-first", FlagType::kSwitch, "Oldest first instead of newest first."},
};

constexpr FlagRow kGetFlags[] = {
    {"--context", FlagType::kSwitch,
     "Also what people did with it, and what else happened on its node within 5 minutes."},
};

constexpr FlagRow kUpdateFlags[] = {
    {"--status", FlagType::kChoice, "Where work on it stands.",
     "new|in_progress|suppressed|resolved"},
    {"--verdict", FlagType::kChoice, "What it turned out to be.",
     "false_positive|true_positive|suspicious|benign|test|duplicate"},
    {"--assign", FlagType::kText, "Who works on it."},
    {"--unassign", FlagType::kSwitch, "Nobody works on it."},
    {"--note", FlagType::kText, "A remark that is kept with the change."},
    {"--revision", FlagType::kCount, "Fail if somebody has changed it since this revision."},
};

constexpr FlagRow kAuditFlags[] = {
    {"--since", FlagType::kMoment, "Only entries since then."},
    {"--until", FlagType::kMoment, "Only entries before then."},
    {"--user", FlagType::kText, "Only entries of this user."},
    {"--method", FlagType::kText, "Only calls of this method, such as Alerts/Query."},
    {"--limit", FlagType::kCount, "At most so many entries; 100 without."},
};

constexpr FlagRow kConsumerFlags[] = {
    {"--user", FlagType::kText, "Whose consumer it is; without, the caller's own."},
};

constexpr FlagRow kTokenFlags[] = {
    {"--until", FlagType::kMoment, "When the token ends; never without."},
};

constexpr FlagRow kProgramsFlags[] = {
    {"--measure", FlagType::kDuration,
     "Have the kernel measure them for so long (at most 60s), and show what ran in it."},
};

constexpr FlagRow kReplayFlags[] = {
    {"--rules", FlagType::kPaths,
     "Rule files or directories of them, in order; may be repeated, or several with commas."},
    {"--alerts", FlagType::kPath, "File that the alerts are written to; - is standard output."},
    {"--rule-matching", FlagType::kChoice,
     "Whether an event that matches several rules alerts for the first of them or for each.",
     "first|all"},
    {"--min-priority", FlagType::kPriority, "Leave out rules of a lower priority than this."},
};

constexpr FlagRow kCheckFlags[] = {
    {"--agent-config", FlagType::kPath,
     "Configuration file of the agent, whose static_fields and append_output belong to the rules."},
};

constexpr FlagRow kEvalFlags[] = {
    {"--fields", FlagType::kText,
     "JSON object of the values, by field as conditions write it; absent or null: no value."},
    {"--rules", FlagType::kPaths,
     "Rule files whose lists and macros the condition names; may be repeated."},
};

constexpr FlagRow kExplainFlags[] = {
    {"--event", FlagType::kPath,
     "YAML list of events as in a rule's tests, of which the last is explained; - is standard "
     "input."},
    {"--recording", FlagType::kPath, "Recording that the event is in."},
    {"--num", FlagType::kCount, "The event's number in the recording: evt.num of its alert."},
};

constexpr FlagRow kCostFlags[] = {
    {"--recording", FlagType::kPath, "Recording to match."},
};

constexpr FlagRow kSpoolFlags[] = {
    {"--stored", FlagType::kText,
     "How far the collector has this node's stream (EPOCH/SEQ or EPOCH/SEQ/HASH): an older copy of "
     "the whole spool is told by nothing else."},
};

constexpr FlagRow kCleanFlags[] = {
    {"--stay", FlagType::kSwitch,
     "Wait for SIGTERM afterwards, as a DaemonSet's container has to."},
};

constexpr FlagRow kDiffFlags[] = {
    {"--recording", FlagType::kPath, "Recording whose events both sets are run on."},
    {"--rule-matching", FlagType::kChoice,
     "Whether an event that matches several rules alerts for each of them or for the first.",
     "all|first"},
};

constexpr FlagRow kFieldsFlags[] = {
    {"--search", FlagType::kText, "Only fields with this in their name or text, in either case."},
    {"--verbose", FlagType::kSwitch, "Also say what conditions may do with each field."},
};

// clang-format off
constexpr Verb kVerbs[] = {
    {"alerts", "tail", "", "Print alerts as they are stored, until interrupted.",
     Peer::kCollector, "human|json|ocsf", kTailFlags, 0, 0, AlertsTail},
    {"alerts", "query", "", "Print stored alerts.",
     Peer::kCollector, "human|json|ocsf", kQueryFlags, 0, 0, AlertsQuery},
    {"alerts", "get", "UID", "Print one alert with its evidence.",
     Peer::kCollector, "human|json|ocsf", kGetFlags, 1, 1, AlertsGet},
    {"alerts", "update", "UID", "Set an alert's status, verdict or assignee, or add a note.",
     Peer::kCollector, "human|json", kUpdateFlags, 1, 1, AlertsUpdate},
    {"flows", "tail", "", "Print flow records as they are stored, until interrupted.",
     Peer::kCollector, "human|json|ocsf", kFlowsTailFlags, 0, 0, FlowsTail},
    {"flows", "list", "", "Print flow records: who talked to whom, and how much.",
     Peer::kCollector, "human|json|ocsf", kFlowsListFlags, 0, 0, FlowsList},
    {"flows", "top", "", "Add flows up over the last hour or another time, most bytes first.",
     Peer::kCollector, "human|json", kFlowsTopFlags, 0, 0, FlowsTop},
    {"flows", "graph", "", "Print who talks to whom as a graph in DOT; `dot -Tsvg` draws it.",
     Peer::kCollector, "", kFlowsGraphFlags, 0, 0, FlowsGraph},
    {"flows", "egress", "", "List what each workload reached in the last 7 days or another time, or what of it is new.",
     Peer::kCollector, "human|json", kFlowsEgressFlags, 0, 0, FlowsEgress},
    {"flows", "policy", "", "Suggest a Kubernetes NetworkPolicy per workload from the flows of the last 7 days or another time.",
     Peer::kCollector, "yaml|json", kFlowsPolicyFlags, 0, 0, FlowsPolicy},
    {"nodes", "", "", "List the nodes that the collector knows.",
     Peer::kCollector, "human|json", kNodesFlags, 0, 0, Nodes},
    {"nodes", "forget", "NODE", "Forget a node that is gone for good; its alerts stay.",
     Peer::kCollector, "", kNodeNameFlags, 1, 1, NodesForget},
    {"nodes", "malformed", "NODE", "List what a node sent that could not be taken as a record.",
     Peer::kCollector, "human|json", kNodeNameFlags, 1, 1, NodesMalformed},
    {"consumers", "list", "", "List the named consumers of alerts and where they stand.",
     Peer::kCollector, "human|json", {}, 0, 0, ConsumersList},
    {"consumers", "delete", "NAME", "Forget a named consumer and where it stood.",
     Peer::kCollector, "", kConsumerFlags, 1, 1, ConsumersDelete},
    {"store", "backup", "NAME", "Copy the collector's store, beside it, while it is in use.",
     Peer::kCollector, "human|json", {}, 1, 1, StoreBackup},
    {"audit", "list", "", "List who has read alerts and who has changed what.",
     Peer::kCollector, "human|json", kAuditFlags, 0, 0, AuditList},
    {"tokens", "new", "NAME ROLE", "Make a token for a user without a certificate: viewer, analyst or admin.",
     Peer::kNone, "human|json", kTokenFlags, 2, 2, TokensNew},
    {"agent", "status", "", "Show what the agent on this node watches.",
     Peer::kAgent, "human|json", {}, 0, 0, AgentStatus},
    {"agent", "stats", "", "Show the counters of the agent on this node.",
     Peer::kAgent, "human|json|kv", {}, 0, 0, AgentStats},
    {"agent", "reload", "", "Load the rule files of the agent on this node anew.",
     Peer::kAgent, "human|json", {}, 0, 0, AgentReload},
    {"agent", "programs", "", "Show the agent's BPF programs and what they cost.",
     Peer::kAgent, "human|json", kProgramsFlags, 0, 0, AgentPrograms},
    {"node", "prepare", "DIR", "Put the agent's seccomp profile into a directory of the node (in the agent's image).",
     Peer::kNone, "", {}, 1, 1, NodePrepare},
    {"node", "clean", "DIR...", "Remove what agents and `node prepare` left in these directories of the node.",
     Peer::kNone, "", kCleanFlags, 1, kAnyNumber, NodeClean},
    {"spool", "verify", "DIR", "Check an agent's spool against its checksums and its hash chain.",
     Peer::kNone, "human|json", kSpoolFlags, 1, 1, SpoolVerify},
    {"spool", "list", "DIR", "List the segments of an agent's spool.",
     Peer::kNone, "human|json", {}, 1, 1, SpoolList},
    {"rules", "check", "PATH...", "Validate rule files, in this order as one set.",
     Peer::kNone, "human|json", kCheckFlags, 1, kAnyNumber, RulesCheck},
    {"rules", "eval", "CONDITION [FILE...]", "Try a condition on values of fields: 0 true, 1 false, 2 error.",
     Peer::kNone, "", kEvalFlags, 1, kAnyNumber, RulesEval},
    {"rules", "prefilter", "PATH...", "Show what the kernel decides for each rule before it sends events.",
     Peer::kNone, "human|json", {}, 1, kAnyNumber, RulesPrefilter},
    {"rules", "coverage", "PATH...", "List the ATT&CK techniques and the controls of rules; json: a Navigator layer.",
     Peer::kNone, "human|json|markdown", {}, 1, kAnyNumber, RulesCoverage},
    {"rules", "diff", "OLD NEW",
     "Compare two sets of rules on a recording: 0 same alerts, 1 new or lost ones, 2 error.",
     Peer::kNone, "human|json", kDiffFlags, 2, 2, RulesDiff},
    {"rules", "test", "PATH...", "Run the *.test.yaml files beside rules.",
     Peer::kNone, "human|json", {}, 1, kAnyNumber, RulesTest},
    {"rules", "explain", "RULE PATH...", "Show why a rule fires on an event, or why not: 0 it fires, 1 it does not.",
     Peer::kNone, "human|json", kExplainFlags, 2, kAnyNumber, RulesExplain},
    {"rules", "cost", "PATH...", "Show what rules cost over a recording.",
     Peer::kNone, "human|json", kCostFlags, 1, kAnyNumber, RulesCost},
    {"replay", "", "FILE", "Run a recording through rules and print the alerts.",
     Peer::kNone, "json|human", kReplayFlags, 1, 1, ReplayRecording},
    {"fields", "", "", "List the fields that rules may use.",
     Peer::kNone, "human|json|markdown", kFieldsFlags, 0, 0, Fields},
    {"reference", "", "PAGE", "Print a page of docs/reference: settings, metrics, events, conditions, sinks or verbs.",
     Peer::kNone, "", {}, 1, 1, Reference},
    {"completion", "bash", "", "Print a completion script for: source <(vaktctl completion bash).",
     Peer::kNone, "", {}, 0, 0, CompletionBash},
    {"version", "", "", "Print the version.",
     Peer::kNone, "human|json", {}, 0, 0, ShowVersion},
    {"help", "", "[NOUN [VERB]]", "Show help.",
     Peer::kNone, "", {}, 0, 2, ShowHelp},
};
// clang-format on

FlagType TypeOf(const SettingRow& row) {
  return row.type == SettingType::kPath ? FlagType::kPath : FlagType::kText;
}

}  // namespace

absl::Status FileError(const absl::Status& status) {
  return absl::IsInvalidArgument(status) ? absl::FailedPreconditionError(status.message()) : status;
}

absl::Span<const Verb> AllVerbs() { return kVerbs; }

const Verb* FindVerb(std::string_view noun, std::string_view name) {
  for (const Verb& verb : kVerbs) {
    if (verb.noun == noun && verb.name == name) return &verb;
  }
  return nullptr;
}

std::string VerbTitle(const Verb& verb) {
  return verb.name.empty() ? std::string(verb.noun) : StrCat(verb.noun, " ", verb.name);
}

std::vector<FlagRow> FlagsOf(Peer peer) {
  std::vector<FlagRow> flags;
  if (peer == Peer::kNone) return flags;
  for (const SettingRow& row : AllSettings()) {
    const bool of_agent = row.name.starts_with("state.");
    if (!row.in(Program::kVaktctl) || of_agent != (peer == Peer::kAgent)) continue;
    flags.push_back({row.flag, TypeOf(row), row.text});
  }
  flags.push_back({"--config", FlagType::kPath, "YAML file of these settings."});
  return flags;
}

std::vector<FlagRow> FlagsOf(const Verb& verb) {
  std::vector<FlagRow> flags(verb.flags.begin(), verb.flags.end());
  if (!verb.formats.empty()) {
    flags.push_back({"--format", FlagType::kChoice, "Form of the output.", verb.formats});
  }
  const std::vector<FlagRow> of_peer = FlagsOf(verb.peer);
  flags.insert(flags.end(), of_peer.begin(), of_peer.end());
  return flags;
}

}  // namespace vakt
