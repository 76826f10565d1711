// SPDX-License-Identifier: Apache-2.0
// vaktctl agent status
#include <grpcpp/client_context.h>

#include <string>

#include "absl/time/clock.h"
#include "cli/connection.h"
#include "cli/json.h"
#include "cli/text_table.h"
#include "cli/time_text.h"
#include "cli/verbs.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "vakt/v1/control.grpc.pb.h"

namespace vakt {
namespace {

TextTable::Cell CollectorCell(const v1::AgentStatus& status) {
  if (status.collector().empty()) return {"none"};
  if (status.collector_connected())
    return {StrCat(status.collector(), ", connected"), Style::kGreen};
  return {StrCat(status.collector(), ", not connected: ", status.collector_error()), Style::kRed};
}

Style ProbeStyle(const v1::ProbeStatus& probe) {
  if (probe.state() == "attached") return Style::kGreen;
  return probe.state() == "failed" ? Style::kRed : Style::kFaint;
}

void PrintForPeople(const v1::AgentStatus& status, Console& console) {
  TextTable about({"ABOUT", "VALUE"});
  about.AddRow(
      {{"state"}, {status.state(), status.state() == "ready" ? Style::kGreen : Style::kRed}});
  about.AddRow({{"node"}, {status.node()}});
  about.AddRow({{"version"}, {status.version()}});
  about.AddRow({{"pid"}, {StrCat(status.pid())}});
  about.AddRow({{"up"}, {RoughSpan(absl::Nanoseconds(static_cast<int64_t>(status.uptime_ns())))}});
  about.AddRow({{"kernel"}, {status.kernel_release()}});
  about.AddRow({{"tier"}, {status.tier()}});
  about.AddRow({{"scope"}, {status.scope().empty() ? "the whole node" : status.scope()}});
  about.AddRow(
      {{"pinned"}, {status.pinned().empty() ? "nothing outlives the agent" : status.pinned()}});
  about.AddRow({{"rules"}, {StrCat(status.rules())}});
  about.AddRow({{"rule set"}, {status.rule_set_hash()}});
  if (!status.rules_error().empty()) {
    about.AddRow({{"rule files"}, {StrCat("not loaded: ", status.rules_error()), Style::kRed}});
  }
  about.AddRow({{"collector"}, CollectorCell(status)});
  about.AddRow({{"spooled"}, {StrCat(status.spooled_records(), " records")}});
  about.Print(console);
  if (!status.probes().empty()) {
    console.Line("");
    TextTable probes({"PROBE", "KIND", "TIER", "STATE", "DETAIL"});
    for (const v1::ProbeStatus& probe : status.probes()) {
      probes.AddRow({{probe.name()},
                     {probe.kind()},
                     {probe.tier()},
                     {probe.state(), ProbeStyle(probe)},
                     {probe.detail()}});
    }
    probes.Print(console);
  }
  if (!status.capabilities().empty()) {
    console.Line("");
    TextTable capabilities({"CAPABILITY", "HELD BY", "WITHOUT IT"});
    for (const v1::CapabilityStatus& capability : status.capabilities()) {
      const bool missing = capability.state() == "missing";
      capabilities.AddRow({{capability.name()},
                           {capability.state(), missing ? Style::kRed : Style::kFaint},
                           {capability.without()}});
    }
    capabilities.Print(console);
  }
  if (status.blind_spots().empty()) return;
  console.Line("");
  console.Line(console.Styled(Style::kBold, "WHAT THIS AGENT CANNOT SEE"));
  for (const std::string& blind_spot : status.blind_spots()) console.Line(EscapeUtf8(blind_spot));
}

}  // namespace

VerbResult AgentStatus(const Invocation& invocation) {
  VAKT_ASSIGN_OR_RETURN(const Connection agent, Connection::ToAgent(invocation));
  VAKT_ASSIGN_OR_RETURN(const auto channel, agent.Dial());
  const auto stub = v1::AgentControl::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
  v1::AgentStatus answer;
  const grpc::Status status = stub->GetStatus(&context, {}, &answer);
  if (!status.ok()) return agent.Failure(status);
  if (invocation.json()) {
    invocation.console.Line(ProtoJson(answer));
  } else {
    PrintForPeople(answer, invocation.console);
  }
  return kSuccess;
}

}  // namespace vakt
