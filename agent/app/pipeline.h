// SPDX-License-Identifier: Apache-2.0
// The stages in a row: decode -> enrich -> match -> correlate -> alert. Needs no kernel and no
// root, so that `vaktctl replay` and the rule tests run the same code as the agent.
//
// An event in a container of which the container runtime has not told yet waits for that, if a rule
// may fire on it: alerts come a moment later then, others do not wait behind it. What is held is
// decided when the runtime has answered, or has not in time, once for all of a container.
//
//   Pipeline pipeline(options, &output);
//   for (RawRecord record : source.Next(timeout)) pipeline.OnRecord(record);
//
// Ownership: owns the stages; the output and the recorder must outlive it.
// Threads: pipeline thread only.
#ifndef VAKT_AGENT_APP_PIPELINE_H_
#define VAKT_AGENT_APP_PIPELINE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "agent/app/held_events.h"
#include "agent/correlate/correlator.h"
#include "agent/decode/decoder.h"
#include "agent/enrich/account_table.h"
#include "agent/enrich/container_source.h"
#include "agent/enrich/enricher.h"
#include "agent/match/matcher.h"
#include "agent/match/undecided_rules.h"
#include "common/event/event.h"
#include "common/event/field_table.h"
#include "common/event/node_facts.h"
#include "vakt/v1/alert.pb.h"

namespace vakt {

class RecordingWriter;

// What comes out. The messages are valid during the call.
class PipelineOutput {
 public:
  virtual ~PipelineOutput() = default;
  virtual void OnAlert(const v1::Alert& alert) = 0;
  virtual void OnGap(const v1::Gap& gap) = 0;
};

// Looks on. The event is valid during the call.
class PipelineObserver {
 public:
  virtual ~PipelineObserver() = default;
  virtual void OnEvaluated(const Event& event) = 0;
};

class Pipeline {
 public:
  // Written by the pipeline thread; copy it there.
  struct Counters {
    uint64_t events = 0;  // evaluated
    uint64_t alerts = 0;
    uint64_t gaps = 0;
    uint64_t recording_errors = 0;
    uint64_t held = 0;            // events that waited for the container runtime
    uint64_t not_held = 0;        // that should have, and found no room
    uint64_t partial_alerts = 0;  // made without what the container runtime knows
  };

  Pipeline(NodeFacts node, std::unique_ptr<AccountTable> accounts, std::unique_ptr<Matcher> matcher,
           PipelineOutput* output);

  // One wire record; a malformed one is counted by the decoder and dropped.
  void OnRecord(absl::Span<const std::byte> record);
  // For who has to complete an event between the two steps.
  bool Decode(absl::Span<const std::byte> record, Event* event) {
    return decoder_.Decode(record, event);
  }
  void OnEvent(Event& event);
  void OnGap(const v1::Gap& gap);

  // From now on `source` is asked for each container, and answers are waited for so long. It
  // outlives the pipeline. Without, nothing is held.
  void SetContainerSource(ContainerSource* source, uint64_t wait_ns);
  // Takes what the source has found out, and decides what has waited long enough. About as often as
  // events are taken.
  void TakeContainers(uint64_t now_boot_ns);
  // What a source found out, or a recording tells.
  void OnContainer(const v1::Container& container);
  void OnAccounts(const v1::ContainerAccounts& accounts);
  bool holds_events() const { return !held_.empty(); }
  size_t events_held() const { return held_.size(); }
  // So many events, from the first one on, wait for nothing any more.
  uint64_t events_decided() const {
    return held_.empty() ? counters_.events : held_.oldest().num() - 1;
  }

  // What is due without an event: summaries of alerts that were held back, and what was given up.
  // Call it about once a second, with the time now.
  void Tick(uint64_t boot_ns);
  // The end: makes the summaries that are still open.
  void Finish();

  // Swaps the rules between two events; all process state stays, and that of unchanged rules.
  // Returns the old ones.
  std::unique_ptr<Matcher> SetMatcher(std::unique_ptr<Matcher> matcher);
  // The wall clock was set: later events have their time by the new one.
  void SetBootToWall(int64_t boot_to_wall_ns) {
    decoder_.SetBootToWall(boot_to_wall_ns);
    boot_to_wall_ns_ = boot_to_wall_ns;
  }
  // Shows every event to the observer once it was evaluated; null: to none.
  void SetObserver(PipelineObserver* observer) { observer_ = observer; }
  // Records every decoded event from now on; null: no more.
  void SetRecorder(RecordingWriter* recorder) { recorder_ = recorder; }

  const Counters& counters() const { return counters_; }
  const Decoder& decoder() const { return decoder_; }
  const Enricher& enricher() const { return enricher_; }
  const NodeFacts& node() const { return node_; }
  const Matcher& matcher() const { return *matcher_; }
  const Correlator& correlator() const { return correlator_; }

 private:
  void Record(const absl::Status& status);
  void AskForContainers();
  bool MustWait(const Event& event);
  void GiveUpWaiting(uint64_t now_boot_ns);
  void Decide(std::vector<HeldEvent> events);
  void Fire(const Event& event);
  void SendAlert(const Event& event, const Correlator::Firing& firing);
  std::vector<Correlator::Summary> DueSummaries(uint64_t boot_ns);
  void SendSummaries(const std::vector<Correlator::Summary>& summaries);
  int64_t WallNsOf(uint64_t boot_ns) const;
  void ReportEvictions();

  const NodeFacts node_;
  int64_t boot_to_wall_ns_;  // as it is now
  const std::unique_ptr<AccountTable> accounts_;
  Decoder decoder_;
  Enricher enricher_;
  std::unique_ptr<Matcher> matcher_;
  PipelineOutput* const output_;
  RecordingWriter* recorder_ = nullptr;
  PipelineObserver* observer_ = nullptr;

  Counters counters_;
  Correlator correlator_;
  uint64_t reported_evictions_ = 0;
  ContainerSource* containers_ = nullptr;
  uint64_t container_wait_ns_ = 0;
  UndecidedRules undecided_;
  HeldEvents held_;
  std::vector<v1::Container> found_containers_;        // scratch
  std::vector<v1::ContainerAccounts> found_accounts_;  // likewise
  std::vector<const Rule*> matched_;
  std::vector<Correlator::Firing> firings_;
  Extractor scratch_;
  v1::Alert alert_;  // reused: keeps its memory
};

}  // namespace vakt

#endif  // VAKT_AGENT_APP_PIPELINE_H_
