// SPDX-License-Identifier: Apache-2.0
#include "collector/store/own_alert.h"

#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/time/wall_time.h"

namespace vakt {
namespace {

// In the order of OwnAlert. Log tampering is T1070 (indicator removal); a node that speaks for
// another is T1036 (masquerading).
constexpr OwnAlertRow kRows[] = {
    {OwnAlert::kStreamRestarted, "Vakt node started a new stream", v1::PRIORITY_WARNING, "T1070",
     "The node's agent has begun a new record chain: its state directory was replaced or emptied. "
     "Records that were not delivered before are gone. Expected when a node is set up anew"},
    {OwnAlert::kStreamRolledBack, "Vakt node stream rolled back", v1::PRIORITY_CRITICAL, "T1070",
     "The node's records end before those that it has delivered already: its disk was set back to "
     "an older copy, or records were removed"},
    {OwnAlert::kStreamForked, "Vakt node stream forked", v1::PRIORITY_CRITICAL, "T1070",
     "The node's records do not continue those that are stored: the spool was written anew, "
     "records were removed, two agents use one identity, or this store was set back"},
    {OwnAlert::kStreamAltered, "Vakt node stream altered", v1::PRIORITY_CRITICAL, "T1070",
     "The node sent records that its own hash does not cover: they were changed on the node"},
    {OwnAlert::kStreamUnchained, "Vakt node stream without chain", v1::PRIORITY_ERROR, "T1070",
     "The node no longer tells the hash of its records: an older agent was installed, or another "
     "program uses its certificate"},
    {OwnAlert::kForgedIdentity, "Vakt node claims another identity", v1::PRIORITY_CRITICAL, "T1036",
     "A connection with this node's certificate spoke in the name of another node and was refused: "
     "the certificate was copied, or --node-name is wrong"},
    {OwnAlert::kSetAside, "Vakt alert refused by a sink", v1::PRIORITY_ERROR, "",
     "The other side of a sink refused alerts, or failed on them again and again while it took "
     "others. They are in the store and, with the reason, in sinks/<name>.refused.jsonl of the "
     "collector's directory; the sink goes on with the next"},
};

void AddField(std::string_view name, std::string_view value, v1::Alert* alert) {
  v1::OutputField* field = alert->add_output_fields();
  field->set_name(std::string(name));
  field->set_string_value(EscapeUtf8(value));
}

}  // namespace

absl::Span<const OwnAlertRow> AllOwnAlerts() { return kRows; }

const OwnAlertRow& RowOf(OwnAlert id) { return kRows[static_cast<size_t>(id)]; }

v1::Alert MakeOwnAlert(OwnAlert id, const NodeKey& about, std::string_view detail,
                       int64_t wall_ns) {
  const OwnAlertRow& row = RowOf(id);
  v1::Alert alert;
  FromWallNs(wall_ns, alert.mutable_time());
  alert.set_rule(std::string(row.rule));
  alert.set_priority(row.priority);
  alert.set_source(std::string(kOwnSource));
  alert.set_hostname(EscapeUtf8(about.node));
  alert.set_output(StrCat(row.text, " (node=", EscapeUtf8(about.node),
                          " cluster=", EscapeUtf8(about.cluster), " ", EscapeUtf8(detail), ")"));
  AddField("vakt.node", about.node, &alert);
  AddField("vakt.cluster", about.cluster, &alert);
  AddField("vakt.detail", detail, &alert);
  alert.add_tags("vakt_collector");
  if (!row.technique.empty()) alert.mutable_attack()->add_techniques(std::string(row.technique));
  return alert;
}

}  // namespace vakt
