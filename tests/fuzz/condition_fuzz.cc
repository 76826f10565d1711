// SPDX-License-Identifier: Apache-2.0
// Rule files are untrusted: whatever the bytes, loading ends with a result, and what loads can be
// compiled, matched and printed. The first byte chooses what the rest is: a rule file, a condition,
// or an output.
//
//   condition_fuzz -max_len=8192 corpus/
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/match/matcher.h"
#include "common/base/strings.h"
#include "common/rulelang/eval.h"
#include "common/rulelang/load.h"
#include "tests/support/sample_events.h"

namespace vakt {
namespace {

// As one line of a YAML block, so that most bytes reach the rule language and not the YAML parser.
std::string Block(std::string_view bytes) {
  std::string line(bytes);
  for (char& c : line) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return StrCat(">\n    ", line, "\n");
}

std::string RuleFileText(uint8_t choice, std::string_view bytes) {
  constexpr std::string_view kHead =
      "- list: l\n  items: [a, b]\n- macro: m\n  condition: proc.name in (l)\n"
      "- rule: r\n  desc: d\n  priority: INFO\n";
  switch (choice % 3) {
    case 0:
      return std::string(bytes);
    case 1:
      return StrCat(kHead, "  output: o\n  condition: ", Block(bytes));
    default:
      return StrCat(kHead, "  condition: m\n  output: ", Block(bytes));
  }
}

void Match(const std::shared_ptr<const RuleSet>& rules) {
  static SampleEvents& events = *new SampleEvents(1);
  auto matcher = Matcher::Compile(rules, MatchMode::kAll);
  if (!matcher.ok()) return;
  Extractor scratch;
  std::vector<const Rule*> matched;
  for (int i = 0; i < 4; ++i) {
    const Event event = events.Next();
    (*matcher)->Match(event, &matched);
    std::vector<const Rule*> expected;
    for (const Rule& rule : rules->rules) {
      if (Evaluate(*rule.condition, event, scratch)) expected.push_back(&rule);
      rule.output.Render(event, scratch);
    }
    if (matched != expected) __builtin_trap();
  }
}

}  // namespace
}  // namespace vakt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const vakt::LoadResult result =
      vakt::LoadRules({{{"fuzz.yaml", vakt::RuleFileText(data[0], bytes)}}});
  if (result.ok != (result.rules != nullptr)) __builtin_trap();
  if (result.ok) vakt::Match(result.rules);
  return 0;
}
