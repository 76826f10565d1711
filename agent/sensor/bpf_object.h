// SPDX-License-Identifier: Apache-2.0
// The loaded BPF object: programs, maps and links with owners.
//
// It may take over what a predecessor pinned: maps, rings and the links that are still wanted, with
// the programs that they run; what else is wanted is loaded and works on the same maps.
//
// Ownership: RAII over libbpf's pointers. Threads: thread-compatible.
#ifndef VAKT_AGENT_SENSOR_BPF_OBJECT_H_
#define VAKT_AGENT_SENSOR_BPF_OBJECT_H_

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/sensor/flow_tables.h"
#include "agent/sensor/handover.h"
#include "agent/sensor/inline_exits.h"
#include "agent/sensor/kernel_hooks.h"
#include "agent/sensor/kernel_sensor.h"
#include "agent/sensor/pin_dir.h"
#include "agent/sensor/prefilter_maps.h"
#include "bpf/wire/wire.h"
#include "common/base/unique_fd.h"

struct vakt_bpf;
struct bpf_link;
struct bpf_program;

namespace vakt {

class BpfObject {
 public:
  // Creates the maps and loads the programs that `reports` (one per row of the probe table) wants;
  // marks those that the kernel refuses. Creates the rings: `ring_bytes` over all CPUs and lanes.
  // With `adopted`, a set of the same layout (SetName), takes all that from there.
  static absl::StatusOr<std::unique_ptr<BpfObject>> Load(const KernelSensorOptions& options,
                                                         KernelHooks kernel_hooks,
                                                         InlineExits inline_exits,
                                                         std::vector<ProbeReport>* reports,
                                                         std::optional<PinnedSet> adopted);
  ~BpfObject();

  // Of the set that an agent with these options pins: equal if its maps are, and its records; equal
  // in its first part if its records are.
  static std::string SetName(const KernelSensorOptions& options);
  static bool SameRecords(std::string_view set_name, std::string_view other);
  // From now on everything is pinned there, what is attached later as well.
  absl::Status PinTo(PinnedSet set);
  PinnedSet* pins() { return pins_ ? &*pins_ : nullptr; }
  // Null unless pinned.
  Handover* handover() const { return handover_.get(); }
  // Takes away what a predecessor attached and nobody wants; after Attach.
  void DropUnclaimed();
  // Whether the maps are a predecessor's, and whether a row's hook was.
  bool adopted() const { return !adopted_rows_.empty(); }
  bool WasAdopted(size_t row) const { return adopted() && adopted_rows_[row]; }

  // Loads what is wanted and is not loaded yet; it works on the same maps. Loading takes tens of
  // milliseconds per program and stops nobody. Marks in `reports` what cannot be loaded.
  void LoadWanted(std::vector<ProbeReport>* reports);

  // Attaches what is wanted, and detaches the rest; failures go to `reports`. Returns how many are
  // attached.
  int Attach(std::vector<ProbeReport>* reports);

  // Forgets the links that somebody else detached; returns their rows. Only links to cgroups can
  // be: the kernel refuses it for the others.
  std::vector<size_t> DropDetached();

  std::vector<int> ring_fds() const;
  size_t ring_size() const { return ring_size_; }
  vakt_control* control() const { return control_; }
  PrefilterMaps* prefilter() const { return prefilter_.get(); }
  absl::Span<const vakt_cpu_state> cpus() const { return {cpu_state_, cpu_count_}; }
  // A file that runs the iterator as it is read; fails when the program is not attached.
  absl::StatusOr<UniqueFd> OpenIterator(std::string_view program) const;
  // Null when flows are off.
  FlowTables* flows() const { return flows_.get(); }
  // For the second run of flow_seed: every listener is known.
  absl::Status ListenersAreKnown() const;
  uint64_t MapBytes() const;
  std::vector<LoadedProgram> Programs() const;

 private:
  struct SkeletonDeleter {
    void operator()(vakt_bpf* skeleton) const;
  };
  struct LinkDeleter {
    void operator()(bpf_link* link) const;
  };
  using Skeleton = std::unique_ptr<vakt_bpf, SkeletonDeleter>;
  using Link = std::unique_ptr<bpf_link, LinkDeleter>;
  // One of both, or none: not attached.
  struct Hook {
    Link link;
    InlineExit exit;
    std::string pin;  // the link's name in the set; empty: not pinned
    bool attached() const { return link != nullptr || exit.link; }
  };

  BpfObject(KernelHooks kernel_hooks, InlineExits inline_exits)
      : kernel_hooks_(std::move(kernel_hooks)), inline_exits_(std::move(inline_exits)) {}
  // Has a program that is to be loaded go where this kernel has its hook.
  void Aim(const ProbeReport& report, bpf_program* program) const;
  // The BPF program of a row in its tier.
  std::string ProgramOf(const ProbeReport& report) const;
  // One more skeleton with the wanted programs that no earlier one has; the maps are the first's.
  absl::Status TryLoad(const std::vector<ProbeReport>& reports);
  // ---- Of a set that is taken over.
  absl::Status AdoptMaps(vakt_bpf* skeleton) const;
  absl::Status AdoptRings();
  void AdoptHooks(std::vector<ProbeReport>* reports);
  bool AdoptHook(const std::string& name, const std::map<uint32_t, std::string>& programs,
                 Hook* hook);
  absl::Status MakeFlowTables();
  absl::Status LoadWhatIsAccepted(std::vector<ProbeReport>* reports);
  void SizeMaps(vakt_bpf* skeleton) const;
  absl::Status ShareMaps(vakt_bpf* skeleton) const;
  absl::Status KeepPrograms(Skeleton skeleton);
  // Whether what this row hooks with is there: loaded, or hooked already.
  bool IsLoaded(const std::vector<ProbeReport>& reports, size_t row) const;
  absl::Status FillRings(size_t ring_bytes);
  absl::Status MapControl();
  absl::StatusOr<Hook> AttachProbe(const ProbeReport& report);
  absl::StatusOr<Link> AttachLink(const ProbeRow& row, bpf_program* program);
  // The rows of one hook share it: attached while any of them is wanted. Returns how many are.
  int AttachHook(absl::Span<ProbeReport> rows, Hook* hook);
  void PinHook(const ProbeReport& report, Hook* hook);
  void Detach(Hook* hook);

  const vakt_bpf& first() const { return *skeletons_.front(); }

  std::vector<Skeleton> skeletons_;                            // the first has the maps
  std::map<std::string, bpf_program*, std::less<>> programs_;  // loaded ones, by name
  std::vector<Hook> hooks_;                                    // by row of the probe table
  const KernelHooks kernel_hooks_;
  const InlineExits inline_exits_;
  std::map<std::string, uint32_t, std::less<>> inline_slots_;  // in inline_exits, by program
  std::vector<UniqueFd> rings_;
  std::optional<PinnedSet> pins_;
  std::unique_ptr<Handover> handover_;
  std::vector<bool> adopted_rows_;
  std::map<std::string, UniqueFd, std::less<>> adopted_programs_;
  UniqueFd cgroup_root_;
  size_t ring_size_ = 0;
  size_t cpu_count_ = 0;
  vakt_control* control_ = nullptr;            // mapped
  const vakt_cpu_state* cpu_state_ = nullptr;  // mapped
  std::unique_ptr<PrefilterMaps> prefilter_;   // uses the control block
  bool with_flows_ = false;
  std::unique_ptr<FlowTables> flows_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_SENSOR_BPF_OBJECT_H_
