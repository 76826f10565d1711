// SPDX-License-Identifier: Apache-2.0
// The kernel as an event source: loads the probes, attaches those that the rules need and this
// kernel allows, reports what it could not, and drains the rings. The only folder that knows
// libbpf.
//
//   KernelSensorOptions options{.kinds = matcher->kinds()};
//   ASSIGN(auto sensor, KernelSensor::Start(options));
//   sensor->Seed(on_record);                  // after attaching: nothing falls between
//   for (;;) for (RawRecord r : sensor->Next(absl::Seconds(1))) pipeline.OnRecord(r);
//
// Loading is the probe: a program that the kernel refuses is left out, the next attempt goes
// without it, and its row of the report says why. No version or configuration is consulted.
//
// Ownership: owns object, links, maps and mappings; all are gone with it that is not pinned.
// Threads: one thread, but for Wake, Counters, MapBytes and Programs (any thread) and the flows
// (any one thread).
#ifndef VAKT_AGENT_SENSOR_KERNEL_SENSOR_H_
#define VAKT_AGENT_SENSOR_KERNEL_SENSOR_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/sensor/dealt_queue.h"
#include "agent/sensor/event_source.h"
#include "agent/sensor/probe_table.h"
#include "agent/sensor/program_stats.h"
#include "agent/sensor/scope.h"

struct vakt_prefilter;  // bpf/wire/prefilter.h

namespace vakt {

struct FlowSum;  // agent/sensor/flow_sum.h

// Which hooks to use where there are two ways to see the same.
enum class TierChoice : uint8_t {
  kAuto,        // inline where the kernel takes it, tracepoints elsewhere
  kInline,      // the same, but a kernel that refuses it is an error
  kTracepoint,  // tracepoints alone
};

// "auto", "inline", "tracepoint"; anything else is kAuto.
TierChoice TierChoiceOf(std::string_view name);

// What this kernel allows of it: asks the kernel. FailedPrecondition: kInline is refused.
absl::StatusOr<Tier> DecideTier(TierChoice choice);

struct KernelSensorOptions {
  Tier tier = Tier::kTracepoint;  // of hooks that have both; as DecideTier says
  bool strict = false;            // also hooks that tax every system call of the machine
  KindSet kinds = 0;              // wanted by the rules; the essential ones are added
  bool user_stacks = false;       // critical calls tell where they were made
  bool flows = false;             // add up what processes say to their peers
  Scope scope;
  uint64_t ring_bytes = 8 << 20;  // of all rings together
  std::vector<std::string> disabled_probes;
  // Directory in a BPF file system that keeps hooks and rings alive without the agent (pin_dir.h);
  // empty: all end with the sensor. What a predecessor left there is taken over.
  std::string pin_path;
  // Last record of the last run that was written: what came of later ones is handed out again.
  uint64_t written_epoch = 0;
  uint64_t written_seq = 0;
  std::string rules;  // which rules the kernel will filter by: any text that names them
  std::string btf_path = "/sys/kernel/btf/vmlinux";
};

struct ProbeReport {
  const ProbeRow* probe = nullptr;
  enum class State : uint8_t {
    kAttached,
    kNotNeeded,
    kDisabled,
    kFailed
  } state = State::kNotNeeded;
  Tier tier = Tier::kTracepoint;  // how it is hooked, or would be
  std::string detail;             // why it failed
};

// What a predecessor left pinned, and what is missing all the same.
struct Takeover {
  bool happened = false;      // its hooks were attached until ours were, and its records are ours
  uint64_t waiting = 0;       // records in its rings
  uint64_t unreadable = 0;    // records of one that lays them out otherwise: they are lost
  KindSet unwatched = 0;      // wanted kinds of which a hook was not attached (none: flows)
  bool other_rules = false;   // it filtered by other rules: what only ours ask for may be missing
  uint64_t skipped_told = 0;  // as NoteSkipped
  bool gave_up = false;       // rings were short of room: what came of some records may be missing
  // Keys of alerts that were told of records that are handed out again (NoteAlert).
  std::vector<uint64_t> told_alerts;
};

// Sums over CPUs, per kind id.
struct SensorCounters {
  std::array<uint64_t, 64> hits{};
  std::array<uint64_t, 64> filtered{};
  std::array<uint64_t, 64> delivered{};
  std::array<std::array<uint64_t, 3>, 64> lost{};  // by reason, in the order of LossReasons()
};

// FailedPrecondition, with what is missing by name and why, when the kernel refused a probe without
// which no rule can be judged. What else it refused makes blind spots that are told.
absl::Status CheckProbes(absl::Span<const ProbeReport> reports);

class KernelSensor : public EventSource {
 public:
  // FailedPrecondition: no BTF, CheckProbes refuses, or another agent has the pin directory.
  // PermissionDenied: not root. InvalidArgument: the pin directory is on no BPF file system.
  static absl::StatusOr<std::unique_ptr<KernelSensor>> Start(const KernelSensorOptions& options);

  // Removes what agents left pinned in `pin_path`, and with it their hooks. FailedPrecondition: one
  // is running.
  static absl::Status Unpin(const std::string& pin_path);

  virtual const Takeover& takeover() const = 0;
  // For a successor: by which rules the kernel filters now, and how many runs that the kernel left
  // out were told in all. Pipeline thread only.
  virtual void NoteRules(std::string_view rules) = 0;
  virtual void NoteSkipped(uint64_t skipped) = 0;
  // For the case of a kill: record `seq` of `epoch`, which is about to be given to the spool, tells
  // of the alert that `key` names, or of this loss. What came of all that was handed out so far is
  // as `settled` says: a successor gets again what is not decided, or not on disk. Without these
  // calls all is taken as told at the next Next. Pipeline thread.
  virtual void NoteAlert(uint64_t epoch, uint64_t seq, uint64_t key) = 0;
  virtual void NoteLoss(uint64_t epoch, uint64_t seq, const Loss& loss) = 0;
  virtual void Settle(const Settled& settled) = 0;

  // Calls `on_record` with a process_seed record for each process that runs now.
  virtual absl::Status Seed(const std::function<void(RawRecord)>& on_record) = 0;

  // Attaches the probes that report these kinds and the essential ones, and detaches the others.
  // Returns how many are attached. Thread-safe.
  virtual int SetKinds(KindSet kinds) = 0;
  // Attaches again what somebody detached; returns those, as they are now. Thread-safe.
  virtual std::vector<ProbeReport> RestoreHooks() = 0;
  // Whether program starts tell their environment from now on.
  virtual void CaptureEnvironment(bool capture) = 0;
  virtual std::vector<ProbeReport> Report() const = 0;
  virtual SensorCounters Counters() const = 0;
  // ---- The prefilter: until one is installed, everything is sent.
  virtual absl::Status InstallPrefilter(const vakt_prefilter& tables) = 0;
  virtual void DisablePrefilter() = 0;
  virtual bool HasProcessMasks(uint64_t fingerprint) const = 0;
  virtual void SetProcessMasks(uint64_t fingerprint, absl::Span<const uint64_t> masks) = 0;

  // ---- Flows: both fail when they are off, and run iterators in the calling thread.
  // Finds the connections and listeners that are older than the agent.
  virtual absl::Status SeedFlows() = 0;
  // Appends what has been added up since the last call. Waits for the kernel, tens of milliseconds:
  // for one thread at a time, and not for the pipeline's.
  virtual absl::Status TakeFlows(std::vector<FlowSum>* sums) = 0;

  // Kernel memory of all maps, as the kernel accounts it.
  virtual uint64_t MapBytes() const = 0;
  // What the kernel knows of each loaded program. With a `measure` the kernel measures their runs
  // for so long first, and the call takes as long; not for the pipeline thread then.
  virtual absl::StatusOr<std::vector<ProgramStats>> Programs(absl::Duration measure) const = 0;
};

}  // namespace vakt

#endif  // VAKT_AGENT_SENSOR_KERNEL_SENSOR_H_
