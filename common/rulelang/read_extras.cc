// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/read_extras.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/time/time.h"
#include "common/base/strings.h"
#include "common/base/text.h"

namespace vakt {
namespace {

constexpr absl::Duration kLeastPeriod = absl::Seconds(1);
constexpr absl::Duration kMostPeriod = absl::Hours(24);
constexpr std::string_view kStrengths[] = {"detects", "evidences", "supports"};

// Typed access to the keys of a mapping inside an item.
class MapReader {
 public:
  MapReader(const ItemReader& item, const YamlNode& node, std::string_view name)
      : item_(item), node_(node), name_(name) {}

  bool Check(absl::Span<const std::string_view> known) const {
    if (!node_.is_mapping()) {
      return item_.Error(node_, StrCat("`", name_, "` is a mapping of ", Joined(known)));
    }
    for (const YamlEntry& entry : node_.entries) {
      if (std::find(known.begin(), known.end(), entry.key.text) != known.end()) continue;
      return item_.Error(entry.key, StrCat("`", EscapeUtf8(entry.key.text), "` is no key of `",
                                           name_, "`; it has ", Joined(known)));
    }
    return true;
  }

  bool Text(std::string_view key, bool required, std::string* out) const {
    const YamlNode* value = node_.Find(key);
    if (value == nullptr && !required) return true;
    if (value != nullptr && value->is_scalar() && !value->text.empty()) {
      *out = value->text;
      return true;
    }
    return item_.Error(value == nullptr ? node_ : *value,
                       StrCat("`", name_, "` needs `", key, "`, a text"));
  }

  bool Texts(std::string_view key, size_t most, std::vector<std::string>* out) const {
    const YamlNode* value = node_.Find(key);
    if (value == nullptr) return true;
    if (value->is_scalar()) {
      out->push_back(value->text);
      return true;
    }
    for (const YamlNode& element : value->items) {
      if (!element.is_scalar()) return item_.Error(element, StrCat("`", key, "` holds texts"));
      out->push_back(element.text);
    }
    if (value->is_sequence() && !out->empty() && out->size() <= most) return true;
    return item_.Error(*value, StrCat("`", key, "` is a sequence of 1 to ", most, " texts"));
  }

  bool Count(std::string_view key, uint32_t most, uint32_t* out) const {
    const YamlNode* value = node_.Find(key);
    if (value == nullptr) return true;
    if (value->is_scalar() && absl::SimpleAtoi(value->text, out) && *out >= 1 && *out <= most) {
      return true;
    }
    return item_.Error(*value, StrCat("`", key, "` is a number from 1 to ", most));
  }

  bool Period(std::string_view key, uint64_t* out_ns) const {
    const YamlNode* value = node_.Find(key);
    absl::Duration period;
    if (value != nullptr && value->is_scalar() && absl::ParseDuration(value->text, &period) &&
        period >= kLeastPeriod && period <= kMostPeriod) {
      *out_ns = static_cast<uint64_t>(absl::ToInt64Nanoseconds(period));
      return true;
    }
    return item_.Error(
        value == nullptr ? node_ : *value,
        StrCat("`", name_, "` needs `", key, "`, a time from 1s to 24h, such as 90s or 1h30m"));
  }

 private:
  static std::string Joined(absl::Span<const std::string_view> words) {
    std::string text;
    for (const std::string_view word : words) text += StrCat(text.empty() ? "`" : ", `", word, "`");
    return text;
  }

  const ItemReader& item_;
  const YamlNode& node_;
  std::string_view name_;
};

bool IsDigits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool ReadAttack(const ItemReader& item, const YamlNode& node, RuleExtras* extras) {
  Attack attack;
  const MapReader map(item, node, "attack");
  if (node.is_mapping()) {
    if (!map.Check({"version", "techniques"}) || !map.Text("version", false, &attack.version) ||
        !map.Texts("techniques", 64, &attack.techniques)) {
      return false;
    }
  } else if (!item.Texts("attack", &attack.techniques)) {
    return false;
  }
  for (const std::string& id : attack.techniques) {
    if (IsAttackTechnique(id)) continue;
    return item.Error(node, StrCat("'", EscapeUtf8(id),
                                   "' is no technique of ATT&CK; one is written T1110 or "
                                   "T1110.001"));
  }
  extras->attack = std::move(attack);
  return true;
}

bool ReadControls(const ItemReader& item, const YamlNode& node, RuleExtras* extras) {
  if (!node.is_sequence()) {
    return item.Error(node, "`controls` is a sequence of {framework, version, id, strength}");
  }
  extras->controls.clear();
  for (const YamlNode& element : node.items) {
    Control control;
    const MapReader map(item, element, "controls");
    if (!map.Check({"framework", "version", "id", "strength", "rationale"}) ||
        !map.Text("framework", true, &control.framework) ||
        !map.Text("version", false, &control.version) || !map.Text("id", true, &control.id) ||
        !map.Text("strength", true, &control.strength) ||
        !map.Text("rationale", false, &control.rationale)) {
      return false;
    }
    if (std::find(std::begin(kStrengths), std::end(kStrengths), control.strength) ==
        std::end(kStrengths)) {
      return item.Error(*element.Find("strength"),
                        "the strength of a control is detects, evidences or supports");
    }
    extras->controls.push_back(std::move(control));
  }
  return true;
}

bool ReadRunbook(const ItemReader& item, const YamlNode&, RuleExtras* extras) {
  return item.Text("runbook", &extras->runbook);
}

bool ReadThrottle(const ItemReader& item, const YamlNode& node, RuleExtras* extras) {
  ThrottleDefinition throttle;
  throttle.position = item.PositionOf(node);
  const MapReader map(item, node, "throttle");
  if (!map.Check({"alerts", "per", "by"}) ||
      !map.Count("alerts", kMaxThrottleAlerts, &throttle.alerts) ||
      !map.Period("per", &throttle.per_ns) || !map.Texts("by", kMaxKeyFields, &throttle.by)) {
    return false;
  }
  extras->throttle = std::move(throttle);
  return true;
}

bool ReadCorrelate(const ItemReader& item, const YamlNode& node, RuleExtras* extras) {
  CorrelateDefinition correlate;
  correlate.position = item.PositionOf(node);
  const MapReader map(item, node, "correlate");
  if (!map.Check({"count", "within", "by", "then"}) ||
      !map.Count("count", kMaxCorrelateCount, &correlate.count) ||
      !map.Period("within", &correlate.within_ns) ||
      !map.Texts("by", kMaxKeyFields, &correlate.by)) {
    return false;
  }
  if (const YamlNode* then = node.Find("then")) {
    std::vector<std::string> conditions;
    if (!map.Texts("then", kMaxCorrelateSteps, &conditions)) return false;
    for (size_t i = 0; i < conditions.size(); ++i) {
      const YamlNode& at = then->is_scalar() ? *then : then->items[i];
      correlate.then.push_back(item.TextAt(at));
    }
  }
  if (correlate.count == 1 && correlate.then.empty()) {
    return item.Error(node, "`correlate` needs a `count` above 1, or `then`");
  }
  extras->correlate = std::move(correlate);
  return true;
}

struct ExtraKey {
  std::string_view key;
  bool (*read)(const ItemReader& item, const YamlNode& node, RuleExtras* extras);
};
constexpr ExtraKey kReaders[] = {{"attack", ReadAttack},
                                 {"controls", ReadControls},
                                 {"runbook", ReadRunbook},
                                 {"throttle", ReadThrottle},
                                 {"correlate", ReadCorrelate}};

}  // namespace

bool IsAttackTechnique(std::string_view id) {
  if (id.size() == 9 && id[5] == '.') {
    return IsAttackTechnique(id.substr(0, 5)) && IsDigits(id.substr(6));
  }
  return id.size() == 5 && id[0] == 'T' && IsDigits(id.substr(1));
}

absl::Span<const std::string_view> ExtraKeys() {
  static const auto* const keys = [] {
    auto* all = new std::vector<std::string_view>;
    for (const ExtraKey& row : kReaders) all->push_back(row.key);
    return all;
  }();
  return *keys;
}

bool ReadExtras(const ItemReader& item, RuleExtras* extras) {
  for (const ExtraKey& row : kReaders) {
    const YamlNode* node = item.Find(row.key);
    if (node == nullptr || node->is_null()) continue;
    if (!row.read(item, *node, extras)) return false;
  }
  return true;
}

}  // namespace vakt
