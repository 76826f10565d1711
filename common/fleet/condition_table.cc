// SPDX-License-Identifier: Apache-2.0
#include "common/fleet/condition_table.h"

namespace vakt {
namespace {

constexpr ConditionTableRow kRows[] = {
    {ConditionId::kSilent, "node_silent", "Vakt node silent", v1::PRIORITY_CRITICAL,
     "no message for two and a half of its heartbeats, so that two are missing (25 s by default); "
     "after a start of the collector 30 s later",
     "any message",
     "Nothing is heard from the node's agent: the node or its network is down, or the agent was "
     "stopped. Nobody watches the node, or what it sees waits on its disk. If others of its rack "
     "or "
     "zone are well, look at the node itself"},
    {ConditionId::kBlind, "node_blind", "Vakt node blind", v1::PRIORITY_CRITICAL,
     "no probe is attached, or no rule is loaded", "a probe is attached and a rule is loaded",
     "The agent runs and sees nothing, or nothing that it sees can become an alert. `vaktctl agent "
     "status` on the node says why"},
    {ConditionId::kLosing, "node_losing", "Vakt node losing events", v1::PRIORITY_ERROR,
     "the agent counts events or alerts that had no room (events_lost_total, alerts_shed_total, "
     "programs_skipped_total)",
     "30 heartbeats without a further one",
     "Events were dropped; gap records say which kinds, how many and when. Find what causes them "
     "(`vaktctl agent stats`), or give the agent more room (--ring-bytes, --spool-max-bytes)"},
    {ConditionId::kDegraded, "node_degraded", "Vakt node degraded", v1::PRIORITY_WARNING,
     "a probe that the rules need could not be attached", "all that are needed are attached",
     "The agent does not see every kind of event that its rules ask for. `vaktctl agent status` on "
     "the node names probes and reasons"},
    {ConditionId::kOldRules, "node_rules_differ", "Vakt node on other rules", v1::PRIORITY_WARNING,
     "for 10 minutes other rules than most nodes of its cluster (of at least two nodes)",
     "the same as most",
     "A rollout of rules has missed the node, or somebody changed its rules. Compare with `vaktctl "
     "nodes`"},
    {ConditionId::kClock, "node_clock_off", "Vakt node clock off", v1::PRIORITY_WARNING,
     "its wall clock is more than 5 s from the collector's", "less than 2.5 s",
     "Times in its alerts are wrong by as much, which misleads whoever compares them with those of "
     "others. See to the time service of the node, or of the collector if many nodes show this"},
    {ConditionId::kCertificate, "node_certificate_ending", "Vakt node certificate near its end",
     v1::PRIORITY_WARNING, "less than a fifth of its lifetime is left",
     "a newer one is in its place",
     "Once it has ended the node can no longer deliver; what it sees waits on its disk. See to "
     "whatever renews certificates there"},
    {ConditionId::kMalformed, "node_malformed", "Vakt node sends malformed records",
     v1::PRIORITY_ERROR, "a record of it could not be taken", "30 heartbeats without a further one",
     "What the node's agent sends is not what agents send: it has a fault, or another program uses "
     "its certificate. Each such record is kept apart, a gap (`malformed`) stands in its place, "
     "and "
     "what comes behind it is stored as ever. `vaktctl nodes malformed NODE` shows them and why"},
    {ConditionId::kOverShare, "node_over_share", "Vakt node over its share", v1::PRIORITY_ERROR,
     "it has sent more than a node may have stored in a day (--node-bytes-per-day)",
     "30 heartbeats in which it did not have to wait",
     "The node is read from only as fast as its share grows, so that it does not fill the disk of "
     "all. What it sees waits on its disk, and when there is no more room there, the least severe "
     "goes first, with a gap that says how much. Look at what it sends: a rule that fires too "
     "often, or somebody who wants to bury something"},
    {ConditionId::kProgram, "node_program_differs", "Vakt node runs another program",
     v1::PRIORITY_CRITICAL,
     "the digest of its agent's program is another than before, or for 10 minutes than on most "
     "nodes "
     "of its cluster (of at least two nodes), of the same version",
     "the former digest, or another version",
     "Programs of one version are equal on all nodes, so somebody has exchanged this one, or "
     "brought "
     "out a version twice. Compare `sha256sum` of the node's vakt-agent with that of the image or "
     "package that it should come from. If the change was meant to be, `vaktctl nodes forget NODE` "
     "takes the new program as the known one. A program made to deceive can tell a false digest: "
     "this finds what was exchanged without care"},
};

}  // namespace

absl::Span<const ConditionTableRow> AllConditions() { return kRows; }

const ConditionTableRow* FindCondition(std::string_view name) {
  for (const ConditionTableRow& row : kRows) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace vakt
