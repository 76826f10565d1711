// SPDX-License-Identifier: Apache-2.0
// What making a record costs: time of the programs that make them, as the kernel measures it, by
// one producer and by one on each of two CPUs at once. Acts come in bursts with pauses, so that the
// reader keeps up. The kernel's measure is in each figure: see the first row, whose processes are
// out of scope. Needs root. Prints a table.
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "agent/sensor/kernel_sensor.h"
#include "tests/support/kernel_fixture.h"

namespace vakt {
namespace {

constexpr absl::Duration kTime = absl::Seconds(4);
constexpr size_t kRingBytes = 64 << 20;
constexpr int kPauseMicros = 1000;
constexpr int kCpus = 2;

void Rename() { prctl(PR_SET_NAME, "renamed"); }

void StartProgram() {
  const pid_t child = vfork();
  if (child == 0) {
    execl("/bin/true", "true", nullptr);
    _exit(1);
  }
  waitpid(child, nullptr, 0);
}

struct Load {
  const char* name;
  const char* program;  // whose time counts
  Kind kind;
  void (*act)();
  int burst;
  bool in_scope;
};
const Load kLoads[] = {
    {"none: out of scope", "process_rename", Kind::process_rename, Rename, 500, false},
    {"rename", "process_rename", Kind::process_rename, Rename, 500, true},
    {"exit", "process_exit", Kind::process_exit, StartProgram, 10, true},
    {"fork", "process_fork", Kind::process_fork, StartProgram, 10, true},
    {"program start", "process_exec", Kind::process_exec, StartProgram, 10, true},
};

struct Cost {
  double ns = 0;
  double bytes = 0;
};

pid_t StartProducer(const TestCgroup& cgroup, const Load& load, int cpu) {
  return cgroup.Start([&load, cpu] {
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET(cpu, &own);
    if (sched_setaffinity(0, sizeof(own), &own) != 0) return 1;
    for (;; usleep(kPauseMicros)) {
      for (int i = 0; i < load.burst; ++i) load.act();
    }
  });
}

// Of one run of the program of `load` while so many produce; it ends this program where it cannot
// be measured.
Cost Measure(const Load& load, int producers) {
  const auto scope = TestCgroup::Make();
  const auto other = TestCgroup::Make();
  KernelSensorOptions options;
  options.kinds = KindBit(load.kind);
  options.ring_bytes = kRingBytes;
  options.scope = ScopeOf(scope->path()).value();
  auto sensor = KernelSensor::Start(options);
  if (!sensor.ok()) {
    std::fprintf(stderr, "record_bench: %s\n", sensor.status().ToString().c_str());
    std::exit(1);
  }
  std::vector<pid_t> children;
  for (int cpu = kCpus - producers; cpu < kCpus; ++cpu) {
    children.push_back(StartProducer(load.in_scope ? *scope : *other, load, cpu));
  }
  std::atomic<bool> ended = false;
  uint64_t records = 0, bytes = 0;
  std::thread reader([&] {
    while (!ended) {
      for (const RawRecord& record : (*sensor)->Next(absl::Milliseconds(5))) {
        if (CapturedRecord(record).header().kind != static_cast<uint16_t>(load.kind)) continue;
        ++records;
        bytes += record.size();
      }
    }
  });
  const auto programs = (*sensor)->Programs(kTime);
  for (const pid_t child : children) {
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
  ended = true;
  reader.join();
  Cost cost;
  if (records > 0) cost.bytes = static_cast<double>(bytes) / static_cast<double>(records);
  for (const ProgramStats& program : programs.value()) {
    if (program.name == load.program && program.runs > 100) {
      cost.ns = static_cast<double>(program.run_time_ns) / static_cast<double>(program.runs);
    }
  }
  return cost;
}

int Main() {
  if (const auto why = WhyNoKernelTests()) {
    std::fprintf(stderr, "record_bench: %s\n", why->c_str());
    return 1;
  }
  std::printf("%-20s %8s %14s %14s %8s\n", "record", "bytes", "ns, one CPU", "ns, two CPUs",
              "ratio");
  for (const Load& load : kLoads) {
    const Cost one = Measure(load, 1), two = Measure(load, kCpus);
    std::printf("%-20s %8.0f %14.0f %14.0f %8.2f\n", load.name, one.bytes, one.ns, two.ns,
                one.ns > 0 ? two.ns / one.ns : 0.0);
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace vakt

int main() { return vakt::Main(); }
