// SPDX-License-Identifier: Apache-2.0
#include "agent/app/flow_stage.h"

#include <netinet/in.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "agent/flow/flow_report.h"
#include "common/base/address.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/event_codec/flow_codec.h"

namespace vakt {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
// Between two looks at the addresses of the node and of its pods.
constexpr uint64_t kAddressesNs = 5 * kSecondNs;
// What a kill makes the agent forget of workloads at most.
constexpr uint64_t kMemoryNs = 10 * kSecondNs;
// So long a new flow waits for what the container runtime says of its image.
constexpr uint64_t kImageNs = 2 * kSecondNs;

}  // namespace

FlowStage::FlowStage(const FlowStageOptions& options, AddressClasses classes,
                     std::unique_ptr<FlowFiles> files, Pipeline* pipeline, Delivery* delivery)
    : classes_(std::move(classes)),
      files_(std::move(files)),
      table_(options.flow,
             [pipeline](uint64_t cookie) { return pipeline->enricher().processes().Find(cookie); }),
      payloads_(std::bind_front(&FlowStage::OnAnswer, this),
                std::bind_front(&FlowStage::OnHello, this)),
      pipeline_(*pipeline),
      delivery_(*delivery),
      memory_writer_(options.memory_path) {
  LoadMemory();
  TakeFiles();
  LearnAddresses();
}

absl::StatusOr<std::unique_ptr<FlowStage>> FlowStage::Start(FlowStageOptions options,
                                                            KernelSensor* sensor,
                                                            Pipeline* pipeline,
                                                            Delivery* delivery) {
  VAKT_ASSIGN_OR_RETURN(AddressClasses classes, AddressClasses::Create(options.cluster));
  VAKT_ASSIGN_OR_RETURN(std::unique_ptr<FlowFiles> files, FlowFiles::Start(options.files));
  auto stage = std::unique_ptr<FlowStage>(
      new FlowStage(options, std::move(classes), std::move(files), pipeline, delivery));
  if (const absl::Status status = sensor->SeedFlows(); !status.ok()) {
    LogWarning(
        StrCat("flows of connections that are open already are not seen: ", Message(status)));
  }
  stage->feed_ = std::make_unique<FlowFeed>(sensor);
  stage->feed_->SetPrompt(stage->Wants(Kind::network_flow));
  return stage;
}

// A damaged file is as if there were none: workloads are known from now on.
void FlowStage::LoadMemory() {
  const absl::StatusOr<std::string> bytes = ReadFile(memory_writer_.path());
  if (!bytes.ok()) {
    if (!absl::IsNotFound(bytes.status())) LogWarning(Message(bytes.status()));
    return;
  }
  if (const absl::Status status = knowledge_.memory().Load(*bytes); !status.ok()) {
    LogWarning(StrCat(memory_writer_.path(), ": ", Message(status), "; it begins anew"));
  }
}

// The node's own and its pods'. A pod in the node's network has an address of the node, which says
// nothing of it.
void FlowStage::LearnAddresses() {
  std::vector<std::string> node = InterfaceAddresses();
  knowledge_.ForgetPods();
  pipeline_.enricher().containers().ForEach([&](const Container& container) {
    if (!container.pod.has_value() || container.pod->host_network) return;
    knowledge_.LearnPod(*container.pod);
    for (const std::string& text : container.pod->addresses) {
      const std::optional<AddressBlock> block = ParseAddressBlock(text);
      if (block.has_value()) node.push_back(block->address);
    }
  });
  classes_.SetNodeAddresses(std::move(node));
}

void FlowStage::TakeFiles() {
  std::optional<FlowFileContents> contents = files_->Take();
  if (!contents.has_value()) return;
  knowledge_.SetSegments(std::move(contents->segments));
  knowledge_.SetDatabases(std::move(contents->countries), std::move(contents->systems));
}

void FlowStage::MakeEvent(const FlowRecord& record, uint64_t boot_ns, int64_t boot_to_wall_ns) {
  event_names_ = knowledge_.NamesOf(record);
  event_process_ = ProcessOf(*record.process);
  MakeFlowEvent(record, classes_, event_names_, boot_ns, boot_to_wall_ns, &event_process_, &event_);
  knowledge_.FillRemote(&event_.flow);
}

void FlowStage::Collect(int64_t boot_to_wall_ns) {
  const auto batch = feed_->Take();
  if (!batch.has_value()) return;
  const bool wanted = Wants(Kind::network_flow);
  feed_->SetPrompt(wanted);
  if (!wanted) return table_.Add(batch->sums, batch->boot_ns);
  table_.Add(batch->sums, batch->boot_ns, [&](const FlowSum& sum, uint64_t program) {
    knowledge_.See(sum, program, batch->boot_ns);
  });
  OfferNew(batch->boot_ns, boot_to_wall_ns);
}

void FlowStage::OfferNew(uint64_t boot_ns, int64_t boot_to_wall_ns) {
  table_.TakeNew([&](const FlowRecord& record) {
    const Container* container = record.process->container.get();
    const bool image_comes = container != nullptr && container->metadata == Metadata::kAwaited &&
                             boot_ns < record.first_seen_ns + kImageNs;
    if (image_comes) return false;
    MakeEvent(record, boot_ns, boot_to_wall_ns);
    knowledge_.Fill(record, boot_ns, &event_);
    pipeline_.OnEvent(event_);
    return true;
  });
}

void FlowStage::Send(const FlowRecord& record, uint64_t boot_ns, int64_t boot_to_wall_ns) {
  MakeEvent(record, boot_ns, boot_to_wall_ns);
  FlowToProto(event_, &flow_);
  delivery_.OnFlow(flow_);
  if (!Wants(Kind::network_flow)) return;
  knowledge_.Fill(record, boot_ns, &event_);
  pipeline_.OnEvent(event_);
}

bool FlowStage::OnRecord(RawRecord record, int64_t boot_to_wall_ns) {
  boot_to_wall_ns_ = boot_to_wall_ns;
  return payloads_.Read(record);
}

void FlowStage::OnAnswer(const vakt_payload& about, const DnsAnswer& answer, size_t size_bytes) {
  if (!answer.addresses.empty()) {
    knowledge_.names().Learn(about.net_ns, answer, about.header.boot_ns);
  }
  if (Wants(Kind::network_dns)) OfferAnswer(about, answer, size_bytes);
}

void FlowStage::OnHello(const vakt_payload& about, const TlsHello& hello) {
  const size_t size = about.family == AF_INET6 ? 16 : 4;
  knowledge_.hellos().Learn(
      {table_.ProgramNumber(about.cookie),
       std::string(reinterpret_cast<const char*>(about.remote_addr), size), about.remote_port},
      hello, about.header.boot_ns);
}

void FlowStage::OfferAnswer(const vakt_payload& about, const DnsAnswer& answer, size_t size_bytes) {
  static const EventTypeId kType = FindEventType("dns")->id;
  Reset(&event_);
  event_.kind = Kind::network_dns;
  event_.type = kType;
  event_.lane = Lane::BULK;
  event_.cpu = about.header.cpu;
  event_.seq = about.header.seq;
  event_.boot_ns = about.header.boot_ns;
  event_.wall_ns = static_cast<int64_t>(about.header.boot_ns) + boot_to_wall_ns_;
  const Process* process = pipeline_.enricher().processes().Find(about.cookie);
  if (process == nullptr) {
    event_process_ = ProcessOf({.cookie = about.cookie});
    event_.process = process = &event_process_;
  }
  SetTask(*process, about.net_ns, &event_.task);
  DnsReport& dns = event_.dns;
  dns.ipv6 = about.family == AF_INET6;
  std::copy_n(about.remote_addr, dns.ipv6 ? 16 : 4, dns.server.address.begin());
  dns.server.port = VAKT_DNS_PORT;
  dns.transport = about.what == VAKT_PAYLOAD_DNS ? Transport::kUdp : Transport::kTcp;
  dns.name = answer.name;
  dns.type = answer.type;
  dns.rcode = answer.rcode;
  addresses_.clear();
  for (const DnsAddress& address : answer.addresses) {
    addresses_.push_back(static_cast<char>(address.address.size()));
    addresses_.append(address.address);
  }
  aliases_.clear();
  for (const std::string& alias : answer.aliases) aliases_.append(alias).push_back('\0');
  dns.addresses = addresses_;
  dns.aliases = aliases_;
  dns.answers = answer.answers;
  dns.ttl_seconds = answer.ttl_seconds;
  dns.size_bytes = static_cast<uint32_t>(size_bytes);
  dns.truncated = answer.truncated || about.truncated != 0;
  pipeline_.OnEvent(event_);
}

void FlowStage::Tick(uint64_t boot_ns, int64_t boot_to_wall_ns) {
  if (boot_ns - addresses_read_ns_ > kAddressesNs) {
    addresses_read_ns_ = boot_ns;
    LearnAddresses();
  }
  TakeFiles();
  table_.TakeDue(boot_ns,
                 [&](const FlowRecord& record) { Send(record, boot_ns, boot_to_wall_ns); });
  if (knowledge_.memory().changed() && boot_ns - memory_written_ns_ > kMemoryNs) {
    memory_written_ns_ = boot_ns;
    memory_writer_.Write(knowledge_.memory().Save());
  }
}

void FlowStage::Finish(int64_t boot_to_wall_ns) {
  const FlowFeed::Batch last = feed_->Stop();
  table_.Add(last.sums, last.boot_ns);
  table_.TakeAll([&](const FlowRecord& record) { Send(record, last.boot_ns, boot_to_wall_ns); });
  if (knowledge_.memory().changed()) memory_writer_.Write(knowledge_.memory().Save());
}

void FlowStage::FillMetrics(MetricSet* metrics) const {
  const FlowTable::Counters& counters = table_.counters();
  const PayloadReader::Counters& payloads = payloads_.counters();
  metrics->Set("flows", table_.size());
  metrics->Set("flow_records_total", counters.records);
  metrics->Set("flow_records_shed_total", delivery_.counters().flows_shed);
  metrics->Set("flows_folded_total", counters.folded);
  metrics->Set("flow_files_loaded_total", files_->loaded());
  metrics->Set("flow_files_refused_total", files_->refused());
  metrics->Set("flow_names", knowledge_.names().size());
  metrics->Set("dns_answers_total", payloads.answers_learned, {"learned"});
  metrics->Set("dns_answers_total", payloads.answers_ignored, {"ignored"});
  metrics->Set("tls_hellos_total", payloads.hellos_learned, {"learned"});
  metrics->Set("tls_hellos_total", payloads.hellos_ignored, {"ignored"});
  metrics->Set("flows_unknown_process_total", counters.unknown_processes);
}

}  // namespace vakt
