// SPDX-License-Identifier: Apache-2.0
#include "collector/filter/alert_fields.h"

#include <arpa/inet.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "absl/strings/ascii.h"
#include "common/alert/priority.h"
#include "common/base/address.h"
#include "common/base/strings.h"
#include "common/event/container.h"
#include "common/event_codec/container_codec.h"
#include "common/event_codec/event_codec.h"
#include "common/time/wall_time.h"

namespace vakt {
namespace {

constexpr size_t kShortIdSize = 12;

void Add(std::string_view text, Extractor& out) {
  if (!text.empty()) out.Add(Value::String(text));
}
void AddKept(std::string text, Extractor& out) {
  if (!text.empty()) out.Add(Value::String(out.Keep(std::move(text))));
}

// An output field's value as text, whatever its type.
void AddText(const v1::OutputField& field, Extractor& out) {
  switch (field.value_case()) {
    case v1::OutputField::kStringValue:
      return Add(field.string_value(), out);
    case v1::OutputField::kIntValue:
      return AddKept(StrCat(field.int_value()), out);
    case v1::OutputField::kUintValue:
      return AddKept(StrCat(field.uint_value()), out);
    case v1::OutputField::kBoolValue:
      return Add(field.bool_value() ? "true" : "false", out);
    case v1::OutputField::kDoubleValue:
      return AddKept(StrCat(field.double_value()), out);
    case v1::OutputField::VALUE_NOT_SET:
      return;
  }
}

// The values of those output fields that the alert has.
void AddOutputs(const v1::Alert& alert, std::initializer_list<std::string_view> names,
                Extractor& out) {
  for (const v1::OutputField& field : alert.output_fields()) {
    if (std::find(names.begin(), names.end(), field.name()) != names.end()) AddText(field, out);
  }
}

void AddEndpoint(const v1::Endpoint& endpoint, Extractor& out) {
  std::string text = AddressText(endpoint.address());
  if (!text.empty()) AddKept(std::move(text), out);
}

void Process(AlertView& view, Extractor& out) {
  AddOutputs(view.alert(), {"proc.name", "proc.exepath", "proc.exe"}, out);
  const v1::Task& task = view.alert().event().task();
  Add(task.process_comm().empty() ? task.comm() : task.process_comm(), out);
  Add(view.alert().event().process_exec().exe().path(), out);
}

void User(AlertView& view, Extractor& out) {
  AddOutputs(view.alert(), {"user.name", "user.uid", "user.loginname"}, out);
  if (view.alert().event().has_task()) AddKept(StrCat(view.alert().event().task().euid()), out);
}

void Address(AlertView& view, Extractor& out) {
  AddOutputs(view.alert(), {"fd.sip", "fd.cip", "fd.rip", "fd.lip"}, out);
  const v1::Event& event = view.alert().event();
  AddEndpoint(event.network_connect().local(), out);
  AddEndpoint(event.network_connect().remote(), out);
  AddEndpoint(event.network_accept().local(), out);
  AddEndpoint(event.network_accept().remote(), out);
}

// The alert's container; of alerts of agents that did not send it, its output fields.
void ContainerNames(AlertView& view, Extractor& out) {
  AddOutputs(view.alert(), {"container.id", "container.name", "container.full_id"}, out);
  const v1::Container& container = view.alert().container();
  Add(container.id(), out);
  Add(std::string_view(container.id()).substr(0, kShortIdSize), out);
  Add(container.name(), out);
}

void Image(AlertView& view, Extractor& out) {
  AddOutputs(view.alert(),
             {"container.image", "container.image.repository", "container.image.digest",
              "container.image.id"},
             out);
  const v1::Container& container = view.alert().container();
  Add(container.image(), out);
  Add(SplitImage(container.image()).first, out);
  Add(container.image_digest(), out);
  Add(container.image_id(), out);
}

void Pod(AlertView& view, Extractor& out) {
  AddOutputs(view.alert(), {"k8s.pod.name", "k8s.pod.uid"}, out);
  Add(view.alert().container().pod().name(), out);
  Add(view.alert().container().pod().uid(), out);
}

void Namespace(AlertView& view, Extractor& out) {
  AddOutputs(view.alert(), {"k8s.ns.name"}, out);
  Add(view.alert().container().pod().namespace_(), out);
}

void Workload(AlertView& view, Extractor& out) {
  AddOutputs(view.alert(), {"k8s.deployment.name", "k8s.rs.name", "k8s.rc.name", "k8s.svc.name"},
             out);
  Add(view.alert().container().pod().workload_name(), out);
}

void Controls(AlertView& view, Extractor& out) {
  for (const v1::Control& control : view.alert().controls()) {
    AddKept(StrCat(control.framework(), " ", control.id()), out);
  }
}

// The ids in the rule's own key, and those that older rules have among their tags.
void Techniques(AlertView& view, Extractor& out) {
  for (const std::string& id : view.alert().attack().techniques()) Add(id, out);
  for (const std::string& tag : view.alert().tags()) {
    const bool is_id = tag.size() >= 5 && tag[0] == 'T' && tag[1] >= '0' && tag[1] <= '9';
    if (is_id) Add(tag, out);
  }
}

// "in_progress" for ALERT_STATUS_IN_PROGRESS.
void AddEnum(const std::string& name, std::string_view prefix, Extractor& out) {
  AddKept(absl::AsciiStrToLower(name.substr(std::min(prefix.size(), name.size()))), out);
}

void Status(AlertView& view, Extractor& out) {
  v1::AlertStatus status = view.stored().triage().status();
  if (status == v1::ALERT_STATUS_UNSPECIFIED) status = v1::ALERT_STATUS_NEW;
  AddEnum(v1::AlertStatus_Name(status), "ALERT_STATUS_", out);
}

void JudgedAs(AlertView& view, Extractor& out) {
  const v1::Verdict verdict = view.stored().triage().verdict();
  if (verdict != v1::VERDICT_UNSPECIFIED) AddEnum(v1::Verdict_Name(verdict), "VERDICT_", out);
}

constexpr auto kString = FieldType::kString;
constexpr uint32_t kAny = kFieldAnyOf | kFieldFilterOnly | kFieldNoTransform;

constexpr AlertFieldRow Row(std::string_view name, FieldType type, uint32_t flags,
                            std::string_view text, void (*extract)(AlertView&, Extractor&)) {
  return {{name, type, ArgRule::kNone, flags, text, nullptr}, extract};
}

// Sorted by name.
constexpr AlertFieldRow kRows[] = {
    Row("alert.address", kString, kAny, "An address of either end of the connection.", Address),
    Row("alert.assignee", kString, 0, "Who works on it.",
        [](AlertView& v, Extractor& out) { Add(v.stored().triage().assignee(), out); }),
    Row("alert.cluster", kString, 0, "Cluster, from the agent's certificate.",
        [](AlertView& v, Extractor& out) { Add(v.stored().cluster(), out); }),
    Row("alert.container", kString, kAny, "Id or name of the container.", ContainerNames),
    Row("alert.control", kString, kAny, "Framework and id of a requirement: 'PCI-DSS 10.2.1'.",
        Controls),
    Row("alert.image", kString, kAny, "Name, repository, digest or id of the container's image.",
        Image),
    Row("alert.namespace", kString, kAny, "Kubernetes namespace.", Namespace),
    Row("alert.node", kString, 0, "Node, from the agent's certificate.",
        [](AlertView& v, Extractor& out) { Add(v.stored().node(), out); }),
    Row("alert.output", kString, 0, "The alert's message.",
        [](AlertView& v, Extractor& out) { Add(v.alert().output(), out); }),
    Row("alert.pod", kString, kAny, "Kubernetes pod: name or unique id.", Pod),
    Row("alert.priority", kString, 0, "Emergency, Alert, Critical, ... Debug.",
        [](AlertView& v, Extractor& out) { Add(PriorityName(v.alert().priority()), out); }),
    Row("alert.process", kString, kAny, "Name or path of the process.", Process),
    Row("alert.rule", kString, 0, "Name of the rule.",
        [](AlertView& v, Extractor& out) { Add(v.alert().rule(), out); }),
    Row("alert.severity", FieldType::kUint, 0, "The priority as a number: 0 Emergency to 7 Debug.",
        [](AlertView& v, Extractor& out) {
          out.Add(Value::Uint(static_cast<uint64_t>(v.alert().priority())));
        }),
    Row("alert.source", kString, 0, "What raised it: syscall, or collector.",
        [](AlertView& v, Extractor& out) { Add(v.alert().source(), out); }),
    Row("alert.status", kString, 0, "new, in_progress, suppressed or resolved.", Status),
    Row("alert.tags", kString, kFieldList, "The rule's tags.",
        [](AlertView& v, Extractor& out) {
          for (const std::string& tag : v.alert().tags()) Add(tag, out);
        }),
    Row("alert.technique", kString, kAny, "MITRE ATT&CK technique: T1110.001.", Techniques),
    Row("alert.time", FieldType::kAbsTime, 0, "Of the event, ns since 1970.",
        [](AlertView& v, Extractor& out) { out.Add(Value::Int(ToWallNs(v.alert().time()))); }),
    Row("alert.uid", kString, 0, "Unique id of the alert.",
        [](AlertView& v, Extractor& out) { Add(v.alert().uid(), out); }),
    Row("alert.user", kString, kAny, "Name or number of the user.", User),
    Row("alert.verdict", kString, 0,
        "false_positive, true_positive, suspicious, benign, test or duplicate.", JudgedAs),
    Row("alert.workload", kString, kAny, "What made the pod: deployment, stateful set, job.",
        Workload),
};

const AlertFieldRow* OwnRow(const FieldRow* field) {
  const auto found = std::find_if(std::begin(kRows), std::end(kRows),
                                  [&](const AlertFieldRow& row) { return &row.row == field; });
  return found == std::end(kRows) ? nullptr : found;
}

bool ParseIp(const std::string& text, IpAddress* ip) {
  ip->ipv6 = text.find(':') != std::string::npos;
  return inet_pton(ip->ipv6 ? AF_INET6 : AF_INET, text.c_str(), ip->bytes.data()) == 1;
}

// An output field as a value of the type that the condition compares; false when it is none.
bool AddTyped(const v1::OutputField& field, FieldType type, Extractor& out) {
  using enum v1::OutputField::ValueCase;
  const auto value_case = field.value_case();
  switch (type) {
    case FieldType::kString:
    case FieldType::kBytes:
      if (value_case != kStringValue) return false;
      out.Add(Value::String(field.string_value()));
      return true;
    case FieldType::kInt:
    case FieldType::kAbsTime:
    case FieldType::kRelTime:
      if (value_case != kIntValue) return false;
      out.Add(Value::Int(field.int_value()));
      return true;
    case FieldType::kUint:
    case FieldType::kPort:
      if (value_case != kUintValue) return false;
      out.Add(Value::Uint(field.uint_value()));
      return true;
    case FieldType::kDouble:
      if (value_case != kDoubleValue) return false;
      out.Add(Value::Double(field.double_value()));
      return true;
    case FieldType::kBool:
      if (value_case != kBoolValue) return false;
      out.Add(Value::Bool(field.bool_value()));
      return true;
    case FieldType::kIp:
    case FieldType::kNet: {
      IpAddress ip;
      if (value_case != kStringValue || !ParseIp(field.string_value(), &ip)) return false;
      out.Add(Value::Ip(ip));
      return true;
    }
  }
  return false;
}

}  // namespace

const Event* AlertView::event() {
  if (!decoded_) {
    decoded_ = true;
    if (alert().has_event() &&
        !EventFromProto(alert().event(), &argv_storage_, &event_.emplace())) {
      event_.reset();
    }
  }
  return event_.has_value() ? &*event_ : nullptr;
}

void AlertView::Read(const Operand& field, Extractor& out) {
  if (const AlertFieldRow* row = OwnRow(field.field)) return row->extract(*this, out);
  const std::string name = field.ToText();
  for (const v1::OutputField& output : alert().output_fields()) {
    // A null there is what the field was: the event does not know better.
    if (output.name() != name) continue;
    if (output.value_case() == v1::OutputField::VALUE_NOT_SET) return;
    if (!field.is_list && AddTyped(output, field.type, out)) return;
  }
  const bool of_container =
      (field.field->flags & kFieldMetadata) != 0 || field.field->name.starts_with("container.");
  const Event* evidence = of_container && alert().has_container() ? in_container() : event();
  if (evidence != nullptr) field.field->extract(*evidence, field.arg, out);
}

// Of the process no more is known here than its container: other fields do not ask this event.
const Event* AlertView::in_container() {
  if (process_.container == nullptr) {
    auto container = std::make_shared<Container>();
    ContainerFromProto(alert().container(), container.get());
    container->id = alert().container().id();
    process_.container_full_id = container->id;
    process_.container_id = std::string_view(container->id).substr(0, kShortIdSize);
    process_.container = std::move(container);
    container_event_.process = &process_;
  }
  return &container_event_;
}

absl::Span<const AlertFieldRow> AllAlertFields() { return kRows; }

const FieldRow* FindAlertField(std::string_view name) {
  for (const AlertFieldRow& row : kRows) {
    if (row.row.name == name) return &row.row;
  }
  return FindField(name);
}

}  // namespace vakt
