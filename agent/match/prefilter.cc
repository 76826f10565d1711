// SPDX-License-Identifier: Apache-2.0
#include "agent/match/prefilter.h"

#include <algorithm>

#include "agent/match/end_facts.h"
#include "agent/match/path_automaton.h"
#include "agent/match/prefilter_compiler.h"
#include "common/rulelang/eval.h"

namespace vakt {
namespace {

// Those of which a node has the most first: there are process masks for VAKT_MASKED_KINDS alone.
std::vector<Kind> KindsByVolume() {
  std::vector<Kind> kinds = {Kind::file_open,       Kind::network_connect, Kind::network_accept,
                             Kind::network_socket,  Kind::file_unlink,     Kind::network_send,
                             Kind::network_receive, Kind::file_rename};
  for (const KindRow& row : KernelKinds()) {
    if (std::find(kinds.begin(), kinds.end(), row.kind) == kinds.end()) kinds.push_back(row.kind);
  }
  return kinds;
}

}  // namespace

Prefilter::Prefilter(std::shared_ptr<const RuleSet> rules, int priority_floor)
    : rules_(std::move(rules)), tables_(std::make_unique<vakt_prefilter>()) {
  PrefilterCompiler compiler(*rules_, priority_floor, &checks_);
  compiler.FillCuts(tables_.get());
  for (const Kind kind : KindsByVolume()) {
    tables_->mask_of_kind[static_cast<size_t>(kind)] = VAKT_MASKED_KINDS;
    if (auto view = compiler.Compile(kind, tables_.get(), &masked_)) {
      views_.push_back(*std::move(view));
    }
  }
  std::sort(views_.begin(), views_.end(),
            [](const KindView& a, const KindView& b) { return a.kind < b.kind; });
  memo_.resize(checks_.checks().size());
}

Prefilter::~Prefilter() = default;

bool Prefilter::CheckHolds(uint32_t check, const Event& event) {
  if (memo_[check] == Memo::kUnknown) {
    const Check& c = *checks_.checks()[check];
    extractor_.Reset();
    ExtractOperand(c.left, event, extractor_);
    const size_t left = extractor_.values().size();
    if (c.right != nullptr) ExtractOperand(*c.right, event, extractor_);
    const bool holds =
        EvaluateCheck(c, extractor_.values().first(left), extractor_.values().subspan(left));
    memo_[check] = holds ? Memo::kHolds : Memo::kFails;
  }
  return memo_[check] == Memo::kHolds;
}

void Prefilter::MasksOf(const Event& event, ProcessMasks* masks) {
  std::fill(memo_.begin(), memo_.end(), Memo::kUnknown);
  masks->fill(~uint64_t{0});
  const auto check_holds = [&](uint32_t check) { return CheckHolds(check, event); };
  for (size_t slot = 0; slot < masked_.size(); ++slot) {
    const auto& classes = masked_[slot].classes;
    for (size_t i = 0; i < classes.size(); ++i) {
      const bool may_fire = classes[i].empty() || std::any_of(classes[i].begin(), classes[i].end(),
                                                              [&](const Reduced& reduced) {
                                                                return reduced.Holds(check_holds);
                                                              });
      if (!may_fire) (*masks)[slot] &= ~(uint64_t{1} << i);
    }
  }
}

namespace {

int SyscallNr(const Event& event) {
  return event.type < AllEventTypes().size() ? AllEventTypes()[event.type].x86_64_nr : -1;
}

// As argument_misnames (bpf/lib/open_argument.h) finds it.
bool IsMisnamed(const FileOpen& open) {
  if (open.name_unreadable || open.name_raw.size() >= VAKT_PATH_MAX - 1) return true;
  const auto last = [](std::string_view path) { return path.substr(path.rfind('/') + 1); };
  const std::string_view asked = last(open.name_raw);
  return !asked.empty() && asked != "." && asked != ".." && asked != last(open.file.path);
}

uint64_t ClassesOfOpen(const vakt_prefilter& tables, const Event& event, uint64_t classes) {
  const FileOpen& open = event.file_open;
  const uint32_t call = vakt_open_call(static_cast<uint32_t>(SyscallNr(event)));
  if (call >= VAKT_OPEN_CALLS) return ~uint64_t{0};
  const bool opened = event.result >= 0;
  if (opened && open.file.mode == 0) return ~uint64_t{0};  // closed before the probe could look
  const uint32_t facet = vakt_open_facet(call, open.flags, open.create_mode,
                                         vakt_open_outcome(event.result, open.file.mode));
  classes &= tables.open_facets[facet];
  const PathStatus status = open.file.path_status;
  const bool path_known = (status == PathStatus::kOk || status == PathStatus::kDeleted) &&
                          open.file.path.starts_with('/');
  if (!opened || !path_known) return classes;
  if (event.abi != Abi::kIoUring && !IsMisnamed(open)) classes &= ~tables.open_misnamed;
  if ((classes & tables.open_any_path) != 0) return classes;
  uint64_t hits = RunPathAutomaton(tables.open_path, open.file.path);
  if ((classes & tables.open_raw_path & ~hits) != 0) {
    const bool as_it_is =
        !open.name_raw.empty() && open.name_raw.find("//") == std::string_view::npos;
    const uint64_t raw_hits =
        as_it_is ? RunPathAutomaton(tables.open_path, open.name_raw) : ~uint64_t{0};
    hits |= raw_hits & tables.open_raw_path;
  }
  return classes & hits;
}

}  // namespace

bool Prefilter::MaySend(const Event& event, const ProcessMasks& masks) const {
  const auto kind = static_cast<size_t>(event.kind);
  if ((tables_->kinds >> kind & 1) == 0) return true;
  uint64_t classes = tables_->classes[kind];
  const size_t slot = tables_->mask_of_kind[kind];
  if (slot < masks.size()) classes &= masks[slot];
  if (event.kind == Kind::file_open) classes = ClassesOfOpen(*tables_, event, classes);
  if (HasEnds(event.kind)) classes &= ClassesOfEnds(*tables_, event);
  return classes != 0;
}

}  // namespace vakt
