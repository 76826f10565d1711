// SPDX-License-Identifier: Apache-2.0
// What a user stack costs: time of the programs that report critical calls, with stacks and
// without, as the kernel measures it. Needs root. Prints a table.
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>

#include "agent/sensor/kernel_sensor.h"
#include "common/base/status.h"
#include "tests/support/kernel_fixture.h"
#include "tests/support/own_code.h"

namespace vakt {
namespace {

constexpr absl::Duration kTime = absl::Seconds(4);
constexpr long kNoProcess = 0x3fffff;
constexpr CallNumbers kTrace = {SYS_ptrace, PTRACE_SEIZE, kNoProcess, 0, 0};

struct Load {
  const char* name;
  const char* program;  // whose time counts; with a second one for what it needs before
  const char* second;
  void (*act)();
};
const Load kLoads[] = {
    {"ptrace by libc: a frame or two", "process_act", "",
     [] {
       for (int i = 0; i < 1000; ++i) ptrace(PTRACE_SEIZE, kNoProcess, nullptr, nullptr);
     }},
    {"ptrace 20 functions deep: 16 frames", "process_act", "",
     [] {
       const void* ignored = nullptr;
       for (int i = 0; i < 1000; ++i) CallFromDepth(20, kTrace, &ignored);
     }},
    {"setuid by libc", "process_credentials", "",
     [] {
       for (int i = 0; i < 1000; ++i) {
         if (setuid(getuid()) != 0) abort();
       }
     }},
    {"program start", "process_exec", "process_exec_caller",
     [] {
       for (int i = 0; i < 20; ++i) {
         const pid_t child = vfork();
         if (child == 0) {
           execl("/bin/true", "true", nullptr);
           _exit(1);
         }
         waitpid(child, nullptr, 0);
       }
     }},
};

// Average time of the programs of `load` per event, in ns; below 0: it could not be measured.
double Measure(const Load& load, const TestCgroup& cgroup, bool stacks) {
  KernelSensorOptions options;
  options.kinds = KindBit(Kind::process_ptrace) | KindBit(Kind::process_credentials) |
                  KindBit(Kind::process_exec);
  options.user_stacks = stacks;
  options.scope = ScopeOf(cgroup.path()).value();
  auto sensor = KernelSensor::Start(options);
  if (!sensor.ok()) {
    std::fprintf(stderr, "%s\n", std::string(Message(sensor.status())).c_str());
    return -1;
  }
  const pid_t actor = cgroup.Start([&] {
    for (;;) load.act();
    return 0;
  });
  std::atomic<bool> ended = false;
  std::thread reader([&] {
    while (!ended) (*sensor)->Next(absl::Milliseconds(100));
  });
  const auto programs = (*sensor)->Programs(kTime);
  kill(actor, SIGKILL);
  waitpid(actor, nullptr, 0);
  ended = true;
  reader.join();
  if (!programs.ok()) return -1;
  double ns = 0;
  for (const ProgramStats& program : *programs) {
    const std::string name = program.name.substr(0, program.name.find('@'));
    const bool is_asked = name == load.program || name == load.second;
    if (is_asked && program.runs > 100) {
      ns += static_cast<double>(program.run_time_ns) / static_cast<double>(program.runs);
    }
  }
  return ns;
}

int Main() {
  if (const auto why = WhyNoKernelTests()) {
    std::fprintf(stderr, "stack_bench: %s\n", why->c_str());
    return 1;
  }
  const auto cgroup = TestCgroup::Make();
  std::printf("%-38s %10s %10s %10s\n", "ns per event", "without", "with", "stack");
  for (const Load& load : kLoads) {
    const double without = Measure(load, *cgroup, false);
    const double with = Measure(load, *cgroup, true);
    std::printf("%-38s %10.0f %10.0f %10.0f\n", load.name, without, with, with - without);
  }
  return 0;
}

}  // namespace
}  // namespace vakt

int main() { return vakt::Main(); }
