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

}  // namespace vakt
