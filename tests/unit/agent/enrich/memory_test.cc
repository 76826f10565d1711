// SPDX-License-Identifier: Apache-2.0
// What processes cost, and that an event of a known process costs no memory at all. A program of
// its own, because it replaces the allocator's entry points.
#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>

#include "agent/decode/decoder.h"
#include "agent/enrich/enricher.h"
#include "common/base/strings.h"
#include "gtest/gtest.h"
#include "tests/support/wire_builder.h"
#include "tests/unit/agent/enrich/process_events.h"

namespace {
size_t allocations = 0;
size_t live_bytes = 0;
}  // namespace

// Not inlined: the compiler would take malloc and delete for a mismatched pair.
[[gnu::noinline]] void* operator new(size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) std::abort();
  ++allocations;
  live_bytes += malloc_usable_size(memory) + sizeof(size_t);  // and the allocator's own word
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  if (memory != nullptr) live_bytes -= malloc_usable_size(memory) + sizeof(size_t);
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { operator delete(memory); }

namespace vakt {
namespace {

constexpr uint32_t kProcesses = 20'000;
constexpr size_t kBudgetBytes = 16 << 20;

// Bytes that the enricher holds for `kProcesses` processes that `init` forks; with `exec` each runs
// a program with a command line of its own.
size_t BytesOfIdleProcesses(bool exec) {
  AccountTable accounts((v1::NodeFacts()));
  const size_t before = live_bytes;
  auto enricher = std::make_unique<Enricher>(EnrichOptions{}, &accounts);
  Event seed = SeedOf(TaskOf(1, 0, "systemd"), "/usr/lib/systemd/systemd", kSecondNs);
  enricher->Apply(seed);
  for (uint32_t pid = 2; pid < kProcesses + 2; ++pid) {
    Event fork = ForkOf(TaskOf(1, 0, "systemd"), pid, StartOf(pid));
    enricher->Apply(fork);
    if (!exec) continue;
    std::string argv = StrCat("/opt/service/bin/worker --id ", pid,
                              " --config /etc/service/worker.yaml --listen 127.0.0.1:", pid);
    for (char& c : argv) c = c == ' ' ? '\0' : c;
    Event event = ExecOf(TaskOf(pid, 1, "worker"), "/opt/service/bin/worker", argv, StartOf(pid));
    enricher->Apply(event);
  }
  EXPECT_EQ(enricher->processes().size(), kProcesses + 1);
  return live_bytes - before;
}

TEST(MemoryTest, IdleProcessesStayWithinTheBudget) {
  const size_t forked = BytesOfIdleProcesses(/*exec=*/false);
  const size_t distinct = BytesOfIdleProcesses(/*exec=*/true);
  RecordProperty("bytes_per_forked_process", static_cast<int>(forked / kProcesses));
  RecordProperty("bytes_per_distinct_process", static_cast<int>(distinct / kProcesses));
  std::printf("bytes per process: %zu forked, %zu with command lines of their own\n",
              forked / kProcesses, distinct / kProcesses);
  EXPECT_LT(forked, distinct);
  EXPECT_LT(distinct, kBudgetBytes);
}

TEST(MemoryTest, EventsOfKnownProcessesAllocateNothing) {
  AccountTable accounts((v1::NodeFacts()));
  Enricher enricher(EnrichOptions{}, &accounts);
  Decoder decoder(0);
  WireBuilder<vakt_file_open> opened(Kind::file_open);
  opened->task.cookie = CookieOf(5);
  opened->task.pid = opened->task.tid = 5;
  SetComm("cat", &opened->task);
  opened->header.boot_ns = kSecondNs;
  WireBuilder<vakt_file_open> failed = opened;
  opened->syscall_nr = failed->syscall_nr = 257;
  opened.Put(&opened->file.path, "/usr/lib/x86_64-linux-gnu/libc.so.6");
  failed->result = -2;
  failed.Put(&failed->file.path, "/home/eve/some/rather/long/working/directory");
  failed.Put(&failed->name_raw, "../../x/../y");
  const auto opened_bytes = opened.Bytes();
  const auto failed_bytes = failed.Bytes();

  Event event;
  size_t before = 0;
  for (int i = 0; i < 1000; ++i) {
    if (i == 1) before = allocations;  // the first makes the process
    for (const auto& bytes : {opened_bytes, failed_bytes}) {
      ASSERT_TRUE(decoder.Decode(bytes, &event));
      enricher.Apply(event);
    }
  }
  EXPECT_EQ(allocations, before);
}

}  // namespace
}  // namespace vakt
