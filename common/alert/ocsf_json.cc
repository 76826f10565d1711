// SPDX-License-Identifier: Apache-2.0
#include "common/alert/ocsf_json.h"

#include <cmath>
#include <cstdint>
#include <map>

#include "common/alert/priority.h"
#include "common/base/address.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/base/version.h"
#include "common/event/container.h"
#include "common/time/wall_time.h"

namespace vakt {
namespace {

constexpr int kDetectionFinding = 2004;
constexpr int kFindings = 2;
constexpr int kNetworkActivity = 4001;
constexpr int kNetwork = 4;

// Members of an object, in the order in which they are added.
class Object {
 public:
  Object& Text(std::string_view key, std::string_view text) {
    return Raw(key, IsValidUtf8(text) ? JsonQuote(text) : JsonQuote(EscapeUtf8(text)));
  }
  // Left out when empty.
  Object& OptionalText(std::string_view key, std::string_view text) {
    return text.empty() ? *this : Text(key, text);
  }
  Object& Number(std::string_view key, int64_t value) { return Raw(key, StrCat(value)); }
  Object& Raw(std::string_view key, std::string_view json) {
    if (!members_.empty()) members_ += ',';
    members_ += IsValidUtf8(key) ? JsonQuote(key) : JsonQuote(EscapeUtf8(key));
    members_ += ':';
    members_ += json;
    return *this;
  }
  bool empty() const { return members_.empty(); }
  std::string Json() const { return StrCat("{", members_, "}"); }

 private:
  std::string members_;
};

class Array {
 public:
  void Raw(std::string_view json) {
    if (!elements_.empty()) elements_ += ',';
    elements_ += json;
  }
  void Text(std::string_view text) {
    Raw(IsValidUtf8(text) ? JsonQuote(text) : JsonQuote(EscapeUtf8(text)));
  }
  bool empty() const { return elements_.empty(); }
  std::string Json() const { return StrCat("[", elements_, "]"); }

 private:
  std::string elements_;
};

int64_t Milliseconds(const google::protobuf::Timestamp& time) { return ToWallNs(time) / 1'000'000; }

// A number and its caption, as the schema has them in pairs.
struct Caption {
  int id;
  std::string_view text;
};

// By Falco's priority.
constexpr Caption kSeverities[] = {{6, "Fatal"},         {5, "Critical"},     {5, "Critical"},
                                   {4, "High"},          {3, "Medium"},       {2, "Low"},
                                   {1, "Informational"}, {1, "Informational"}};
// By v1::AlertStatus.
constexpr Caption kStatuses[] = {
    {1, "New"}, {1, "New"}, {2, "In Progress"}, {3, "Suppressed"}, {4, "Resolved"}};
// By v1::Verdict.
constexpr Caption kVerdicts[] = {{0, "Unknown"},    {1, "False Positive"}, {2, "True Positive"},
                                 {4, "Suspicious"}, {5, "Benign"},         {6, "Test"},
                                 {10, "Duplicate"}};
constexpr Caption kActivities[] = {{1, "Create"}, {2, "Update"}, {3, "Close"}};

template <size_t size>
const Caption& At(const Caption (&captions)[size], int index) {
  return captions[index >= 0 && index < static_cast<int>(size) ? index : 0];
}

const Caption& ActivityOf(const v1::StoredRecord& stored) {
  if (!stored.has_triage()) return kActivities[0];
  const bool closed = stored.triage().status() == v1::ALERT_STATUS_RESOLVED;
  return kActivities[closed ? 2 : 1];
}

std::string Metadata(const v1::StoredRecord& stored, std::string_view uid) {
  const v1::Record& record = stored.record();
  Object product;
  product.Text("name", "Vakt").Text("vendor_name", "Vakt").Text("version", kVersion);
  Object metadata;
  metadata.Text("version", kOcsfVersion)
      .Raw("product", product.Json())
      .OptionalText("uid", uid)
      .Number("sequence", static_cast<int64_t>(record.seq()))
      .Number("logged_time", Milliseconds(stored.received()))
      .Text("log_name", StrCat(record.boot_id(), "-", record.epoch()));
  return metadata.Json();
}

std::string Device(const v1::StoredRecord& stored) {
  Object device;
  device.Text("hostname", stored.node()).Text("name", stored.node());
  device.Number("type_id", 1).Text("type", "Server");
  if (!stored.cluster().empty()) {
    Object group;
    Array groups;
    groups.Raw(group.Text("name", stored.cluster()).Text("type", "cluster").Json());
    device.Raw("groups", groups.Json());
  }
  return device.Json();
}

const v1::OutputField* FindField(const v1::Alert& alert, std::string_view name) {
  for (const v1::OutputField& field : alert.output_fields()) {
    if (field.name() == name) return &field;
  }
  return nullptr;
}

std::string_view TextOf(const v1::Alert& alert, std::string_view name) {
  const v1::OutputField* field = FindField(alert, name);
  return field == nullptr ? std::string_view() : field->string_value();
}

std::string FindingInfo(const v1::Alert& alert) {
  Object analytic;
  analytic.Text("name", alert.rule()).Text("uid", alert.rule()).Number("type_id", 1);
  analytic.Text("type", "Rule").OptionalText("version", alert.rule_set_hash());
  Object info;
  info.Text("uid", alert.uid()).Text("title", alert.rule()).Text("desc", alert.output());
  info.Number("created_time", Milliseconds(alert.time())).Raw("analytic", analytic.Json());
  Array attacks;
  for (const std::string& id : alert.attack().techniques()) {
    Object technique;
    Object attack;
    attack.Raw("technique", technique.Text("uid", id).Json());
    attacks.Raw(attack.OptionalText("version", alert.attack().version()).Json());
  }
  if (!attacks.empty()) info.Raw("attacks", attacks.Json());
  return info.Json();
}

Object EndpointObject(const v1::Endpoint& endpoint) {
  Object object;
  return object.OptionalText("ip", AddressText(endpoint.address()))
      .Number("port", static_cast<int64_t>(endpoint.port()));
}

std::string Endpoint(const v1::Endpoint& endpoint) { return EndpointObject(endpoint).Json(); }

std::string File(std::string_view path) {
  const size_t slash = path.rfind('/');
  const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  Object file;
  file.Text("name", name.empty() ? path : name).Text("path", path);
  return file.Number("type_id", 1).Text("type", "Regular File").Json();
}

std::string LabelList(const google::protobuf::Map<std::string, std::string>& labels) {
  const std::map<std::string, std::string> sorted(labels.begin(), labels.end());
  Array list;
  for (const auto& [key, value] : sorted) list.Text(StrCat(key, ":", value));
  return list.Json();
}

// "repository", "tag", "sha256:<hex>" and the image's id.
std::string Image(const v1::Container& container) {
  const auto [repository, tag] = SplitImage(container.image());
  Object image;
  image.OptionalText("name", repository).OptionalText("tag", tag);
  image.Text("uid",
             container.image_digest().empty() ? container.image_id() : container.image_digest());
  return image.Json();
}

// The schema's object of the profile "container".
std::string ContainerObject(const v1::Container& container) {
  Object object;
  object.Text("uid", container.id()).OptionalText("name", container.name());
  object.OptionalText("runtime", container.runtime());
  if (!container.image().empty() || !container.image_id().empty()) {
    object.Raw("image", Image(container));
  }
  if (container.has_pod()) {
    object.OptionalText("pod_uuid", container.pod().uid()).Text("orchestrator", "Kubernetes");
  }
  if (container.labels_size() > 0) object.Raw("labels", LabelList(container.labels()));
  return object.Json();
}

std::string Process(const v1::Alert& alert) {
  const v1::Task& task = alert.event().task();
  const std::string_view name = TextOf(alert, "proc.name");
  Object process;
  process.Number("pid", task.pid());
  process.OptionalText("name", name.empty() ? std::string_view(task.comm()) : name);
  process.OptionalText("cmd_line", TextOf(alert, "proc.cmdline"));
  if (task.cookie() != 0) process.Text("uid", StrCat(absl::Hex(task.cookie(), absl::kZeroPad16)));
  if (const auto path = TextOf(alert, "proc.exepath"); !path.empty()) {
    process.Raw("file", File(path));
  }
  Object user;
  user.Text("uid", StrCat(task.euid())).OptionalText("name", TextOf(alert, "user.name"));
  process.Raw("user", user.Json());
  if (alert.has_container()) process.Raw("container", ContainerObject(alert.container()));
  return process.Json();
}

// What the alert rests on.
std::string Evidences(const v1::Alert& alert) {
  const v1::Event& event = alert.event();
  Object evidence;
  if (event.has_task()) evidence.Raw("process", Process(alert));
  if (event.has_file_open()) evidence.Raw("file", File(event.file_open().file().path()));
  if (event.has_network_connect()) {
    evidence.Raw("src_endpoint", Endpoint(event.network_connect().local()));
    evidence.Raw("dst_endpoint", Endpoint(event.network_connect().remote()));
  }
  if (event.has_network_accept()) {
    evidence.Raw("src_endpoint", Endpoint(event.network_accept().remote()));
    evidence.Raw("dst_endpoint", Endpoint(event.network_accept().local()));
  }
  Array evidences;
  if (!evidence.empty()) evidences.Raw(evidence.Json());
  return evidences.empty() ? "" : evidences.Json();
}

void AddResource(std::string_view type, std::string_view name, std::string_view uid,
                 const v1::Pod& pod, Array* out) {
  if (name.empty()) return;
  Object resource;
  resource.Text("type", type).Text("name", name).OptionalText("uid", uid);
  resource.OptionalText("namespace", pod.namespace_());
  if (type == "pod" && pod.labels_size() > 0) resource.Raw("labels", LabelList(pod.labels()));
  out->Raw(resource.Json());
}

// Kubernetes has no object of its own in the schema.
std::string Resources(const v1::Alert& alert) {
  const v1::Container& container = alert.container();
  const v1::Pod& pod = container.pod();
  Array resources;
  AddResource(
      "container",
      container.name().empty() ? TextOf(alert, "container.id") : std::string_view(container.name()),
      container.id(), pod, &resources);
  AddResource("pod", pod.name(), pod.uid(), pod, &resources);
  AddResource(pod.workload_kind(), pod.workload_name(), "", pod, &resources);
  AddResource("namespace", pod.namespace_(), "", pod, &resources);
  return resources.empty() ? "" : resources.Json();
}

void AddValue(const v1::OutputField& field, Object* out) {
  switch (field.value_case()) {
    case v1::OutputField::kStringValue:
      out->Text(field.name(), field.string_value());
      return;
    case v1::OutputField::kIntValue:
      out->Number(field.name(), field.int_value());
      return;
    case v1::OutputField::kUintValue:
      out->Raw(field.name(), StrCat(field.uint_value()));
      return;
    case v1::OutputField::kBoolValue:
      out->Raw(field.name(), field.bool_value() ? "true" : "false");
      return;
    case v1::OutputField::kDoubleValue:
      out->Raw(field.name(),
               std::isfinite(field.double_value()) ? StrCat(field.double_value()) : "null");
      return;
    case v1::OutputField::VALUE_NOT_SET:
      out->Raw(field.name(), "null");
  }
}

std::string Unmapped(const v1::StoredRecord& stored) {
  const v1::Alert& alert = stored.record().alert();
  Object fields;
  for (const v1::OutputField& field : alert.output_fields()) AddValue(field, &fields);
  Array tags;
  for (const std::string& tag : alert.tags()) tags.Text(tag);
  Array controls;
  for (const v1::Control& control : alert.controls()) {
    controls.Text(StrCat(control.framework(), " ", control.id()));
  }
  Object unmapped;
  unmapped.Raw("output_fields", fields.Json()).Raw("tags", tags.Json());
  unmapped.Raw("controls", controls.Json()).Text("priority", PriorityName(alert.priority()));
  unmapped.Text("source", alert.source()).Text("cursor", stored.cursor());
  return unmapped.OptionalText("runbook", alert.runbook()).Json();
}

Object Base(int class_uid, int category_uid, const Caption& activity, const Caption& severity,
            const google::protobuf::Timestamp& time) {
  Object object;
  object.Number("activity_id", activity.id).Text("activity_name", activity.text);
  object.Number("category_uid", category_uid).Number("class_uid", class_uid);
  object.Number("type_uid", int64_t{class_uid} * 100 + activity.id);
  object.Number("severity_id", severity.id).Text("severity", severity.text);
  return object.Number("time", Milliseconds(time));
}

std::string Finding(const v1::StoredRecord& stored) {
  const v1::Alert& alert = stored.record().alert();
  const Caption& activity = ActivityOf(stored);
  const Caption& status = At(kStatuses, stored.triage().status());
  Object object = Base(kDetectionFinding, kFindings, activity,
                       At(kSeverities, static_cast<int>(alert.priority())), alert.time());
  object.Text("category_name", "Findings").Text("class_name", "Detection Finding");
  object.Text("type_name", StrCat("Detection Finding: ", activity.text));
  object.Raw("metadata", Metadata(stored, alert.uid())).Raw("finding_info", FindingInfo(alert));
  object.Text("message", alert.output()).Number("status_id", status.id);
  object.Text("status", status.text);
  if (activity.id == 1) object.Raw("is_alert", "true");
  if (stored.triage().verdict() != 0) {
    const Caption& verdict = At(kVerdicts, stored.triage().verdict());
    object.Number("verdict_id", verdict.id).Text("verdict", verdict.text);
  }
  if (!stored.triage().assignee().empty()) {
    Object assignee;
    object.Raw("assignee", assignee.Text("name", stored.triage().assignee()).Json());
  }
  if (alert.has_correlation()) {
    object.Number("count", static_cast<int64_t>(alert.correlation().count()));
    object.Number("start_time", Milliseconds(alert.correlation().begin()));
  }
  object.Raw("device", Device(stored));
  if (const std::string json = Evidences(alert); !json.empty()) object.Raw("evidences", json);
  if (const std::string json = Resources(alert); !json.empty()) object.Raw("resources", json);
  return object.Raw("unmapped", Unmapped(stored)).Json();
}

// ---- Flows

Caption FlowActivity(const v1::Flow& flow) {
  if (flow.direction() == v1::Flow::DIRECTION_LISTEN) {
    return flow.open_connections() > 0 ? Caption{7, "Listen"} : Caption{2, "Close"};
  }
  if (flow.connections() > 0 && flow.refused() == flow.connections()) return {5, "Refuse"};
  if (flow.connections() > 0 && flow.timed_out() == flow.connections()) return {4, "Fail"};
  return {6, "Traffic"};
}

std::string FlowProcess(const v1::Flow& flow) {
  const v1::Task& task = flow.task();
  Object process;
  process.Number("pid", task.pid()).OptionalText("name", task.process_comm());
  process.OptionalText("cmd_line", flow.command_line());
  if (task.cookie() != 0) process.Text("uid", StrCat(absl::Hex(task.cookie(), absl::kZeroPad16)));
  if (!flow.executable().empty()) process.Raw("file", File(flow.executable()));
  Object user;
  process.Raw("user", user.Text("uid", StrCat(task.uid())).Json());
  if (!flow.container().id().empty()) {
    Object container;
    container.Text("uid", flow.container().id()).OptionalText("name", flow.container().name());
    process.Raw("container", container.Json());
  }
  Object actor;
  return actor.Raw("process", process.Json()).Json();
}

std::string FlowConnection(const v1::Flow& flow) {
  const bool is_inbound = flow.direction() != v1::Flow::DIRECTION_OUT;
  Object connection;
  connection.Number("direction_id", is_inbound ? 1 : 2);
  connection.Text("direction", is_inbound ? "Inbound" : "Outbound");
  connection.Number("protocol_num", flow.protocol());
  if (flow.transport() == v1::TRANSPORT_TCP) connection.Text("protocol_name", "tcp");
  if (flow.transport() == v1::TRANSPORT_UDP) connection.Text("protocol_name", "udp");
  return connection.Json();
}

std::string FlowTraffic(const v1::Flow& flow) {
  const auto number = [](uint64_t value) { return static_cast<int64_t>(value); };
  Object traffic;
  traffic.Number("bytes", number(flow.bytes_in() + flow.bytes_out()));
  traffic.Number("bytes_in", number(flow.bytes_in()));
  traffic.Number("bytes_out", number(flow.bytes_out()));
  traffic.Number("packets", number(flow.packets_in() + flow.packets_out()));
  traffic.Number("packets_in", number(flow.packets_in()));
  return traffic.Number("packets_out", number(flow.packets_out())).Json();
}

std::string FlowUnmapped(const v1::StoredRecord& stored) {
  const v1::Flow& flow = stored.record().flow();
  Object unmapped;
  unmapped.Text("class", v1::Flow::Class_Name(flow.class_()));
  unmapped.Number("first_seen", Milliseconds(flow.first_seen()));
  const struct {
    std::string_view name;
    uint64_t value;
  } counts[] = {{"established", flow.established()},  {"refused", flow.refused()},
                {"timed_out", flow.timed_out()},      {"reset", flow.reset()},
                {"retransmits", flow.retransmits()},  {"open_connections", flow.open_connections()},
                {"folded_flows", flow.folded_flows()}};
  for (const auto& [name, value] : counts) unmapped.Raw(name, StrCat(value));
  Array names, asked;
  for (const v1::RemoteName& name : flow.names()) {
    (name.source() == v1::RemoteName::SOURCE_SNI ? asked : names).Text(name.name());
  }
  if (!names.empty()) unmapped.Raw("remote_names", names.Json());
  if (!asked.empty()) unmapped.Raw("tls_names", asked.Json());
  return unmapped.Text("cursor", stored.cursor()).Json();
}

// The names that were asked for stay unmapped: the schema's object of TLS wants the version that
// both sides agreed on.
std::string TlsClients(const v1::Flow& flow) {
  Array list;
  for (const std::string& client : flow.tls_clients()) {
    Object fingerprint;
    list.Raw(fingerprint.Number("type_id", 1).Text("type", "JA4").Text("value", client).Json());
  }
  return list.Json();
}

// With what databases say of the address.
std::string RemoteEndpoint(const v1::Flow& flow) {
  Object object = EndpointObject(flow.remote());
  if (!flow.country().empty()) {
    object.Raw("location", Object().Text("country", flow.country()).Json());
  }
  if (flow.as_number() != 0) {
    object.Raw("autonomous_system", Object().Number("number", flow.as_number()).Json());
  }
  return object.Json();
}

std::string NetworkActivity(const v1::StoredRecord& stored) {
  const v1::Flow& flow = stored.record().flow();
  const Caption activity = FlowActivity(flow);
  Object object = Base(kNetworkActivity, kNetwork, activity, kSeverities[6], flow.end());
  object.Text("category_name", "Network Activity").Text("class_name", "Network Activity");
  object.Text("type_name", StrCat("Network Activity: ", activity.text));
  object.Number("start_time", Milliseconds(flow.begin()));
  object.Number("end_time", Milliseconds(flow.end()));
  object.Number("count", static_cast<int64_t>(flow.connections()));
  object.Raw("metadata", Metadata(stored, "")).Raw("actor", FlowProcess(flow));
  object.Raw("connection_info", FlowConnection(flow)).Raw("traffic", FlowTraffic(flow));
  if (flow.tls_clients_size() > 0) object.Raw("ja4_fingerprint_list", TlsClients(flow));
  const bool is_out = flow.direction() == v1::Flow::DIRECTION_OUT;
  if (flow.has_remote() && flow.direction() != v1::Flow::DIRECTION_LISTEN) {
    const std::string local = Endpoint(flow.local()), remote = RemoteEndpoint(flow);
    object.Raw("src_endpoint", is_out ? local : remote);
    object.Raw("dst_endpoint", is_out ? remote : local);
  } else if (flow.has_local()) {
    object.Raw("dst_endpoint", Endpoint(flow.local()));
  }
  object.Raw("device", Device(stored));
  return object.Raw("unmapped", FlowUnmapped(stored)).Json();
}

std::string Note(const v1::StoredRecord& stored) {
  constexpr Caption kOther = {99, "Other"};
  const v1::Record& record = stored.record();
  const v1::Gap& gap = record.gap();
  const v1::Lifecycle& lifecycle = record.lifecycle();
  Object unmapped;
  if (record.has_gap()) {
    unmapped.Text("gap", v1::Gap::Class_Name(gap.class_())).Text("reason", gap.reason());
    unmapped.Number("count", static_cast<int64_t>(gap.count())).OptionalText("kind", gap.kind());
    unmapped.Number("end_time", Milliseconds(gap.end()));
  } else {
    unmapped.Text("lifecycle", v1::Lifecycle::What_Name(lifecycle.what()));
    unmapped.OptionalText("detail", lifecycle.detail());
    unmapped.OptionalText("agent_version", lifecycle.agent_version());
  }
  unmapped.Text("cursor", stored.cursor());
  Object object = Base(0, 0, kOther, record.has_gap() ? kSeverities[4] : kSeverities[6],
                       record.has_gap() ? gap.begin() : lifecycle.time());
  object.Text("category_name", "Uncategorized").Text("class_name", "Base Event");
  object.Raw("metadata", Metadata(stored, "")).Raw("device", Device(stored));
  return object.Raw("unmapped", unmapped.Json()).Json();
}

}  // namespace

void AppendOcsfJson(const v1::StoredRecord& stored, std::string* out) {
  const v1::Record& record = stored.record();
  *out += record.has_alert()  ? Finding(stored)
          : record.has_flow() ? NetworkActivity(stored)
                              : Note(stored);
}

}  // namespace vakt
