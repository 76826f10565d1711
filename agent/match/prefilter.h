// SPDX-License-Identifier: Apache-2.0
// Compiles a rule set into what the kernel needs to leave out events on which no rule can fire.
//
//   Prefilter prefilter(rules, priority_floor);
//   sensor->InstallPrefilter(prefilter.tables());
//   prefilter.MasksOf(event, &masks);          // of the event's process, for the kernel
//   sensor->SetProcessMasks(event.task.fingerprint, masks);
//
// The rules that can fire on a kind are grouped into classes, without loss as long as there are at
// most 64 groups that differ in how, what and by whom. Of a class each look-up in the kernel knows
// one side; what it cannot decide it takes to hold. MaySend is the whole verdict as the kernel
// reaches it: when it is false, no rule of the set matches the event.
//
// Ownership: keeps the rule set alive. Threads: pipeline thread only (MasksOf reuses scratch
// space).
#ifndef VAKT_AGENT_MATCH_PREFILTER_H_
#define VAKT_AGENT_MATCH_PREFILTER_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/match/condition_bounds.h"
#include "bpf/wire/prefilter.h"
#include "common/event/event.h"
#include "common/rulelang/rule_set.h"

namespace vakt {

using ProcessMasks = std::array<uint64_t, VAKT_MASKED_KINDS>;

class Prefilter {
 public:
  // Rules less severe (numerically greater) than `priority_floor` are left out.
  explicit Prefilter(std::shared_ptr<const RuleSet> rules, int priority_floor = 7);
  ~Prefilter();

  const vakt_prefilter& tables() const { return *tables_; }

  // False when the kernel needs no masks: no class of any kind depends on the process.
  bool wants_masks() const { return !masked_.empty(); }
  // What the classes say of event.process as it is at this event.
  void MasksOf(const Event& event, ProcessMasks* masks);

  bool MaySend(const Event& event, const ProcessMasks& masks) const;

  // ---- What became of the rules, for people.

  // Of one kind, what the kernel looks at for one rule.
  struct RuleView {
    const Rule* rule = nullptr;
    int class_index = 0;
    std::string opened;     // how files are opened on which it can fire; empty: however
    bool misnamed = false;  // only under another name than the argument's last one
    std::string path;       // the pieces that are looked for; empty: nothing
    std::string ends;       // ports and addresses between which it can fire; empty: any
    std::string process;    // what is left of the condition for a process; empty: nothing
    // What keeps the kernel from looking at the path, when that is why `path` is empty.
    std::string obstacle;
  };
  struct KindView {
    Kind kind = Kind::none;
    bool filtered = false;  // false: every event of the kind is sent
    int classes = 0;
    std::vector<RuleView> rules;
  };
  const std::vector<KindView>& views() const { return views_; }

  // The process's side of one kind's classes, for the compiler.
  struct MaskedKind {
    Kind kind;
    // Per class the process's side of its rules; any of them will do. None: whatever the process.
    std::vector<std::vector<Reduced>> classes;
  };

 private:
  bool CheckHolds(uint32_t check, const Event& event);

  const std::shared_ptr<const RuleSet> rules_;
  std::unique_ptr<vakt_prefilter> tables_;
  CheckList checks_;
  std::vector<MaskedKind> masked_;  // by index into vakt_process_masks
  std::vector<KindView> views_;

  enum class Memo : uint8_t { kUnknown, kFails, kHolds };
  std::vector<Memo> memo_;  // per check, for one call of MasksOf
  Extractor extractor_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_MATCH_PREFILTER_H_
