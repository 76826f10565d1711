// SPDX-License-Identifier: Apache-2.0
// Lists with a million items from a file: time to load them, memory, and time of a look-up.
#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <vector>

#include "common/base/strings.h"
#include "common/rulelang/item_set.h"

namespace vakt {
namespace {

constexpr int kItems = 1'000'000;

std::string Names() {
  std::string text;
  for (int i = 0; i < kItems; ++i) text += StrCat("host", i, ".bad-", i % 1000, ".example.com\n");
  return text;
}

std::string Blocks() {
  std::string text;
  std::mt19937 random(1);
  for (int i = 0; i < kItems; ++i) {
    const uint32_t a = random();
    text += StrCat(a >> 24, ".", a >> 16 & 255, ".", a >> 8 & 255, ".", a & 255, "\n");
  }
  return text;
}

void Load(benchmark::State& state, const std::string& text) {
  size_t bytes = 0;
  for (auto _ : state) {
    const ItemSet::File file = ItemSet::Parse(text);
    bytes = file.set->bytes();
  }
  state.counters["bytes_per_item"] = static_cast<double>(bytes) / kItems;
}

void BM_LoadNames(benchmark::State& state) { Load(state, Names()); }
void BM_LoadAddresses(benchmark::State& state) { Load(state, Blocks()); }
BENCHMARK(BM_LoadNames)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_LoadAddresses)->Unit(benchmark::kMillisecond);

// A name of four labels that is not there: three look-ups.
void BM_FindName(benchmark::State& state) {
  const ItemSet::File file = ItemSet::Parse(Names());
  std::vector<std::string> names;
  for (int i = 0; i < 4096; ++i) names.push_back(StrCat("www", i, ".service.example", i, ".org"));
  size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(file.set->Contains(Value::String(names[i++ % names.size()])));
  }
}
BENCHMARK(BM_FindName);

void BM_FindAddress(benchmark::State& state) {
  const ItemSet::File file = ItemSet::Parse(Blocks());
  std::mt19937 random(2);
  std::vector<IpAddress> addresses(4096);
  for (IpAddress& ip : addresses) {
    for (size_t b = 0; b < 4; ++b) ip.bytes[b] = static_cast<uint8_t>(random());
  }
  size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(file.set->Contains(Value::Ip(addresses[i++ % addresses.size()])));
  }
}
BENCHMARK(BM_FindAddress);

}  // namespace
}  // namespace vakt
