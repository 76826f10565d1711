// SPDX-License-Identifier: Apache-2.0
// vaktctl agent stats
#include <grpcpp/client_context.h>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "cli/connection.h"
#include "cli/stats_text.h"
#include "cli/text_table.h"
#include "cli/verbs.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "vakt/v1/control.grpc.pb.h"

namespace vakt {
namespace {

// Of how many of a kind's hits the kernel made nothing: "97.3 %".
std::string ShareOfHits(const std::vector<MetricSum>& sums, const std::string& labels,
                        uint64_t value) {
  for (const MetricSum& metric : sums) {
    if (metric.name != "events_hook_hits_total") continue;
    for (const auto& [name, hits] : metric.parts) {
      if (name != labels || hits == 0) continue;
      return absl::StrFormat("%.1f %%", 100.0 * static_cast<double>(value) / hits);
    }
  }
  return " ";
}

void PrintForPeople(const v1::AgentStats& stats, Console& console) {
  TextTable table({"METRIC", "VALUE", "MEANING"});
  const std::vector<MetricSum> sums = SumMetrics(stats);
  for (const MetricSum& metric : sums) {
    const bool filtered = metric.name == "events_filtered_total";
    table.AddRow({{metric.name, Style::kBold}, {StrCat(metric.sum)}, {metric.text}});
    for (const auto& [labels, value] : metric.parts) {
      const std::string share = filtered ? ShareOfHits(sums, labels, value) : " ";
      table.AddRow({{StrCat("  ", labels)}, {StrCat(value)}, {share}});
    }
  }
  table.Print(console);
}

}  // namespace

VerbResult AgentStats(const Invocation& invocation) {
  VAKT_ASSIGN_OR_RETURN(const Connection agent, Connection::ToAgent(invocation));
  VAKT_ASSIGN_OR_RETURN(const auto channel, agent.Dial());
  const auto stub = v1::AgentControl::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
  v1::AgentStats stats;
  const grpc::Status status = stub->GetStats(&context, {}, &stats);
  if (!status.ok()) return agent.Failure(status);
  if (invocation.json()) {
    invocation.console.Line(StatsJson(stats));
  } else if (invocation.format == "kv") {
    invocation.console.Write(StatsKv(stats));
  } else {
    PrintForPeople(stats, invocation.console);
  }
  return kSuccess;
}

}  // namespace vakt
