// SPDX-License-Identifier: Apache-2.0
#include "agent/app/pipeline.h"

#include <algorithm>
#include <utility>

#include "agent/correlate/event_key.h"
#include "common/alert/alert_builder.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/recording/recording.h"
#include "common/time/wall_time.h"

namespace vakt {
namespace {

// Events that are older than this have arrived: a tick may tell what ended before it.
constexpr uint64_t kMaxEventDelayNs = 1'000'000'000;

}  // namespace

Pipeline::Pipeline(NodeFacts node, std::unique_ptr<AccountTable> accounts,
                   std::unique_ptr<Matcher> matcher, PipelineOutput* output)
    : node_(std::move(node)),
      boot_to_wall_ns_(node_.boot_to_wall_ns),
      accounts_(std::move(accounts)),
      decoder_(node_.boot_to_wall_ns),
      enricher_(EnrichOptions{}, accounts_.get()),
      matcher_(std::move(matcher)),
      output_(output),
      undecided_(matcher_->rules()) {
  std::vector<Correlator::Summary> none;
  correlator_.SetRules(matcher_->rules(), &none);
}

void Pipeline::OnRecord(absl::Span<const std::byte> record) {
  Event event;
  if (decoder_.Decode(record, &event)) OnEvent(event);
}

void Pipeline::OnEvent(Event& event) {
  if (!held_.empty()) GiveUpWaiting(event.boot_ns);
  event.num = ++counters_.events;
  event.node = &node_;
  enricher_.Apply(event);
  AskForContainers();
  if (recorder_ != nullptr) Record(recorder_->Add(event));
  if (correlator_.HasSummaries(event.boot_ns)) SendSummaries(DueSummaries(event.boot_ns));
  matcher_->Match(event, &matched_);
  if (MustWait(event)) {
    if (held_.Hold(event)) {
      ++counters_.held;
      matched_.clear();
    } else {
      ++counters_.not_held;
    }
  }
  if (!matched_.empty()) Fire(event);
  if (observer_ != nullptr) observer_->OnEvaluated(event);
}

void Pipeline::Fire(const Event& event) {
  correlator_.Apply(event, matched_, &firings_);
  for (const Correlator::Firing& firing : firings_) SendAlert(event, firing);
}

// Every alert names its container, so all that fire wait, not only those whose condition asks.
bool Pipeline::MustWait(const Event& event) {
  const Container* container = event.process->container.get();
  if (container == nullptr || container->metadata != Metadata::kAwaited) return false;
  return !matched_.empty() || undecided_.MayFire(event);
}

void Pipeline::SetContainerSource(ContainerSource* source, uint64_t wait_ns) {
  containers_ = source;
  container_wait_ns_ = wait_ns;
}

// Recorded ahead of the event that brought the container, so that it waits in a replay, too.
void Pipeline::AskForContainers() {
  ContainerTable& containers = enricher_.containers();
  if (!containers.has_news()) return;
  for (const std::string& id : containers.TakeForgotten()) {
    if (containers_ != nullptr) containers_->Forget(id);
  }
  for (const std::string& id : containers.TakeNew()) {
    if (containers_ == nullptr) continue;
    if (containers_->Answers()) {
      v1::Container asked;
      asked.set_id(id);
      OnContainer(asked);
    }
    containers_->Ask(id);
  }
  for (const std::string& id : containers.TakeStarted()) {
    if (containers_ != nullptr) containers_->Started(id);
  }
}

void Pipeline::TakeContainers(uint64_t now_boot_ns) {
  if (containers_ == nullptr) return;
  found_containers_.clear();
  containers_->Take(&found_containers_);
  found_accounts_.clear();
  containers_->TakeAccounts(&found_accounts_);  // first: alerts that waited have the names, too
  for (const v1::ContainerAccounts& accounts : found_accounts_) OnAccounts(accounts);
  for (const v1::Container& container : found_containers_) OnContainer(container);
  GiveUpWaiting(now_boot_ns);
}

void Pipeline::OnContainer(const v1::Container& container) {
  if (recorder_ != nullptr) Record(recorder_->AddContainer(container));
  enricher_.Learn(container);
  if (container.metadata() == v1::Container::METADATA_UNSPECIFIED || held_.empty()) return;
  Decide(held_.TakeOf(container.id()));
}

void Pipeline::OnAccounts(const v1::ContainerAccounts& accounts) {
  if (recorder_ != nullptr) Record(recorder_->AddAccounts(accounts));
  enricher_.LearnAccounts(accounts);
}

// Of a container that was waited for once nothing waits any more: an answer that is late may not
// come at all.
void Pipeline::GiveUpWaiting(uint64_t now_boot_ns) {
  while (!held_.empty() && now_boot_ns >= held_.oldest().boot_ns() &&
         now_boot_ns - held_.oldest().boot_ns() >= container_wait_ns_) {
    v1::Container silent;
    silent.set_id(std::string(held_.oldest().container_id()));
    silent.set_metadata(v1::Container::METADATA_PARTIAL);
    OnContainer(silent);
  }
}

void Pipeline::Decide(std::vector<HeldEvent> events) {
  Event event;
  for (HeldEvent& held : events) {
    if (!held.Restore(&event)) continue;
    matcher_->Match(event, &matched_);
    if (!matched_.empty()) Fire(event);
  }
}

void Pipeline::SendAlert(const Event& event, const Correlator::Firing& firing) {
  scratch_.Reset();
  BuildAlert(event, *firing.rule, node_, ++counters_.alerts, scratch_, &alert_);
  if (firing.rule->correlate != nullptr) {
    AddCorrelation(*firing.rule, firing.count, WallNsOf(firing.begin_boot_ns),
                   ValuesOfKey(firing.key), &alert_);
  }
  alert_.set_rule_set_hash(matcher_->rules().hash);
  if (alert_.container().metadata() == v1::Container::METADATA_PARTIAL) ++counters_.partial_alerts;
  output_->OnAlert(alert_);
}

std::vector<Correlator::Summary> Pipeline::DueSummaries(uint64_t boot_ns) {
  std::vector<Correlator::Summary> due;
  correlator_.TakeSummaries(boot_ns, &due);
  return due;
}

void Pipeline::SendSummaries(const std::vector<Correlator::Summary>& summaries) {
  for (const Correlator::Summary& summary : summaries) {
    BuildSummary(*summary.rule, node_, ++counters_.alerts, summary.count,
                 WallNsOf(summary.begin_boot_ns), WallNsOf(summary.end_boot_ns),
                 ValuesOfKey(summary.key), &alert_);
    alert_.set_rule_set_hash(matcher_->rules().hash);
    output_->OnAlert(alert_);
  }
}

// State that is given up may be an alert that never comes, so it is told like an event that was
// lost. Not recorded: a replay finds it by itself.
void Pipeline::ReportEvictions() {
  const uint64_t evicted = correlator_.counters().evicted;
  if (evicted == reported_evictions_) return;
  v1::Gap gap;
  gap.set_class_(v1::Gap::CLASS_SHED);
  gap.set_count(evicted - reported_evictions_);
  gap.set_reason("correlate_table_full");
  FromWallNs(WallNsOf(correlator_.last_boot_ns()), gap.mutable_end());
  *gap.mutable_begin() = gap.end();
  reported_evictions_ = evicted;
  ++counters_.gaps;
  output_->OnGap(gap);
}

void Pipeline::Tick(uint64_t boot_ns) {
  const uint64_t settled = boot_ns - std::min(boot_ns, kMaxEventDelayNs);
  if (correlator_.HasSummaries(settled)) SendSummaries(DueSummaries(settled));
  ReportEvictions();
}

void Pipeline::Finish() {
  Decide(held_.TakeAll());
  std::vector<Correlator::Summary> open;
  correlator_.TakeAllSummaries(&open);
  SendSummaries(open);
  ReportEvictions();
}

std::unique_ptr<Matcher> Pipeline::SetMatcher(std::unique_ptr<Matcher> matcher) {
  Decide(held_.TakeAll());  // by the rules of its time, with what is known by now
  std::vector<Correlator::Summary> closed;
  correlator_.SetRules(matcher->rules(), &closed);
  SendSummaries(closed);  // of rules that are gone: as long as the old matcher keeps them
  undecided_ = UndecidedRules(matcher->rules());
  return std::exchange(matcher_, std::move(matcher));
}

int64_t Pipeline::WallNsOf(uint64_t boot_ns) const {
  return static_cast<int64_t>(boot_ns) + boot_to_wall_ns_;
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

}  // namespace vakt
