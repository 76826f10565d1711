// SPDX-License-Identifier: Apache-2.0
// KernelSensor over libbpf. Private to agent/sensor: kernel_sensor.cc runs it,
// kernel_sensor_start.cc makes it. Ownership and threads: as KernelSensor says.
#ifndef VAKT_AGENT_SENSOR_KERNEL_SENSOR_IMPL_H_
#define VAKT_AGENT_SENSOR_KERNEL_SENSOR_IMPL_H_

#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "agent/sensor/bpf_object.h"
#include "agent/sensor/dealt_queue.h"
#include "agent/sensor/kernel_sensor.h"
#include "agent/sensor/loss_tracker.h"
#include "agent/sensor/pin_dir.h"
#include "agent/sensor/predecessor.h"
#include "agent/sensor/ring_set.h"
#include "common/base/unique_fd.h"

namespace vakt {

class KernelSensorImpl : public KernelSensor {
 public:
  KernelSensorImpl(std::unique_ptr<BpfObject> object, std::vector<ProbeReport> available,
                   RingSet rings, UniqueFd epoll, UniqueFd wake, KindSet stack_kinds)
      : object_(std::move(object)),
        available_(std::move(available)),
        rings_(std::move(rings)),
        epoll_(std::move(epoll)),
        wake_(std::move(wake)),
        losses_(object_->cpus()),
        stack_kinds_(stack_kinds) {}

  // ---- For the start (kernel_sensor_start.cc).
  // Goes on where the predecessor ended whose maps are ours.
  void Resume(uint64_t written_epoch, uint64_t written_seq);
  // Hands out what `predecessor` left before anything of ours; both watched since `since_boot_ns`.
  void DrainFirst(std::unique_ptr<Predecessor> predecessor, uint64_t since_boot_ns,
                  absl::Span<const uint64_t> told_alerts);
  void HoldPins(std::unique_ptr<PinDir> pins) { pin_dir_ = std::move(pins); }
  BpfObject& object() { return *object_; }
  Takeover* mutable_takeover() { return &takeover_; }
  ~KernelSensorImpl() override { Commit(); }

  absl::Span<const RawRecord> Next(absl::Duration timeout) override;
  void TakeLosses(std::vector<Loss>* losses) override;
  void Wake() override {
    const uint64_t one = 1;
    // A full counter would mean that it is already awake.
    [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof(one));
  }
  absl::Status Seed(const std::function<void(RawRecord)>& on_record) override;
  absl::Status SeedFlows() override;
  absl::Status TakeFlows(std::vector<FlowSum>* sums) override;
  int SetKinds(KindSet kinds) override;
  std::vector<ProbeReport> RestoreHooks() override;
  void CaptureEnvironment(bool capture) override {
    std::atomic_ref(object_->control()->capture_environment).store(capture ? 1 : 0);
  }
  std::vector<ProbeReport> Report() const override {
    std::lock_guard lock(probes_mutex_);
    return reports_;
  }
  SensorCounters Counters() const override;
  const Takeover& takeover() const override { return takeover_; }
  void NoteRules(std::string_view rules) override;
  void NoteSkipped(uint64_t skipped) override { skipped_told_ = skipped; }
  void NoteAlert(uint64_t epoch, uint64_t seq, uint64_t key) override;
  void NoteLoss(uint64_t epoch, uint64_t seq, const Loss& loss) override;
  void Settle(const Settled& settled) override { dealt_.Settle(settled); }
  uint64_t MapBytes() const override { return object_->MapBytes(); }
  absl::StatusOr<std::vector<ProgramStats>> Programs(absl::Duration measure) const override {
    const std::vector<LoadedProgram> programs = LoadedPrograms();
    if (measure <= absl::ZeroDuration()) return ReadPrograms(programs);
    return MeasurePrograms(programs, measure);
  }
  absl::Status InstallPrefilter(const vakt_prefilter& tables) override {
    return object_->prefilter()->Install(tables);
  }
  void DisablePrefilter() override { object_->prefilter()->Disable(); }
  bool HasProcessMasks(uint64_t fingerprint) const override {
    return object_->prefilter()->HasMasks(fingerprint);
  }
  void SetProcessMasks(uint64_t fingerprint, absl::Span<const uint64_t> masks) override {
    object_->prefilter()->SetMasks(fingerprint, masks);
  }

 private:
  std::vector<LoadedProgram> LoadedPrograms() const {
    std::lock_guard lock(probes_mutex_);
    return object_->Programs();
  }
  bool CollectBatch();
  bool CollectFromPredecessors();
  void DropTwins();
  // What was handed out is dealt with: room for the probes, and a successor need not see it again,
  // once what came of it is written.
  void Commit();
  void CommitNow(const Dealt& dealt);
  Dealt DealtNow();
  uint64_t OutputsDealtWith();
  // When each of these processes started its program, of starts that nobody has taken yet.
  absl::flat_hash_map<uint64_t, uint64_t> WaitingExecs();
  bool Busy();
  absl::Status RunIterator(std::string_view program) const;
  // Waits for a probe's wakeup; true when Wake was called.
  bool Wait(std::chrono::steady_clock::duration timeout, bool sleep);

  std::unique_ptr<PinDir> pin_dir_;  // null: nothing outlives the agent
  std::unique_ptr<BpfObject> object_;
  Takeover takeover_;
  std::vector<std::unique_ptr<Predecessor>> predecessors_;  // until they are drained
  Twins twins_;
  uint64_t told_total_ = 0;  // losses, as of the last commit
  std::atomic<uint64_t> skipped_told_ = 0;
  DealtQueue dealt_;
  // Up to where a predecessor may have read what is handed out again: until then its outputs count.
  std::vector<uint64_t> again_until_;
  Dealt now_;                                                          // reused: keeps its memory
  mutable std::mutex probes_mutex_;                                    // loading and attaching
  std::vector<ProbeReport> available_ ABSL_GUARDED_BY(probes_mutex_);  // kAttached: could be
  std::vector<ProbeReport> reports_ ABSL_GUARDED_BY(probes_mutex_);
  RingSet rings_;
  UniqueFd epoll_;
  UniqueFd wake_;
  LossTracker losses_;
  const KindSet stack_kinds_;  // whose events may tell where they were made
  std::vector<RawRecord> batch_;
  std::array<std::atomic<uint64_t>, VAKT_KIND_MAX> delivered_{};
  uint64_t missing_seen_ = 0;
  std::chrono::steady_clock::time_point last_look_;
  std::chrono::steady_clock::time_point window_start_;
  int window_wakeups_ = 0;
  int empty_naps_ = 2;
};

// What of the available ones `kinds` needs.
std::vector<ProbeReport> WantedProbes(const std::vector<ProbeReport>& available, KindSet kinds);
// What the kernel refuses is not tried again, be it a program or its inline form.
void KeepRefusals(const std::vector<ProbeReport>& reports, std::vector<ProbeReport>* available);

}  // namespace vakt

#endif  // VAKT_AGENT_SENSOR_KERNEL_SENSOR_IMPL_H_
