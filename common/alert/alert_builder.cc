// SPDX-License-Identifier: Apache-2.0
#include "common/alert/alert_builder.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/event_codec/container_codec.h"
#include "common/event_codec/event_codec.h"
#include "common/event_codec/flow_codec.h"
#include "common/rulelang/operand.h"
#include "common/rulelang/output_format.h"

namespace vakt {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

// Falco's suggested output: the field, and how the message calls it.
constexpr struct {
  std::string_view field;
  std::string_view key;
} kSuggested[] = {
    {"container.id", "container_id"},
    {"container.name", "container_name"},
    {"container.image.repository", "container_image_repository"},
    {"container.image.tag", "container_image_tag"},
    {"k8s.pod.name", "k8s_pod_name"},
    {"k8s.ns.name", "k8s_ns_name"},
};

void SetTime(int64_t wall_ns, google::protobuf::Timestamp* out) {
  int64_t seconds = wall_ns / kNsPerSecond;
  int64_t nanos = wall_ns % kNsPerSecond;
  if (nanos < 0) {  // a Timestamp's nanos count forward, before 1970 too
    nanos += kNsPerSecond;
    --seconds;
  }
  out->set_seconds(seconds);
  out->set_nanos(static_cast<int32_t>(nanos));
}

void SetUid(const NodeFacts& node, uint64_t alert_number, v1::Alert* out) {
  std::string boot_id = node.boot_id;
  boot_id.erase(std::remove(boot_id.begin(), boot_id.end(), '-'), boot_id.end());
  out->set_uid(StrCat(boot_id, "-", node.epoch, "-", alert_number));
}

std::string JoinedText(absl::Span<const Value> values) {
  std::string text;
  for (const Value& value : values) {
    if (!text.empty()) text += ' ';
    text += ValueText(value);
  }
  return EscapeUtf8(text);
}

void SetValue(absl::Span<const Value> values, v1::OutputField* out) {
  if (values.empty()) return;
  if (values.size() > 1) return out->set_string_value(JoinedText(values));
  switch (values[0].tag) {
    case Value::Tag::kInt:
      return out->set_int_value(values[0].int_value);
    case Value::Tag::kUint:
      return out->set_uint_value(values[0].uint_value);
    case Value::Tag::kDouble:
      return out->set_double_value(values[0].double_value);
    case Value::Tag::kBool:
      return out->set_bool_value(values[0].bool_value);
    case Value::Tag::kString:
    case Value::Tag::kIp:
      return out->set_string_value(JoinedText(values));
    case Value::Tag::kNull:
      return;
  }
}

bool HasField(const v1::Alert& alert, std::string_view name) {
  return std::any_of(alert.output_fields().begin(), alert.output_fields().end(),
                     [name](const v1::OutputField& field) { return field.name() == name; });
}

void AddTokenField(const Event& event, const OutputFormat::Token& token, Extractor& scratch,
                   v1::Alert* out) {
  v1::OutputField* field = out->add_output_fields();
  field->set_name(token.name);
  if (token.name == "evt.time") {  // a number among the fields, though text in the message
    field->set_int_value(event.wall_ns);
    return;
  }
  scratch.Reset();
  ExtractOperand(token.operand, event, scratch);
  SetValue(scratch.values(), field);
}

// Fields of the rule's output, each once, in its order, then those of the operator.
void AddOutputFields(const Event& event, const Rule& rule, Extractor& scratch, v1::Alert* out) {
  for (const OutputFormat::Token& token : rule.output.tokens()) {
    if (!token.is_literal() && !HasField(*out, token.name)) {
      AddTokenField(event, token, scratch, out);
    }
  }
  for (const auto& [name, format] : rule.extra_fields) {
    if (HasField(*out, name)) continue;
    const bool is_field = format.tokens().size() == 1 && format.tokens()[0].name == name;
    if (is_field) {
      AddTokenField(event, format.tokens()[0], scratch, out);
      continue;
    }
    const std::string text = format.Render(event, scratch);
    v1::OutputField* field = out->add_output_fields();
    field->set_name(EscapeUtf8(name));
    field->set_string_value(text);
  }
}

void AddSuggestedFields(const Event& event, Extractor& scratch, v1::Alert* out) {
  for (const auto& suggested : kSuggested) {
    if (HasField(*out, suggested.field)) continue;
    scratch.Reset();
    FindField(suggested.field)->extract(event, FieldArg(), scratch);
    v1::OutputField* field = out->add_output_fields();
    field->set_name(std::string(suggested.field));
    SetValue(scratch.values(), field);
    const std::string text = scratch.values().empty() ? "<NA>" : JoinedText(scratch.values());
    out->mutable_output()->append(StrCat(" ", suggested.key, "=", text));
  }
}

// What a reader of the alert must know to be incomplete.
void AddTruncatedFields(const Event& event, v1::Alert* out) {
  if (event.process != nullptr && event.process->argv_truncated) {
    for (const char* name : {"proc.args", "proc.cmdline", "proc.exeline"}) {
      out->add_truncated_fields(name);
    }
  }
  if (event.process_exec.exe.path_status == PathStatus::kTruncated) {
    out->add_truncated_fields("proc.exepath");
  }
  if (event.file_open.file.path_status == PathStatus::kTruncated ||
      event.file_change.file.path_status == PathStatus::kTruncated) {
    out->add_truncated_fields("fd.name");
  }
}

void AddExtras(const Rule& rule, v1::Alert* out) {
  if (!rule.attack.techniques.empty()) {
    out->mutable_attack()->set_version(EscapeUtf8(rule.attack.version));
    for (const std::string& id : rule.attack.techniques) out->mutable_attack()->add_techniques(id);
  }
  for (const Control& control : rule.controls) {
    v1::Control* added = out->add_controls();
    added->set_framework(EscapeUtf8(control.framework));
    added->set_version(EscapeUtf8(control.version));
    added->set_id(EscapeUtf8(control.id));
    added->set_strength(control.strength);
    added->set_rationale(EscapeUtf8(control.rationale));
  }
  out->set_runbook(EscapeUtf8(rule.runbook));
}

// Clears all but rule_set_hash, and sets what does not depend on an event.
void BeginAlert(const Rule& rule, const NodeFacts& node, uint64_t alert_number, int64_t wall_ns,
                v1::Alert* out) {
  std::string rule_set_hash = std::move(*out->mutable_rule_set_hash());
  out->Clear();
  out->set_rule_set_hash(std::move(rule_set_hash));
  SetUid(node, alert_number, out);
  SetTime(wall_ns, out->mutable_time());
  out->set_rule(EscapeUtf8(rule.name));
  out->set_priority(static_cast<v1::Priority>(rule.priority));
  out->set_source(EscapeUtf8(rule.source));
  for (const std::string& tag : rule.tags) out->add_tags(EscapeUtf8(tag));
  out->set_hostname(EscapeUtf8(node.hostname));
  out->set_tier(node.tier);
  AddExtras(rule, out);
}

// As in a rule, without quotes that it does not need: proc.aname[2].
std::string NameOf(const Operand& operand) {
  if (operand.kind != Operand::Kind::kField) return operand.ToText();
  if (!operand.arg.present) return std::string(operand.field->name);
  return StrCat(operand.field->name, "[", operand.arg.text, "]");
}

void SetKeyField(const Operand& field, const std::optional<std::string>& value,
                 v1::OutputField* out) {
  out->set_name(EscapeUtf8(NameOf(field)));
  if (value.has_value()) out->set_string_value(EscapeUtf8(*value));
}

}  // namespace

void BuildAlert(const Event& event, const Rule& rule, const NodeFacts& node, uint64_t alert_number,
                Extractor& scratch, v1::Alert* out) {
  BeginAlert(rule, node, alert_number, event.wall_ns, out);
  out->set_output(rule.output.Render(event, scratch));
  AddOutputFields(event, rule, scratch, out);
  if (rule.suggested_output) AddSuggestedFields(event, scratch, out);
  AddTruncatedFields(event, out);
  if (event.process != nullptr && event.process->container != nullptr) {
    ContainerToProto(*event.process->container, out->mutable_container());
  }
  EventToProto(event, out->mutable_event());
  if (event.kind == Kind::network_flow) {
    FlowToProto(event, out->mutable_flow());
    out->mutable_event()->mutable_network_flow()->clear_flow();
  }
}

void AddCorrelation(const Rule& rule, uint64_t count, int64_t begin_wall_ns,
                    const KeyValues& values, v1::Alert* out) {
  v1::Correlation* correlation = out->mutable_correlation();
  correlation->set_count(count);
  SetTime(begin_wall_ns, correlation->mutable_begin());
  for (size_t i = 0; i < values.size(); ++i) {
    SetKeyField(rule.correlate->by[i], values[i], correlation->add_by());
  }
}

void BuildSummary(const Rule& rule, const NodeFacts& node, uint64_t alert_number, uint64_t count,
                  int64_t begin_wall_ns, int64_t end_wall_ns, const KeyValues& values,
                  v1::Alert* out) {
  BeginAlert(rule, node, alert_number, end_wall_ns, out);
  v1::Suppression* suppression = out->mutable_suppression();
  suppression->set_count(count);
  SetTime(begin_wall_ns, suppression->mutable_begin());
  SetTime(end_wall_ns, suppression->mutable_end());
  const int64_t seconds = (end_wall_ns - begin_wall_ns + kNsPerSecond - 1) / kNsPerSecond;
  std::string output = StrCat("suppressed ", count, " in ", seconds, "s");
  for (size_t i = 0; i < values.size(); ++i) {
    v1::OutputField* field = suppression->add_by();
    SetKeyField(rule.throttle->by[i], values[i], field);
    *out->add_output_fields() = *field;
    output +=
        StrCat(" ", field->name(), "=", values[i].has_value() ? field->string_value() : "<NA>");
  }
  v1::OutputField* suppressed = out->add_output_fields();
  suppressed->set_name("suppressed");
  suppressed->set_uint_value(count);
  out->set_output(output);
}

}  // namespace vakt
