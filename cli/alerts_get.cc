// SPDX-License-Identifier: Apache-2.0
// vaktctl alerts get
#include <grpcpp/client_context.h>

#include <cstdio>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "cli/connection.h"
#include "cli/record_text.h"
#include "cli/text_table.h"
#include "cli/verbs.h"
#include "common/alert/alert_time.h"
#include "common/alert/priority.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "vakt/v1/query.grpc.pb.h"

namespace vakt {
namespace {

std::string OutputFieldText(const v1::OutputField& field) {
  switch (field.value_case()) {
    case v1::OutputField::kStringValue:
      return field.string_value();
    case v1::OutputField::kIntValue:
      return StrCat(field.int_value());
    case v1::OutputField::kDoubleValue:
      return StrCat(field.double_value());
    case v1::OutputField::kUintValue:
      return StrCat(field.uint_value());
    case v1::OutputField::kBoolValue:
      return field.bool_value() ? "true" : "false";
    case v1::OutputField::VALUE_NOT_SET:
      break;
  }
  return "<NA>";
}

// What the rule itself says, and what throttle and correlate add to one event.
void AddRuleRows(const v1::Alert& alert, TextTable* table) {
  if (alert.has_attack()) {
    const std::string& version = alert.attack().version();
    table->AddRow({{"attack"},
                   {StrCat(absl::StrJoin(alert.attack().techniques(), ", "),
                           version.empty() ? "" : StrCat(" (ATT&CK ", version, ")"))}});
  }
  for (const v1::Control& control : alert.controls()) {
    table->AddRow({{"control"},
                   {StrCat(control.framework(), " ", control.version(), " ", control.id(), ": ",
                           control.strength())}});
  }
  if (!alert.runbook().empty()) table->AddRow({{"runbook"}, {alert.runbook()}});
  if (alert.has_correlation()) {
    table->AddRow({{"correlation"},
                   {StrCat(alert.correlation().count(), " matches since ",
                           Rfc3339(alert.correlation().begin()))}});
  }
  if (alert.has_suppression()) {
    table->AddRow({{"suppression"},
                   {StrCat(alert.suppression().count(), " alerts held back from ",
                           Rfc3339(alert.suppression().begin()), " to ",
                           Rfc3339(alert.suppression().end()))}});
  }
}

// "Deployment web" of a pod, its container and image.
void AddContainerRows(const v1::Container& container, TextTable* table) {
  const auto add = [&](const char* about, const std::string& value) {
    if (!value.empty()) table->AddRow({{about}, {value}});
  };
  const v1::Pod& pod = container.pod();
  if (!pod.name().empty()) add("pod", StrCat(pod.namespace_(), "/", pod.name()));
  if (!pod.workload_name().empty()) {
    add("workload", StrCat(pod.workload_kind(), " ", pod.workload_name(),
                           pod.workload_guessed() ? " (from the pod's labels)" : ""));
  }
  add("container", StrCat(container.name(), container.name().empty() ? "" : " ", container.id()));
  add("runtime", container.runtime());
  add("image", container.image());
  add("image digest", container.image_digest());
  add("image id", container.image_id());
  add("user", container.user());
  if (container.privileged()) add("privileged", "yes");
  for (const v1::ContainerMount& mount : container.mounts()) {
    add("mount",
        StrCat(mount.source(), " on ", mount.destination(), mount.writable() ? ", writable" : ""));
  }
  if (container.metadata() == v1::Container::METADATA_PARTIAL) {
    add("metadata", "partial: the container runtime did not say more in time");
  }
}

std::string Hex(uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof(text), "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

// Where in its program the process made the call; vakt-symbols names the places.
void AddStackRows(const v1::UserStack& stack, TextTable* table) {
  std::string origin = "not known";
  if (stack.origin() == v1::UserStack::ORIGIN_ANONYMOUS) {
    origin = "memory without a file";
  } else if (stack.origin() == v1::UserStack::ORIGIN_FILE) {
    origin = StrCat("file ", stack.origin_name());
    if (stack.origin_ino() != 0) {
      origin += StrCat(" (device ", stack.origin_dev() >> 20, ":", stack.origin_dev() & 0xfffff,
                       ", inode ", stack.origin_ino(), ")");
    }
  }
  table->AddRow({{"call made in"}, {origin}});
  constexpr size_t kShortId = 6;  // bytes: enough to tell the files of one process apart
  for (const v1::UserStack::Frame& frame : stack.frames()) {
    const std::string id = absl::BytesToHexString(frame.build_id().substr(0, kShortId));
    table->AddRow(
        {{"frame"}, {id.empty() ? Hex(frame.offset()) : StrCat(id, "+", Hex(frame.offset()))}});
  }
  if (stack.truncated()) table->AddRow({{"frame"}, {"... and more"}});
}

void PrintForPeople(const v1::StoredRecord& stored, Console& console) {
  const v1::Alert& alert = stored.record().alert();
  console.Line(RecordLine(stored, console));
  console.Line("");
  TextTable table({"ABOUT", "VALUE"});
  table.AddRow({{"uid"}, {alert.uid()}});
  table.AddRow({{"node"}, {stored.node()}});
  table.AddRow({{"cluster"}, {stored.cluster()}});
  table.AddRow({{"time"}, {Rfc3339(alert.time())}});
  table.AddRow({{"received"}, {Rfc3339(stored.received())}});
  table.AddRow({{"priority"},
                {std::string(PriorityName(alert.priority())), PriorityStyle(alert.priority())}});
  table.AddRow({{"tags"}, {absl::StrJoin(alert.tags(), ", ")}});
  table.AddRow({{"rule set"}, {alert.rule_set_hash()}});
  table.AddRow({{"truncated"}, {absl::StrJoin(alert.truncated_fields(), ", ")}});
  AddRuleRows(alert, &table);
  if (alert.has_container()) AddContainerRows(alert.container(), &table);
  if (alert.event().has_user_stack()) AddStackRows(alert.event().user_stack(), &table);
  for (const v1::OutputField& field : alert.output_fields()) {
    table.AddRow({{field.name()}, {OutputFieldText(field)}});
  }
  if (stored.has_triage()) table.AddRow({{"triage"}, {TriageText(stored.triage())}});
  for (const v1::TriageChange& change : stored.context().changes()) {
    table.AddRow({{Rfc3339(change.time())}, {TriageChangeText(change)}});
  }
  table.Print(console);
  if (stored.context().around().empty()) return;
  console.Line("");
  console.Line(StrCat("Around it on ", EscapeUtf8(stored.node()),
                      stored.context().around_complete() ? ":" : " (not all):"));
  for (const v1::StoredRecord& other : stored.context().around()) {
    console.Line(RecordLine(other, console));
  }
}

}  // namespace

VerbResult AlertsGet(const Invocation& invocation) {
  VAKT_ASSIGN_OR_RETURN(const Connection collector, Connection::ToCollector(invocation));
  VAKT_ASSIGN_OR_RETURN(const auto channel, collector.Dial());
  const auto stub = v1::Alerts::NewStub(channel);
  const std::string& uid = invocation.arguments.operands()[0];
  v1::GetAlertRequest request;
  request.set_uid(uid);
  request.set_with_context(invocation.arguments.Has("--context"));
  if (invocation.format == "ocsf") request.set_format(v1::FORMAT_OCSF);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
  v1::StoredRecord record;
  const grpc::Status status = stub->GetAlert(&context, request, &record);
  if (status.error_code() == grpc::StatusCode::NOT_FOUND) {
    return absl::NotFoundError(StrCat("no alert with uid ", EscapeUtf8(uid), " at ",
                                      collector.peer(), ": vaktctl alerts query lists them"));
  }
  if (!status.ok()) return collector.Failure(status);
  if (invocation.format == "ocsf") {
    invocation.console.Line(record.ocsf_json());
  } else if (invocation.json()) {
    invocation.console.Line(RecordJsonWithEvidence(record));
  } else {
    PrintForPeople(record, invocation.console);
  }
  return kSuccess;
}

}  // namespace vakt
