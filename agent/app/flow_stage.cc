// SPDX-License-Identifier: Apache-2.0
#include "agent/app/flow_stage.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "agent/flow/dns_answer.h"
#include "agent/flow/flow_message.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr uint64_t kAddressesNs = 60'000'000'000;  // between two looks at the node's addresses

}  // namespace

FlowStage::FlowStage(const FlowOptions& options, AddressClasses classes, const Pipeline* pipeline,
                     Delivery* delivery)
    : classes_(std::move(classes)),
      table_(options,
             [pipeline](uint64_t cookie) { return pipeline->enricher().processes().Find(cookie); }),
      delivery_(*delivery) {
  classes_.SetNodeAddresses(InterfaceAddresses());
}

absl::StatusOr<std::unique_ptr<FlowStage>> FlowStage::Start(const FlowOptions& options,
                                                            const std::vector<std::string>& cluster,
                                                            KernelSensor* sensor,
                                                            const Pipeline* pipeline,
                                                            Delivery* delivery) {
  VAKT_ASSIGN_OR_RETURN(AddressClasses classes, AddressClasses::Create(cluster));
  auto stage =
      std::unique_ptr<FlowStage>(new FlowStage(options, std::move(classes), pipeline, delivery));
  if (const absl::Status status = sensor->SeedFlows(); !status.ok()) {
    LogWarning(
        StrCat("flows of connections that are open already are not seen: ", Message(status)));
  }
  stage->feed_ = std::make_unique<FlowFeed>(sensor);
  return stage;
}

void FlowStage::Collect() {
  if (const auto batch = feed_->Take()) table_.Add(batch->sums, batch->boot_ns);
}

bool FlowStage::OnRecord(RawRecord record) {
  vakt_header header;
  if (record.size() < sizeof(header)) return false;
  std::memcpy(&header, record.data(), sizeof(header));
  if (header.kind != VAKT_FLOWS_KIND) return false;
  vakt_dns_answer answer;
  std::optional<DnsAnswer> names;
  if (record.size() >= sizeof(answer)) {
    std::memcpy(&answer, record.data(), sizeof(answer));
    const size_t size = std::min<size_t>(answer.size, sizeof(answer.bytes));
    names = ParseDnsAnswer({reinterpret_cast<const char*>(answer.bytes), size});
  }
  if (names.has_value()) names_.Learn(answer.net_ns, *names, header.boot_ns);
  ++(names.has_value() ? answers_learned_ : answers_ignored_);
  return true;
}

void FlowStage::Send(const FlowRecord& record, int64_t boot_to_wall_ns) {
  std::vector<SharedString> names;
  if (record.where.family != 0) {
    const size_t size = record.where.family == AF_INET6 ? 16 : 4;
    names = names_.Find(record.where.net_ns,
                        {reinterpret_cast<const char*>(record.where.remote_addr), size},
                        record.first_seen_ns, record.sums.last_boot_ns);
  }
  FlowToProto(record, classes_, names, boot_to_wall_ns, &flow_);
  delivery_.OnFlow(flow_);
}

void FlowStage::Tick(uint64_t boot_ns, int64_t boot_to_wall_ns) {
  if (boot_ns - addresses_read_ns_ > kAddressesNs) {
    addresses_read_ns_ = boot_ns;
    classes_.SetNodeAddresses(InterfaceAddresses());
  }
  table_.TakeDue(boot_ns, [&](const FlowRecord& record) { Send(record, boot_to_wall_ns); });
}

void FlowStage::Finish(int64_t boot_to_wall_ns) {
  const FlowFeed::Batch last = feed_->Stop();
  table_.Add(last.sums, last.boot_ns);
  table_.TakeAll([&](const FlowRecord& record) { Send(record, boot_to_wall_ns); });
}

void FlowStage::FillMetrics(MetricSet* metrics) const {
  const FlowTable::Counters& counters = table_.counters();
  metrics->Set("flows", table_.size());
  metrics->Set("flow_records_total", counters.records);
  metrics->Set("flow_records_shed_total", delivery_.counters().flows_shed);
  metrics->Set("flows_folded_total", counters.folded);
  metrics->Set("flow_names", names_.size());
  metrics->Set("dns_answers_total", answers_learned_, {"learned"});
  metrics->Set("dns_answers_total", answers_ignored_, {"ignored"});
  metrics->Set("flows_unknown_process_total", counters.unknown_processes);
}

}  // namespace vakt
