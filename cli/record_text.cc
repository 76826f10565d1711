// SPDX-License-Identifier: Apache-2.0
#include "cli/record_text.h"

#include <algorithm>
#include <string_view>

#include "cli/time_text.h"
#include "common/alert/alert_time.h"
#include "common/alert/falco_json.h"
#include "common/alert/priority.h"
#include "common/base/strings.h"
#include "common/base/text.h"

namespace vakt {
namespace {

constexpr size_t kLabelWidth = 13;  // "Informational"

std::string Line(const google::protobuf::Timestamp& time, std::string_view label, Style style,
                 const v1::StoredRecord& stored, std::string_view text, const Console& console) {
  std::string padded(label);
  padded.resize(std::max(kLabelWidth, padded.size()), ' ');
  return StrCat(console.Styled(Style::kFaint, Rfc3339(time)), " ", console.Styled(style, padded),
                " ", EscapeUtf8(stored.node()), " ", text);
}

std::string GapLine(const v1::StoredRecord& stored, const Console& console) {
  const v1::Gap& gap = stored.record().gap();
  const absl::Duration span = FromTimestamp(gap.end()) - FromTimestamp(gap.begin());
  const std::string name = EnumText(*v1::Gap::Class_descriptor(), gap.class_());
  std::string text = StrCat(name, ": ", gap.count(), " ", gap.kind().empty() ? "records" : "",
                            EscapeUtf8(gap.kind()), " in ", absl::FormatDuration(span));
  if (!gap.reason().empty()) text += StrCat(" (", EscapeUtf8(gap.reason()), ")");
  return Line(gap.begin(), "Gap", Style::kYellow, stored, text, console);
}

std::string LifecycleLine(const v1::StoredRecord& stored, const Console& console) {
  const v1::Lifecycle& lifecycle = stored.record().lifecycle();
  const std::string what = EnumText(*v1::Lifecycle::What_descriptor(), lifecycle.what());
  std::string text = StrCat(what, ": vakt-agent ", EscapeUtf8(lifecycle.agent_version()));
  if (!lifecycle.detail().empty()) text += StrCat(", ", EscapeUtf8(lifecycle.detail()));
  return Line(lifecycle.time(), "Agent", Style::kGreen, stored, text, console);
}

JsonObject RecordObject(const v1::StoredRecord& stored) {
  JsonObject object;
  object.Add("cursor", stored.cursor())
      .Add("node", stored.node())
      .Add("cluster", stored.cluster())
      .AddJson("received", ProtoJson(stored.received()));
  const v1::Record& record = stored.record();
  if (record.has_alert()) {
    std::string alert;
    AppendFalcoJson(record.alert(), &alert);
    object.AddMembers(alert);
    if (stored.has_triage()) object.AddJson("triage", ProtoJson(stored.triage()));
  } else if (record.has_gap()) {
    object.AddJson("gap", ProtoJson(record.gap()));
  } else if (record.has_lifecycle()) {
    object.AddJson("lifecycle", ProtoJson(record.lifecycle()));
  }
  return object;
}

}  // namespace

Style PriorityStyle(v1::Priority priority) {
  if (priority <= v1::PRIORITY_ALERT) return Style::kAlarm;
  if (priority == v1::PRIORITY_CRITICAL) return Style::kRedBold;
  if (priority == v1::PRIORITY_ERROR) return Style::kRed;
  if (priority == v1::PRIORITY_WARNING) return Style::kYellow;
  return Style::kPlain;
}

std::string RecordLine(const v1::StoredRecord& stored, const Console& console) {
  const v1::Record& record = stored.record();
  if (record.has_gap()) return GapLine(stored, console);
  if (record.has_lifecycle()) return LifecycleLine(stored, console);
  const v1::Alert& alert = record.alert();
  const std::string text = StrCat(console.Styled(Style::kBold, EscapeUtf8(alert.rule())), ": ",
                                  EscapeUtf8(alert.output()));
  return Line(alert.time(), PriorityName(alert.priority()), PriorityStyle(alert.priority()), stored,
              text, console);
}

std::string RecordIn(std::string_view format, const v1::StoredRecord& stored,
                     const Console& console) {
  if (format == "ocsf") return stored.ocsf_json();
  return format == "json" ? RecordJson(stored) : RecordLine(stored, console);
}

std::string TriageText(const v1::Triage& triage) {
  std::string text = EnumText(*v1::AlertStatus_descriptor(), triage.status());
  if (triage.verdict() != 0) text += ", " + EnumText(*v1::Verdict_descriptor(), triage.verdict());
  if (!triage.assignee().empty()) text += StrCat(", assigned to ", EscapeUtf8(triage.assignee()));
  return StrCat(text, " (revision ", triage.revision(), ", ", EscapeUtf8(triage.changed_by()),
                " at ", Rfc3339(triage.changed()), ")");
}

std::string TriageChangeText(const v1::TriageChange& change) {
  std::string text = StrCat(EscapeUtf8(change.user()), ":");
  if (change.status() != 0) {
    text += " " + EnumText(*v1::AlertStatus_descriptor(), change.status());
  }
  if (change.verdict() != 0) text += " " + EnumText(*v1::Verdict_descriptor(), change.verdict());
  if (change.unassign()) text += " unassigned";
  if (!change.assignee().empty()) text += StrCat(" assigned to ", EscapeUtf8(change.assignee()));
  if (!change.note().empty()) text += StrCat(" \"", EscapeUtf8(change.note()), "\"");
  return text;
}

std::string RecordJson(const v1::StoredRecord& stored) { return RecordObject(stored).Text(); }

std::string RecordJsonWithEvidence(const v1::StoredRecord& stored) {
  const v1::Record& record = stored.record();
  const v1::Alert& alert = record.alert();
  JsonArray truncated;
  for (const std::string& field : alert.truncated_fields()) truncated.AddJson(JsonString(field));
  JsonObject object = RecordObject(stored);
  if (alert.has_container()) object.AddJson("container", ProtoJson(alert.container()));
  if (alert.has_flow()) object.AddJson("flow", ProtoJson(alert.flow()));
  return object.Add("boot_id", record.boot_id())
      .Add("epoch", record.epoch())
      .Add("seq", record.seq())
      .Add("rule_set_hash", alert.rule_set_hash())
      .Add("tier", alert.tier())
      .AddJson("truncated_fields", truncated.Text())
      .AddJson("event", ProtoJson(alert.event()))
      .AddJson("context", ProtoJson(stored.context()))
      .Text();
}

}  // namespace vakt
