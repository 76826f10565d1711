// SPDX-License-Identifier: Apache-2.0
// vaktctl flows list
#include <limits>
#include <string>

#include "absl/time/clock.h"
#include "cli/flow_source.h"
#include "cli/flow_text.h"
#include "cli/text_table.h"
#include "cli/verbs.h"
#include "common/alert/alert_time.h"
#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

void AddRow(const v1::StoredRecord& stored, TextTable* table) {
  const v1::Flow& flow = stored.record().flow();
  table->AddRow({{Rfc3339(flow.end()), Style::kFaint},
                 {WorkloadText(stored)},
                 {ProgramText(flow), Style::kBold},
                 {StrCat(flow.task().pid())},
                 {DirectionText(flow)},
                 {RemoteText(flow)},
                 {ServiceText(flow)},
                 {PlaceText(flow),
                  flow.class_() == v1::Flow::CLASS_EXTERNAL ? Style::kYellow : Style::kPlain},
                 {ConnectionsText(flow)},
                 {BytesText(flow.bytes_out())},
                 {BytesText(flow.bytes_in())}});
}

}  // namespace

VerbResult FlowsList(const Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  Console& console = invocation.console;
  v1::ListFlowsRequest request;
  VAKT_ASSIGN_OR_RETURN(*request.mutable_filter(),
                        FlowFilterFromFlags(arguments, absl::Now(), absl::InfiniteDuration()));
  if (invocation.format == "ocsf") request.set_format(v1::FORMAT_OCSF);
  request.set_oldest_first(arguments.Has("--oldest-first"));
  uint64_t left = arguments.Count("--limit", std::numeric_limits<uint64_t>::max());
  TextTable table({"END", "WORKLOAD", "PROGRAM", "PID", "DIRECTION", "REMOTE", "SERVICE", "CLASS",
                   "CONNECTIONS", "OUT", "IN"});
  VAKT_RETURN_IF_ERROR(ForEachFlow(invocation, request, [&](const v1::StoredRecord& stored) {
    if (invocation.format == "ocsf") {
      console.Line(stored.ocsf_json());
    } else if (invocation.json()) {
      console.Line(FlowJson(stored));
    } else {
      AddRow(stored, &table);
    }
    return --left > 0;
  }));
  if (invocation.format == "human" && !table.empty()) table.Print(console);
  return kSuccess;
}

}  // namespace vakt
