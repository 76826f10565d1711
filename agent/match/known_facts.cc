// SPDX-License-Identifier: Apache-2.0
#include "agent/match/known_facts.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "common/rulelang/eval.h"

namespace vakt {
namespace {

// What must be known for a field's value to be known.
enum class Facts : uint8_t {
  kType,    // the event's type
  kNumber,  // nothing: it is at least 1
  kOpen,    // file_open: the facet
  kResult,  // file_open: the facet, and which error or descriptor it was
};

struct KnownField {
  std::string_view name;
  Facts facts;
};

constexpr KnownField kKnownFields[] = {
    {"evt.type", Facts::kType},
    {"evt.type.is", Facts::kType},
    {"syscall.type", Facts::kType},
    {"evt.kind", Facts::kType},
    {"evt.category", Facts::kType},
    {"evt.dir", Facts::kType},
    {"evt.source", Facts::kType},
    {"evt.count", Facts::kType},
    {"evt.count.exit", Facts::kType},
    {"evt.is_async", Facts::kType},
    {"evt.num", Facts::kNumber},
    {"evt.is_open_read", Facts::kOpen},
    {"evt.is_open_write", Facts::kOpen},
    {"evt.is_open_exec", Facts::kOpen},
    {"evt.is_open_create", Facts::kOpen},
    {"fd.type", Facts::kOpen},
    {"fd.typechar", Facts::kOpen},
    {"fd.l4proto", Facts::kOpen},
    {"fd.sockfamily", Facts::kOpen},
    {"fd.is_server", Facts::kOpen},
    // Null on files.
    {"fd.cip", Facts::kOpen},
    {"fd.sip", Facts::kOpen},
    {"fd.lip", Facts::kOpen},
    {"fd.rip", Facts::kOpen},
    {"fd.ip", Facts::kOpen},
    {"fd.cport", Facts::kOpen},
    {"fd.sport", Facts::kOpen},
    {"fd.lport", Facts::kOpen},
    {"fd.rport", Facts::kOpen},
    {"fd.port", Facts::kOpen},
    {"evt.failed", Facts::kResult},
    {"evt.res", Facts::kResult},
    {"evt.rawres", Facts::kResult},
    {"evt.count.error", Facts::kResult},
    {"evt.count.error.file", Facts::kResult},
    {"evt.count.error.net", Facts::kResult},
    {"fd.num", Facts::kResult},
};

// Fields beside the process-only ones of the field table whose value follows from what a
// fingerprint covers (bpf/lib/prefilter.h). Names of users are not among them: they change with
// /etc/passwd. Ancestors are not either: they change without the process.
constexpr std::string_view kIdentityFields[] = {"container.id",  "container.full_id", "group.gid",
                                                "thread.cgroup", "thread.cgroups",    "user.uid"};

// A process-only field that changes all the same: when the wall clock is set.
constexpr std::string_view kClockField = "proc.pid.ts";

const KnownField* FindKnown(const Check& check) {
  if (check.left.kind != Operand::Kind::kField || check.right != nullptr) return nullptr;
  const auto* found =
      std::find_if(std::begin(kKnownFields), std::end(kKnownFields),
                   [&](const KnownField& f) { return f.name == check.left.field->name; });
  return found == std::end(kKnownFields) ? nullptr : found;
}

Verdict Merge(Verdict a, Verdict b) { return a == b ? a : Verdict::kOpen; }

constexpr std::string_view kOpenCalls[VAKT_OPEN_CALLS] = {"openat", "open", "openat2", "creat",
                                                          "open_by_handle_at"};

constexpr uint32_t kAnyFailed = VAKT_OUTCOME_FAILED << 4;
constexpr uint32_t kAnyOpened = VAKT_OUTCOME_FILE << 4;

bool MayCreate(uint32_t facet) { return (facet & 2) != 0; }

Event OpenWith(uint32_t facet) {
  constexpr uint32_t kModes[] = {0, S_IFREG | 0644, S_IFDIR | 0755, S_IFIFO | 0644};
  Event event;
  event.kind = Kind::file_open;
  event.type = FindEventType(kOpenCalls[facet >> 6])->id;
  event.num = 1;
  event.file_open.flags = (facet >> 2 & O_ACCMODE) | (MayCreate(facet) ? O_CREAT : 0);
  event.file_open.create_mode = (facet & 1) != 0 ? 0111 : 0;
  event.file_open.file.mode = kModes[facet >> 4 & 3];
  event.result = IsFailedFacet(facet) ? -ENOENT : 3;
  event.file_open.fd = IsFailedFacet(facet) ? -1 : 3;
  return event;
}

// Results between which the check might tell: all errors, and descriptors around its constants.
std::vector<int64_t> Results(const Check& check, bool failed) {
  constexpr int64_t kLastError = 4095;  // MAX_ERRNO
  constexpr int64_t kLastNamed = 534;   // behind every error with a name, kernel-internal ones too
  std::vector<int64_t> results;
  const auto add = [&](int64_t result) {
    if (failed ? result < 0 && result >= -kLastError
               : result >= 0 && result <= std::numeric_limits<int32_t>::max()) {
      results.push_back(result);
    }
  };
  if (failed) {
    for (int64_t error = 1; error <= kLastNamed; ++error) add(-error);
    add(-kLastError);
  } else {
    for (const int64_t fd : {0, 1, std::numeric_limits<int32_t>::max()}) add(fd);
  }
  for (const Literal& literal : check.literals) {
    const int64_t number = literal.tag == Value::Tag::kUint
                               ? static_cast<int64_t>(std::min<uint64_t>(
                                     literal.uint_value, std::numeric_limits<uint32_t>::max()))
                               : literal.int_value;
    for (int64_t near = number - 1; near <= number + 1; ++near) add(near);
  }
  return results;
}

class Decider {
 public:
  explicit Decider(const Check& check) : check_(check) {}

  Verdict On(const Event& event) {
    extractor_.Reset();
    ExtractOperand(check_.left, event, extractor_);
    return EvaluateCheck(check_, extractor_.values(), {}) ? Verdict::kHolds : Verdict::kFails;
  }

  // An open that may create its file has done so or not.
  Verdict OnFacet(uint32_t facet) {
    Event event = OpenWith(facet);
    const Verdict verdict = On(event);
    if (!MayCreate(facet)) return verdict;
    event.file_open.created = true;
    return Merge(verdict, On(event));
  }

  Verdict OnNumbers(Event event) {
    event.num = 1;
    Verdict verdict = On(event);
    std::vector<uint64_t> numbers = {2, std::numeric_limits<uint64_t>::max()};
    for (const Literal& literal : check_.literals) {
      const uint64_t number = literal.tag == Value::Tag::kUint ? literal.uint_value : 0;
      numbers.insert(numbers.end(), {number - 1, number, number + 1});
    }
    for (const uint64_t number : numbers) {
      if (number == 0) continue;
      event.num = number;
      verdict = Merge(verdict, On(event));
    }
    return verdict;
  }

  Verdict OnResults(Event event) {
    const std::vector<int64_t> results = Results(check_, event.result < 0);
    Verdict verdict = On(event);
    for (const int64_t result : results) {
      event.result = result;
      event.file_open.fd = result < 0 ? -1 : static_cast<int32_t>(result);
      verdict = Merge(verdict, On(event));
      if (verdict == Verdict::kOpen) return verdict;
    }
    return verdict;
  }

 private:
  const Check& check_;
  Extractor extractor_;
};

bool CoveredByFingerprint(const Operand& operand) {
  switch (operand.kind) {
    case Operand::Kind::kText:
      return true;
    case Operand::Kind::kList:
    case Operand::Kind::kCall:
      return std::all_of(operand.parts.begin(), operand.parts.end(), CoveredByFingerprint);
    case Operand::Kind::kField:
      break;
  }
  if ((operand.field->flags & kFieldNotImplemented) != 0) return false;
  if (operand.field->name == kClockField) return false;
  if ((operand.field->flags & kFieldProcessOnly) != 0) return true;
  return std::find(std::begin(kIdentityFields), std::end(kIdentityFields), operand.field->name) !=
         std::end(kIdentityFields);
}

}  // namespace

bool IsFailedFacet(uint32_t facet) { return (facet >> 4 & 3) == VAKT_OUTCOME_FAILED; }

const std::vector<uint32_t>& OpenFacets() {
  static const auto* const facets = [] {
    auto* all = new std::vector<uint32_t>();
    for (uint32_t facet = 0; facet < VAKT_OPEN_CALLS << 6; ++facet) all->push_back(facet);
    return all;
  }();
  return *facets;
}

const KnownFacts::Known& KnownFacts::Find(const Check& check) {
  const auto [entry, is_new] = by_text_.try_emplace(check.ToText());
  if (is_new) Decide(check, &entry->second);
  return entry->second;
}

void KnownFacts::Decide(const Check& check, Known* known) const {
  const KnownField* field = FindKnown(check);
  if (field == nullptr) return;
  Decider decider(check);
  if (field->facts == Facts::kNumber) {
    known->always = known->if_opened = decider.OnNumbers(Event());
    return;
  }
  if (kind_ != Kind::file_open) {
    if (field->facts != Facts::kType) return;
    bool first = true;
    for (const EventTypeRow& row : AllEventTypes()) {
      if (row.kind != kind_) continue;
      Event event;
      event.kind = kind_;
      event.type = row.id;
      const Verdict verdict = decider.On(event);
      known->always = std::exchange(first, false) ? verdict : Merge(known->always, verdict);
    }
    return;
  }
  known->per_facet = true;
  // Results look alike whatever was opened and how.
  const bool by_result = field->facts == Facts::kResult;
  const Verdict failed = by_result ? decider.OnResults(OpenWith(kAnyFailed)) : Verdict::kOpen;
  const Verdict opened = by_result ? decider.OnResults(OpenWith(kAnyOpened)) : Verdict::kOpen;
  bool first = true, first_opened = true;
  for (const uint32_t facet : OpenFacets()) {
    const Verdict verdict =
        by_result ? (IsFailedFacet(facet) ? failed : opened) : decider.OnFacet(facet);
    known->facets[facet] = verdict;
    known->always = std::exchange(first, false) ? verdict : Merge(known->always, verdict);
    if (IsFailedFacet(facet)) continue;
    known->if_opened =
        std::exchange(first_opened, false) ? verdict : Merge(known->if_opened, verdict);
  }
}

Verdict KnownFacts::Always(const Check& check) { return Find(check).always; }

Verdict KnownFacts::InFacet(const Check& check, uint32_t facet) {
  const Known& known = Find(check);
  return known.per_facet ? known.facets[facet] : known.always;
}

Verdict KnownFacts::IfOpened(const Check& check) { return Find(check).if_opened; }

Verdict KnownFacts::IfWellNamed(const Check& check) {
  const bool asks = check.left.kind == Operand::Kind::kField && check.right == nullptr &&
                    check.left.field->name == "fd.arg_mismatch";
  return asks ? Decider(check).On(OpenWith(kAnyOpened)) : IfOpened(check);
}

bool IsOfProcess(const Check& check) {
  return CoveredByFingerprint(check.left) &&
         (check.right == nullptr || CoveredByFingerprint(*check.right));
}

bool MayBeFiltered(Kind kind) {
  const KindRow* row = FindKind(static_cast<uint16_t>(kind));
  return row != nullptr && row->lane == Lane::BULK;
}

}  // namespace vakt
