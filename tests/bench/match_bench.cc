// SPDX-License-Identifier: Apache-2.0
// Cost of matching one event, by number of rules: made-up rules in the manner of real ones (types,
// then names, paths and arguments), and Falco's own where VAKT_FALCO_RULES_DIR has them. Also the
// time to load rule files.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "agent/match/matcher.h"
#include "common/base/strings.h"
#include "common/rulelang/load.h"
#include "tests/support/sample_events.h"

namespace vakt {
namespace {

constexpr size_t kEvents = 4096;
constexpr LoadOptions kOptions{.max_file_bytes = size_t{16} << 20};  // 10,000 rules are 2.5 MB

constexpr std::string_view kMacros = R"(
- list: shells
  items: [ash, bash, csh, ksh, sh, tcsh, zsh, dash]
- macro: open_write
  condition: >
    (evt.type in (open,openat,openat2) and evt.is_open_write=true and fd.typechar='f' and fd.num>=0)
- macro: open_read
  condition: >
    (evt.type in (open,openat,openat2) and evt.is_open_read=true and fd.typechar='f' and fd.num>=0)
- macro: spawned_process
  condition: (evt.type in (execve, execveat))
- macro: container
  condition: (container.id != host)
)";

// Five manners of rules in turn, of which the first is found by a prefix alone.
std::string Condition(int i) {
  switch (i % 5) {
    case 0:
      return StrCat("open_write and fd.name startswith /srv/app", i,
                    "/ and not proc.name in (dpkg, rpm, tool", i, ")");
    case 1:
      return StrCat("spawned_process and container and proc.name in (miner", i, ", scan", i,
                    ") and proc.args contains \"--pool", i, "\"");
    case 2:
      return StrCat("open_read and fd.name in (/etc/secret", i, ", /etc/token", i,
                    ") and not proc.pname in (shells)");
    case 3:
      return StrCat("evt.type in (connect) and fd.sport = ", 1000 + i, " and fd.snet in (\"10.",
                    i % 256, ".0.0/16\") and proc.name != tool", i);
    default:
      return StrCat("spawned_process and proc.pname in (shells) and proc.cmdline contains \"/x", i,
                    "\" and (user.uid = 0 or proc.aname = login", i, ")");
  }
}

std::vector<RuleFile> MadeUpRules(int count) {
  std::string text(kMacros);
  for (int i = 0; i < count; ++i) {
    text += StrCat("- rule: r", i, "\n  desc: d\n  priority: NOTICE\n  output: o %proc.name\n",
                   "  condition: ", Condition(i), "\n");
  }
  return {{"made_up.yaml", text}};
}

std::vector<RuleFile> FalcoRules() {
  const char* folder = std::getenv("VAKT_FALCO_RULES_DIR");
  if (folder == nullptr) return {};
  auto files = ReadRuleFiles(
      {StrCat(folder, "/falco_rules.yaml"), StrCat(folder, "/falco-incubating_rules.yaml")});
  return files.ok() ? *std::move(files) : std::vector<RuleFile>();
}

void MatchEvents(benchmark::State& state, const std::vector<RuleFile>& files, MatchMode mode) {
  const LoadResult loaded = LoadRules(files, kOptions);
  if (!loaded.ok) return state.SkipWithError("the rules do not load");
  auto matcher = Matcher::Compile(loaded.rules, mode);
  if (!matcher.ok()) return state.SkipWithError("the rules do not compile");
  SampleEvents source(/*seed=*/1);
  std::vector<Event> events;
  for (size_t i = 0; i < kEvents; ++i) events.push_back(source.Next());
  std::vector<const Rule*> matched;
  size_t i = 0;
  int64_t fired = 0;
  for (auto _ : state) {
    (*matcher)->Match(events[i], &matched);
    fired += static_cast<int64_t>(matched.size());
    i = (i + 1) % kEvents;
  }
  const auto rounds = static_cast<double>(state.iterations());
  state.counters["evaluations"] = static_cast<double>((*matcher)->evaluations()) / rounds;
  state.counters["fired"] = static_cast<double>(fired) / rounds;
}

void BM_Match(benchmark::State& state) {
  MatchEvents(state, MadeUpRules(static_cast<int>(state.range(0))), MatchMode::kAll);
}
BENCHMARK(BM_Match)->Arg(10)->Arg(100)->Arg(1000)->Arg(10000);

void BM_MatchFalcoRules(benchmark::State& state) {
  const std::vector<RuleFile> files = FalcoRules();
  if (files.empty()) return state.SkipWithError("set VAKT_FALCO_RULES_DIR");
  MatchEvents(state, files, MatchMode::kFirst);
}
BENCHMARK(BM_MatchFalcoRules);

void LoadFiles(benchmark::State& state, const std::vector<RuleFile>& files) {
  for (auto _ : state) {
    LoadResult loaded = LoadRules(files, kOptions);
    if (!loaded.ok) return state.SkipWithError("the rules do not load");
    benchmark::DoNotOptimize(Matcher::Compile(loaded.rules));
  }
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
