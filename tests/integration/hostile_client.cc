// SPDX-License-Identifier: Apache-2.0
// hostile_client ATTACK ADDRESS NODE FROM CERTIFICATES CPU MESSAGES
//
// Attacks the collector at ADDRESS in the way that is named (hostile_attacks.h), from the address
// FROM, with the certificate of NODE that lies in the directory CERTIFICATES, until SIGTERM; then
// prints how often it acted. A process of its own, so that nothing of the attack's work is done by
// threads that stand for somebody else. CPU: the only one that it uses; -1: any.
#include <grpc/support/log.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "common/base/file.h"
#include "tests/integration/hostile_attacks.h"

namespace vakt {
namespace {

constexpr int kNice = 19;  // where CPUs are shared, behind everything else

std::atomic<bool> over{false};

void Stop(int) { over = true; }

int Run(char** words) {
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGTERM, Stop);
  setpriority(PRIO_PROCESS, 0, kNice);
  if (const int cpu = atoi(words[6]); cpu >= 0) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(cpu, &cpus);
    sched_setaffinity(0, sizeof(cpus), &cpus);
  }
  const std::string name = words[1], certificates = words[5];
  Attack attack = {.address = words[2],
                   .node = words[3],
                   .from = words[4],
                   .certificates = {ReadFile(certificates + "/ca.pem").value_or(""),
                                    ReadFile(certificates + "/cert.pem").value_or(""),
                                    ReadFile(certificates + "/key.pem").value_or("")},
                   .over = over,
                   .wanted = strtoull(words[7], nullptr, 10)};
  AttackRow row = MalformedMessagesAttack();
  for (const AttackRow& other : Attacks()) {
    if (name == other.name) row = other;
  }
  if (name != row.name) return 2;
  row.run(attack);
  printf("%llu\n", static_cast<unsigned long long>(attack.acts));
  return 0;
}

}  // namespace
}  // namespace vakt

int main(int argc, char** argv) { return argc == 8 ? vakt::Run(argv) : 2; }
