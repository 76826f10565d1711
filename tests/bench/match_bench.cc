// SPDX-License-Identifier: Apache-2.0
// Cost of matching one event, by number of rules: made-up rules and events (rule_mix.h), and
// Falco's own rules where VAKT_FALCO_RULES_DIR has them. Also the time to load rule files.
#include <benchmark/benchmark.h>

#include <malloc.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "agent/match/matcher.h"
#include "common/base/strings.h"
#include "common/rulelang/eval.h"
#include "common/rulelang/load.h"
#include "tests/support/rule_mix.h"

namespace vakt {
namespace {

const LoadOptions kOptions{.max_file_bytes = size_t{16} << 20};  // 10,000 rules are 2.5 MB

std::vector<RuleFile> MadeUpRules(int count) { return {{"made_up.yaml", RuleMix(count)}}; }

std::vector<RuleFile> FalcoRules() {
  const char* folder = std::getenv("VAKT_FALCO_RULES_DIR");
  if (folder == nullptr) return {};
  auto files = ReadRuleFiles(
      {StrCat(folder, "/falco_rules.yaml"), StrCat(folder, "/falco-incubating_rules.yaml")});
  return files.ok() ? *std::move(files) : std::vector<RuleFile>();
}

void MatchEvents(benchmark::State& state, const std::vector<RuleFile>& files, MatchMode mode,
                 RuleMixEvents&& events) {
  const LoadResult loaded = LoadRules(files, kOptions);
  if (!loaded.ok) return state.SkipWithError("the rules do not load");
  auto matcher = Matcher::Compile(loaded.rules, mode);
  if (!matcher.ok()) return state.SkipWithError("the rules do not compile");
  std::vector<const Rule*> matched;
  int64_t fired = 0;
  for (auto _ : state) {
    (*matcher)->Match(events.Next(), &matched);
    fired += static_cast<int64_t>(matched.size());
  }
  const auto rounds = static_cast<double>(state.iterations());
  state.counters["evaluations"] = static_cast<double>((*matcher)->evaluations()) / rounds;
  state.counters["fired"] = static_cast<double>(fired) / rounds;
}

void BM_Match(benchmark::State& state) {
  MatchEvents(state, MadeUpRules(static_cast<int>(state.range(0))), MatchMode::kAll,
              RuleMixEvents());
}
BENCHMARK(BM_Match)->Arg(10)->Arg(100)->Arg(1000)->Arg(10000);

void BM_MatchOpens(benchmark::State& state) {
  MatchEvents(state, MadeUpRules(static_cast<int>(state.range(0))), MatchMode::kAll,
              RuleMixEvents(Kind::file_open));
}
BENCHMARK(BM_MatchOpens)->Arg(10)->Arg(1000)->Arg(10000);

void BM_MatchExecs(benchmark::State& state) {
  MatchEvents(state, MadeUpRules(static_cast<int>(state.range(0))), MatchMode::kAll,
              RuleMixEvents(Kind::process_exec));
}
BENCHMARK(BM_MatchExecs)->Arg(10)->Arg(1000)->Arg(10000);

// For comparison: each rule that can fire on the type is evaluated.
void BM_Walk(benchmark::State& state) {
  RuleMixEvents events;
  const LoadResult loaded = LoadRules(MadeUpRules(static_cast<int>(state.range(0))), kOptions);
  Extractor scratch;
  int64_t fired = 0;
  for (auto _ : state) {
    const Event& event = events.Next();
    for (const Rule& rule : loaded.rules->rules) {
      if (rule.event_types.Contains(event.type)) fired += Evaluate(*rule.condition, event, scratch);
    }
  }
  state.counters["fired"] = static_cast<double>(fired) / static_cast<double>(state.iterations());
}
BENCHMARK(BM_Walk)->Arg(10)->Arg(1000)->Arg(10000);

void BM_MatchFalcoRules(benchmark::State& state) {
  const std::vector<RuleFile> files = FalcoRules();
  if (files.empty()) return state.SkipWithError("set VAKT_FALCO_RULES_DIR");
  MatchEvents(state, files, MatchMode::kFirst, RuleMixEvents());
}
BENCHMARK(BM_MatchFalcoRules);

// MiB on the heap.
double HeapMebibytes() {
  const struct mallinfo2 heap = mallinfo2();
  return static_cast<double>(heap.uordblks + heap.hblkhd) / (1 << 20);
}

void LoadFiles(benchmark::State& state, const std::vector<RuleFile>& files) {
  const double before = HeapMebibytes();
  double compiled_mib = 0;
  for (auto _ : state) {
    std::shared_ptr<const RuleSet> rules;
    {
      LoadResult loaded = LoadRules(files, kOptions);
      if (!loaded.ok) return state.SkipWithError("the rules do not load");
      rules = std::move(loaded.rules);
    }
    const auto matcher = Matcher::Compile(rules);
    compiled_mib = HeapMebibytes() - before;
    benchmark::DoNotOptimize(matcher);
  }
  state.counters["MiB"] = compiled_mib;
}

void BM_Load(benchmark::State& state) {
  LoadFiles(state, MadeUpRules(static_cast<int>(state.range(0))));
}
BENCHMARK(BM_Load)->Arg(10)->Arg(1000)->Arg(10000)->Unit(benchmark::kMillisecond);

void BM_LoadFalcoRules(benchmark::State& state) {
  const std::vector<RuleFile> files = FalcoRules();
  if (files.empty()) return state.SkipWithError("set VAKT_FALCO_RULES_DIR");
  LoadFiles(state, {files[static_cast<size_t>(state.range(0))]});
}
BENCHMARK(BM_LoadFalcoRules)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace vakt
