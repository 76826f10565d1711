// SPDX-License-Identifier: Apache-2.0
// Where the pipeline's output goes: every alert, gap, lifecycle note and flow becomes a numbered
// record of this node's stream and is given to the spool; alerts also go to the local log.
//
// What a full queue refuses is not forgotten: a Gap of class SHED with the exact count follows as
// soon as there is room. Ownership: spool and log must outlive it; both are optional.
// Threads: pipeline thread only.
#ifndef VAKT_AGENT_APP_DELIVERY_H_
#define VAKT_AGENT_APP_DELIVERY_H_

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "agent/app/alert_log.h"
#include "agent/app/pipeline.h"
#include "agent/spool/spool.h"
#include "common/base/clock.h"
#include "vakt/v1/alert.pb.h"

namespace vakt {

class Delivery : public PipelineOutput {
 public:
  // Is told, before an alert's record is given to the spool, its number and what names the alert:
  // the same for an alert that another run makes of the same event.
  using OnNumbered = std::function<void(uint64_t seq, uint64_t key)>;

  struct Counters {
    uint64_t records = 0;      // numbered and spooled (or, without a spool, counted only)
    uint64_t alerts_shed = 0;  // refused by the spool's queue
    uint64_t log_shed = 0;     // refused by the local log's queue
    uint64_t flows_shed = 0;   // refused by the spool's queue
  };

  Delivery(std::string boot_id, uint64_t epoch, Spool* spool, AlertLog* log, const Clock& clock);

  void OnAlert(const v1::Alert& alert) override;
  void OnGap(const v1::Gap& gap) override;
  void OnLifecycle(const v1::Lifecycle& lifecycle);
  void OnFlow(const v1::Flow& flow);
  void SetOnNumbered(OnNumbered on_numbered) { on_numbered_ = std::move(on_numbered); }
  // Alerts that the last run told of events that this one sees again: each is left out once.
  void SkipAlerts(const std::vector<uint64_t>& keys) { told_.insert(keys.begin(), keys.end()); }
  // Numbers: of the next record, and of the last one that is on disk (without a spool: that is).
  uint64_t next_seq() const { return next_seq_; }
  uint64_t written_seq() const;

  // What was wrong with the spool's chain when it was opened. (What the spool has lost or given up
  // comes as records of its own, in the place of those that are gone.)
  void OnSpoolFindings(const std::vector<SpoolFinding>& findings);
  // Reports what queues refused. Call it at least once a second.
  void Tick();

  const Counters& counters() const { return counters_; }

 private:
  // What a full queue refused and no gap record has told yet.
  struct Shed {
    uint64_t count = 0;
    int64_t since_wall_ns = 0;
    void Add(const Clock& clock) {
      if (count++ == 0) since_wall_ns = clock.WallNs();
    }
  };

  // Numbers and spools `record_`; false when the spool refuses it.
  bool Send(int priority);
  void ReportShed(Shed* shed, const char* reason);

  const std::string boot_id_;
  const uint64_t epoch_;
  Spool* const spool_;
  AlertLog* const log_;
  const Clock& clock_;
  uint64_t next_seq_ = 1;
  Shed spool_shed_;
  Shed log_shed_;
  Counters counters_;
  OnNumbered on_numbered_;
  std::unordered_multiset<uint64_t> told_;
  v1::Record record_;  // reused: keeps its memory
};

}  // namespace vakt

#endif  // VAKT_AGENT_APP_DELIVERY_H_
