// SPDX-License-Identifier: Apache-2.0
#include "agent/app/delivery.h"

#include <cstring>
#include <utility>

#include "common/base/sha256.h"
#include "common/base/strings.h"
#include "common/time/wall_time.h"

namespace vakt {
namespace {

constexpr size_t kMaxFindings = 100;  // vaktctl spool verify shows them all

// A number per CPU and lane and a time are one event's, as long as the rings live. Another process
// has to find the same key, so it is no hash of abseil's.
uint64_t KeyOf(const v1::Alert& alert) {
  const std::string text = StrCat(alert.event().cpu(), " ", alert.event().seq(), " ",
                                  alert.event().boot_ns(), " ", alert.rule());
  const Sha256Hash hash = Sha256(text);
  uint64_t key;
  std::memcpy(&key, hash.data(), sizeof(key));
  return key;
}

}  // namespace

Delivery::Delivery(std::string boot_id, uint64_t epoch, Spool* spool, AlertLog* log,
                   const Clock& clock)
    : boot_id_(std::move(boot_id)), epoch_(epoch), spool_(spool), log_(log), clock_(clock) {}

bool Delivery::Send(int priority) {
  record_.set_boot_id(boot_id_);
  record_.set_epoch(epoch_);
  record_.set_seq(next_seq_);
  if (spool_ != nullptr) {
    OutRecord out{.position = {epoch_, next_seq_}, .priority = priority};
    record_.SerializeToString(&out.bytes);
    if (!spool_->Append(std::move(out))) return false;
  }
  ++next_seq_;
  ++counters_.records;
  return true;
}

uint64_t Delivery::written_seq() const {
  if (spool_ == nullptr) return next_seq_ - 1;
  const Position newest = spool_->newest();
  return newest.epoch == epoch_ ? newest.seq : 0;
}

void Delivery::OnAlert(const v1::Alert& alert) {
  if (on_numbered_ || !told_.empty()) {
    const uint64_t key = KeyOf(alert);
    if (const auto told = told_.find(key); told != told_.end()) {
      told_.erase(told);
      return;
    }
    if (on_numbered_) on_numbered_(next_seq_, key);
  }
  if (log_ != nullptr && !log_->Write(alert)) {
    ++counters_.log_shed;
    log_shed_.Add(clock_);
  }
  *record_.mutable_alert() = alert;
  if (!Send(alert.priority())) {
    ++counters_.alerts_shed;
    spool_shed_.Add(clock_);
  }
}

void Delivery::OnGap(const v1::Gap& gap) {
  *record_.mutable_gap() = gap;
  if (!Send(kNotePriority)) spool_shed_.Add(clock_);
}

void Delivery::OnLifecycle(const v1::Lifecycle& lifecycle) {
  *record_.mutable_lifecycle() = lifecycle;
  if (!Send(kNotePriority)) spool_shed_.Add(clock_);
}

void Delivery::OnFlow(const v1::Flow& flow) {
  *record_.mutable_flow() = flow;
  if (Send(kFlowPriority)) return;
  ++counters_.flows_shed;
  spool_shed_.Add(clock_);
}

void Delivery::ReportShed(Shed* shed, const char* reason) {
  if (shed->count == 0) return;
  v1::Gap* gap = record_.mutable_gap();
  gap->Clear();
  gap->set_class_(v1::Gap::CLASS_SHED);
  gap->set_count(shed->count);
  gap->set_reason(reason);
  FromWallNs(shed->since_wall_ns, gap->mutable_begin());
  FromWallNs(clock_.WallNs(), gap->mutable_end());
  if (Send(kNotePriority)) *shed = {};
}

void Delivery::Tick() {
  ReportShed(&spool_shed_, "spool_queue_full");
  ReportShed(&log_shed_, "alert_log_queue_full");
}

void Delivery::OnSpoolFindings(const std::vector<SpoolFinding>& findings) {
  size_t reported = 0;
  for (const SpoolFinding& finding : findings) {
    const bool broken = finding.kind == SpoolFinding::Kind::kAltered ||
                        finding.kind == SpoolFinding::Kind::kOutOfOrder ||
                        finding.kind == SpoolFinding::Kind::kState;
    if (!broken || ++reported > kMaxFindings) continue;
    v1::Gap gap;
    gap.set_class_(v1::Gap::CLASS_CORRUPT);
    gap.set_reason(StrCat("spool_chain: ", SpoolFindingName(finding.kind), ": ", finding.segment,
                          " at byte ", finding.offset, ": ", finding.text));
    FromWallNs(clock_.WallNs(), gap.mutable_end());
    *gap.mutable_begin() = gap.end();
    OnGap(gap);
  }
}

}  // namespace vakt
