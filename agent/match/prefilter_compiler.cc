// SPDX-License-Identifier: Apache-2.0
#include "agent/match/prefilter_compiler.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

#include "agent/match/path_automaton.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr size_t kClasses = 64;

// Checks that one evaluation of a process may cost: at about 60 ns each, a fraction of an exec.
constexpr size_t kMaxProcessChecks = 512;

constexpr size_t kMaxPatternsShown = 8;

std::string PatternsText(const std::vector<PathPattern>& patterns) {
  std::string text;
  for (size_t i = 0; i < patterns.size() && i < kMaxPatternsShown; ++i) {
    text += StrCat(i > 0 ? " " : "", patterns[i].ToText());
  }
  if (patterns.size() > kMaxPatternsShown) {
    text += StrCat(" and ", patterns.size() - kMaxPatternsShown, " more");
  }
  return text;
}

}  // namespace

PrefilterCompiler::Facets PrefilterCompiler::FacetsOf(const Rule& rule, KnownFacts* facts) {
  Facets facets;
  for (const uint32_t facet : OpenFacets()) {
    const Verdict verdict =
        Bound(*rule.condition, [&](const Check& check) { return facts->InFacet(check, facet); });
    facets[facet] = verdict != Verdict::kFails;
  }
  return facets;
}

PrefilterCompiler::Side PrefilterCompiler::SideOf(const Rule& rule, Kind kind, KnownFacts* facts) {
  const VerdictOf always = [facts](const Check& check) { return facts->Always(check); };
  Side side;
  side.rule = &rule;
  if (kind == Kind::file_open) {
    side.facets = FacetsOf(rule, facts);
    side.path =
        PathNeedOf(*rule.condition, [facts](const Check& check) { return facts->IfOpened(check); });
    side.misnamed = Bound(*rule.condition, [facts](const Check& check) {
                      return facts->IfWellNamed(check);
                    }) == Verdict::kFails;
  }
  if (HasEnds(kind)) {
    side.ends = EndFacts(kind, cuts_).PiecesOf(*rule.condition, always);
    side.ends_key = side.ends.Key();
  }
  if (checks_->checks().size() < kMaxProcessChecks) {
    side.process = Reduce(*rule.condition, always, IsOfProcess, checks_);
  }
  side.process_key = side.process.Key();
  return side;
}

// Rules that differ in their path alone lose nothing by being one class.
size_t PrefilterCompiler::Classify(std::vector<Side>* sides) {
  const auto key = [](const Side& s) {
    return std::make_tuple(s.path.anything, s.misnamed, s.facets.to_string(), s.ends_key,
                           s.process_key);
  };
  std::vector<std::pair<decltype(key(sides->front())), Side*>> order;
  for (Side& side : *sides) order.emplace_back(key(side), &side);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  size_t groups = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    if (i > 0 && order[i].first != order[i - 1].first) ++groups;
    order[i].second->class_index = groups;
  }
  if (!order.empty()) ++groups;
  if (groups <= kClasses) return groups;
  for (Side& side : *sides) side.class_index = side.class_index * kClasses / groups;
  return kClasses;
}

void PrefilterCompiler::FillOpen(const std::vector<Side>& sides, vakt_prefilter* tables) {
  std::vector<ClassedPattern> patterns;
  tables->open_misnamed = tables->classes[static_cast<size_t>(Kind::file_open)];
  for (const Side& side : sides) {
    if (!side.misnamed) tables->open_misnamed &= ~(uint64_t{1} << side.class_index);
  }
  for (const Side& side : sides) {
    const uint64_t bit = uint64_t{1} << side.class_index;
    for (const uint32_t facet : OpenFacets()) {
      if (side.facets[facet]) tables->open_facets[facet] |= bit;
    }
    if (side.path.anything) tables->open_any_path |= bit;
    for (const PathPattern& pattern : side.path.patterns) {
      if (pattern.raw) tables->open_raw_path |= bit;
      patterns.push_back({pattern, bit});
    }
  }
  if (!BuildPathAutomaton(patterns, &tables->open_path)) {
    tables->open_any_path = tables->classes[static_cast<size_t>(Kind::file_open)];
  }
}

void PrefilterCompiler::FillEnds(Kind kind, const std::vector<Side>& sides,
                                 vakt_prefilter* tables) {
  vakt_end_masks& masks =
      tables->ends[static_cast<size_t>(kind) - static_cast<size_t>(Kind::network_connect)];
  for (const Side& side : sides) {
    const uint64_t bit = uint64_t{1} << side.class_index;
    if (side.ends.no_internet) masks.no_internet |= bit;
    for (uint32_t end = 0; end < VAKT_ENDS; ++end) {
      for (uint32_t table = 0; table < VAKT_CUT_TABLES; ++table) {
        for (uint32_t i = 0; i < VAKT_CUTS; ++i) {
          if (side.ends.pieces[end][table][i]) masks.classes[end][table][i] |= bit;
        }
      }
    }
  }
}

void PrefilterCompiler::FillMasks(Kind kind, const std::vector<Side>& sides, size_t classes,
                                  vakt_prefilter* tables,
                                  std::vector<Prefilter::MaskedKind>* masked) {
  std::vector<std::vector<const Side*>> members(classes);
  for (const Side& side : sides) members[side.class_index].push_back(&side);
  Prefilter::MaskedKind result{.kind = kind, .classes = {}};
  bool useful = false;
  for (std::vector<const Side*>& same : members) {
    auto& conditions = result.classes.emplace_back();
    const bool any =
        std::any_of(same.begin(), same.end(), [](const Side* s) { return s->process_key.empty(); });
    if (any) continue;
    useful = true;
    std::sort(same.begin(), same.end(),
              [](const Side* a, const Side* b) { return a->process_key < b->process_key; });
    const std::string* previous = nullptr;
    for (const Side* side : same) {
      if (previous == nullptr || *previous != side->process_key)
        conditions.push_back(side->process);
      previous = &side->process_key;
    }
  }
  if (!useful || masked->size() == VAKT_MASKED_KINDS) return;
  tables->mask_of_kind[static_cast<size_t>(kind)] = static_cast<uint8_t>(masked->size());
  masked->push_back(std::move(result));
}

std::string PrefilterCompiler::ProcessText(const Reduced& reduced) const {
  switch (reduced.kind) {
    case Reduced::Kind::kTrue:
      return "";
    case Reduced::Kind::kFalse:
      return "never";
    case Reduced::Kind::kCheck:
      return StrCat(reduced.negated ? "not " : "", checks_->checks()[reduced.check]->ToText());
    case Reduced::Kind::kAnd:
    case Reduced::Kind::kOr:
      break;
  }
  std::string text;
  for (const Reduced& part : reduced.parts) {
    const bool brackets = part.kind == Reduced::Kind::kOr;
    text += StrCat(text.empty()                          ? ""
                   : reduced.kind == Reduced::Kind::kAnd ? " and "
                                                         : " or ",
                   brackets ? "(" : "", ProcessText(part), brackets ? ")" : "");
  }
  return text;
}

// "read, failed": access modes and outcomes, when the rule does not take all of them.
std::string PrefilterCompiler::OpenedText(const Facets& facets) {
  constexpr std::string_view kAccess[] = {"read", "write", "read-write"};
  constexpr std::string_view kOutcomes[] = {"failed", "file", "directory", "pipe"};
  const auto describe = [&](absl::Span<const std::string_view> names, uint32_t shift) {
    std::string text;
    size_t count = 0;
    for (uint32_t i = 0; i < names.size(); ++i) {
      const bool takes = std::any_of(OpenFacets().begin(), OpenFacets().end(), [&](uint32_t f) {
        return (f >> shift & 3) == i && facets[f];
      });
      if (!takes) continue;
      ++count;
      text += StrCat(text.empty() ? "" : "|", names[i]);
    }
    return count == names.size() ? std::string() : text;
  };
  const std::string access = describe(kAccess, 2);
  const std::string outcome = describe(kOutcomes, 4);
  return StrCat(access, !access.empty() && !outcome.empty() ? ", " : "", outcome);
}

std::optional<Prefilter::KindView> PrefilterCompiler::Compile(
    Kind kind, vakt_prefilter* tables, std::vector<Prefilter::MaskedKind>* masked) {
  const bool filtered = MayBeFiltered(kind);
  KnownFacts facts(kind);
  std::vector<Side> sides;
  for (const Rule& rule : rules_.rules) {
    if (rule.priority > priority_floor_ || (rule.kinds & KindBit(kind)) == 0) continue;
    Side side = SideOf(rule, kind, &facts);
    const bool never = side.process.kind == Reduced::Kind::kFalse ||
                       (kind == Kind::file_open && side.facets.none()) ||
                       (HasEnds(kind) && side.ends.empty());
    if (!never) sides.push_back(std::move(side));
  }
  if (sides.empty() && !filtered) return std::nullopt;
  Prefilter::KindView view{.kind = kind, .filtered = filtered, .classes = 0, .rules = {}};
  if (filtered) {
    const size_t classes = Classify(&sides);
    const auto id = static_cast<size_t>(kind);
    tables->kinds |= KindBit(kind);
    tables->classes[id] = classes == kClasses ? ~uint64_t{0} : (uint64_t{1} << classes) - 1;
    if (kind == Kind::file_open) FillOpen(sides, tables);
    if (HasEnds(kind)) FillEnds(kind, sides, tables);
    FillMasks(kind, sides, classes, tables, masked);
    view.classes = static_cast<int>(classes);
  }
  for (const Side& side : sides) {
    view.rules.push_back(
        {.rule = side.rule,
         .class_index = static_cast<int>(side.class_index),
         .opened = kind == Kind::file_open ? OpenedText(side.facets) : "",
         .misnamed = side.misnamed,
         .path = side.path.anything ? "" : PatternsText(side.path.patterns),
         .ends = HasEnds(kind) ? EndFacts(kind, cuts_).Text(side.ends) : "",
         .process = filtered ? ProcessText(side.process) : "",
         .obstacle = side.path.anything && kind == Kind::file_open ? side.path.obstacle : ""});
  }
  return view;
}

}  // namespace vakt
