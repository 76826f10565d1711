// SPDX-License-Identifier: Apache-2.0
#include "agent/app/pipeline.h"

#include <utility>

#include "common/alert/alert_builder.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/event_codec/event_codec.h"
#include "common/recording/recording.h"

namespace vakt {

Pipeline::Pipeline(NodeFacts node, std::unique_ptr<AccountTable> accounts,
                   std::unique_ptr<Matcher> matcher, PipelineOutput* output)
    : node_(std::move(node)),
      accounts_(std::move(accounts)),
      decoder_(node_.boot_to_wall_ns),
      enricher_(EnrichOptions{}, accounts_.get()),
      matcher_(std::move(matcher)),
      output_(output) {}

void Pipeline::OnRecord(absl::Span<const std::byte> record) {
  Event event;
  if (decoder_.Decode(record, &event)) OnEvent(event);
}

void Pipeline::OnEvent(Event& event) {
  if (recorder_ != nullptr) Record(recorder_->Add(event));
  event.num = ++counters_.events;
  event.node = &node_;
  enricher_.Apply(event);
  matcher_->Match(event, &matched_);
  for (const Rule* rule : matched_) {
    scratch_.Reset();
    BuildAlert(event, *rule, node_, ++counters_.alerts, scratch_, &alert_);
    alert_.set_rule_set_hash(matcher_->rules().hash);
    output_->OnAlert(alert_);
  }
}

void Pipeline::OnGap(const v1::Gap& gap) {
  if (recorder_ != nullptr) Record(recorder_->AddGap(gap));
  ++counters_.gaps;
  output_->OnGap(gap);
}

// A recording that cannot be written must not stop the detection.
void Pipeline::Record(const absl::Status& status) {
  if (status.ok()) return;
  ++counters_.recording_errors;
  LogError(StrCat("recording ends here: ", Message(status)));
  recorder_ = nullptr;
}

v1::NodeFacts NodeFactsToProto(const NodeFacts& node, const AccountTable& accounts) {
  v1::NodeFacts out;
  out.set_hostname(node.hostname);
  out.set_boot_id(node.boot_id);
  out.set_boot_to_wall_ns(node.boot_to_wall_ns);
  out.set_agent_version(node.agent_version);
  out.set_kernel_release(node.kernel_release);
  out.set_epoch(node.epoch);
  out.set_tier(node.tier);
  accounts.ToProto(&out);
  return out;
}

namespace {

NodeFacts NodeFactsFromProto(const v1::NodeFacts& in) {
  NodeFacts node;
  node.hostname = in.hostname();
  node.boot_id = in.boot_id();
  node.boot_to_wall_ns = in.boot_to_wall_ns();
  node.agent_version = in.agent_version();
  node.kernel_release = in.kernel_release();
  node.epoch = in.epoch();
  node.tier = in.tier();
  return node;
}

}  // namespace

absl::Status Replay(const std::string& recording_path, std::unique_ptr<Matcher> matcher,
                    PipelineOutput* output) {
  VAKT_ASSIGN_OR_RETURN(auto reader, RecordingReader::Open(recording_path));
  const NodeFacts node = NodeFactsFromProto(reader->node());
  Pipeline pipeline(node, std::make_unique<AccountTable>(reader->node()), std::move(matcher),
                    output);
  v1::RecordingEntry entry;
  std::string argv;
  for (;;) {
    VAKT_ASSIGN_OR_RETURN(const bool more, reader->Next(&entry));
    if (!more) return absl::OkStatus();
    if (entry.has_gap()) pipeline.OnGap(entry.gap());
    if (!entry.has_event()) continue;
    Event event;
    if (!EventFromProto(entry.event(), &argv, &event)) {
      return absl::DataLossError(
          StrCat(recording_path, ": an event of no known kind; recorded by a newer version?"));
    }
    event.wall_ns = static_cast<int64_t>(event.boot_ns) + node.boot_to_wall_ns;
    pipeline.OnEvent(event);
  }
}

}  // namespace vakt
