// SPDX-License-Identifier: Apache-2.0
#include "tests/support/sample_records.h"

#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

v1::Record At(const SamplePosition& position) {
  v1::Record record;
  record.set_boot_id(position.boot_id);
  record.set_epoch(position.epoch);
  record.set_seq(position.seq);
  return record;
}

void SetTime(int64_t ns, google::protobuf::Timestamp* out) {
  out->set_seconds(ns / kNsPerSecond);
  out->set_nanos(static_cast<int32_t>(ns % kNsPerSecond));
}

void AddField(v1::Alert* alert, const char* name, const char* value) {
  v1::OutputField* field = alert->add_output_fields();
  field->set_name(name);
  field->set_string_value(value);
}

}  // namespace

v1::Record MakeAlertRecord(const SamplePosition& position, const SampleAlert& sample) {
  v1::Record record = At(position);
  v1::Alert* alert = record.mutable_alert();
  alert->set_uid(StrCat(position.boot_id, "-", position.epoch, "-", position.seq));
  SetTime(sample.event_ns, alert->mutable_time());
  alert->set_rule(sample.rule);
  alert->set_priority(sample.priority);
  alert->set_source("syscall");
  alert->set_output(sample.output);
  AddField(alert, "user.name", "alice");
  AddField(alert, "proc.cmdline", "cat /etc/shadow");
  AddField(alert, "container.id", "host");
  alert->add_tags("T1555");
  alert->add_tags("filesystem");
  alert->set_hostname("node");
  alert->set_rule_set_hash(std::string(64, 'a'));
  alert->set_tier("tracepoint");
  return record;
}

v1::Record MakeGapRecord(const SamplePosition& position, uint64_t count, int64_t event_ns) {
  v1::Record record = At(position);
  v1::Gap* gap = record.mutable_gap();
  gap->set_class_(v1::Gap::CLASS_LOSS);
  gap->set_count(count);
  gap->set_reason("ring_full");
  SetTime(event_ns, gap->mutable_begin());
  return record;
}

v1::Record MakeLifecycleRecord(const SamplePosition& position) {
  v1::Record record = At(position);
  record.mutable_lifecycle()->set_what(v1::Lifecycle::WHAT_START);
  SetTime(1'700'000'000 * kNsPerSecond, record.mutable_lifecycle()->mutable_time());
  return record;
}

v1::Record MakeFlowRecord(const SamplePosition& position, int64_t end_ns) {
  v1::Record record = At(position);
  v1::Flow* flow = record.mutable_flow();
  SetTime(end_ns - kNsPerSecond, flow->mutable_begin());
  SetTime(end_ns, flow->mutable_end());
  flow->set_executable("/usr/bin/curl");
  flow->mutable_container()->set_id("0123456789abcdef");
  flow->mutable_container()->mutable_pod()->set_name("web");
  flow->mutable_container()->mutable_pod()->set_namespace_("shop");
  flow->set_direction(v1::Flow::DIRECTION_OUT);
  flow->set_class_(v1::Flow::CLASS_EXTERNAL);
  flow->mutable_remote()->set_address("\xc6\x33\x64\x07");
  flow->mutable_remote()->set_port(443);
  flow->add_names()->set_name("api.example.com");
  flow->set_connections(1);
  return record;
}

}  // namespace vakt
