// SPDX-License-Identifier: Apache-2.0
// kernel_cost [--tier auto|inline|tracepoint] [--seconds N] [--producers N]: what each BPF program
// costs. Loads all that this kernel takes, has a process (or N, each on a CPU of its own) do a
// fixed round of acts for N seconds (default 3; 0: none), and prints as JSON what the kernel says
// of each program: instructions that the verifier walked, bytes of machine code, runs, and
// nanoseconds per run, which on a machine whose clock counts instructions are instructions. Only
// these processes are in the probes' scope; scripts/kernel-cost reads it and compares.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "tests/support/kernel_fixture.h"

namespace vakt {
namespace {

constexpr size_t kRingBytes = 32 << 20;
constexpr int kRoundMicros = 2000;  // the probes are to be measured, not a flood

// ---- The round of acts; in a directory of its own. Whether one succeeds does not matter.

void Try(int) {}

void OnFiles() {
  const int fd = open("file", O_CREAT | O_RDWR, 0600);
  Try(ftruncate(fd, 10));
  fchmod(fd, 0640);
  close(fd);
  close(open("/etc/passwd", O_RDONLY));
  Try(link("file", "second"));
  Try(rename("second", "third"));
  Try(symlink("third", "fourth"));
  mkdir("dir", 0700);
  rmdir("dir");
  for (const char* name : {"third", "fourth", "file"}) unlink(name);
}

void OnProcesses() {
  const pid_t child = fork();
  if (child == 0) {
    execl("/bin/true", "true", nullptr);
    _exit(127);
  }
  kill(child, SIGCONT);
  waitpid(child, nullptr, 0);
  prctl(PR_SET_NAME, "acts");
  Try(setuid(0));
  setpgid(0, 0);
}

void OnMemory() {
  close(memfd_create("acts", MFD_CLOEXEC));
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(page, 4096, PROT_READ | PROT_EXEC);
  munmap(page, 4096);
}

sockaddr_in Bound(int fd) {
  sockaddr_in address = {};
  socklen_t size = sizeof(address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* any = reinterpret_cast<const sockaddr*>(&address);
  if (bind(fd, any, size) != 0) _exit(1);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return address;
}

void OnStreams() {
  const int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in at = Bound(listener);
  listen(listener, 4);
  if (connect(client, reinterpret_cast<const sockaddr*>(&at), sizeof(at)) != 0) _exit(2);
  const int server = accept(listener, nullptr, nullptr);
  char text[100] = "text";
  for (int i = 0; i < 4; ++i) {
    send(client, text, sizeof(text), 0);
    recv(server, text, sizeof(text), 0);
  }
  for (const int fd : {client, server, listener}) close(fd);
}

void OnDatagrams() {
  const int server = socket(AF_INET, SOCK_DGRAM, 0), client = socket(AF_INET, SOCK_DGRAM, 0);
  const sockaddr_in at = Bound(server);
  const auto* to = reinterpret_cast<const sockaddr*>(&at);
  char text[100] = "text";
  sockaddr_in from = {};
  for (int i = 0; i < 4; ++i) {
    socklen_t size = sizeof(from);
    sendto(client, text, sizeof(text), 0, to, sizeof(at));
    recvfrom(server, text, sizeof(text), 0, reinterpret_cast<sockaddr*>(&from), &size);
  }
  const int other = dup(client);
  for (const int fd : {client, server, other}) close(fd);
}

int DoRounds(const std::string& directory, int number) {
  cpu_set_t own;
  CPU_ZERO(&own);
  CPU_SET(number % static_cast<int>(std::thread::hardware_concurrency()), &own);
  sched_setaffinity(0, sizeof(own), &own);
  const std::string place = directory + "/" + std::to_string(number);
  if (mkdir(place.c_str(), 0700) != 0 || chdir(place.c_str()) != 0) return 1;
  for (;;) {
    OnFiles();
    OnProcesses();
    OnMemory();
    OnStreams();
    OnDatagrams();
    usleep(kRoundMicros);
  }
}

// ---- The measurement.

struct Cost {
  uint64_t verified = 0, bytes = 0, runs = 0, run_time_ns = 0;
};

void Print(const KernelSensor& sensor, Tier tier, const std::map<std::string, Cost>& costs) {
  utsname name = {};
  uname(&name);
  std::printf("{\"kernel\": \"%s\", \"tier\": \"%s\", \"map_bytes\": %lu, \"programs\": {",
              name.release, std::string(TierName(tier)).c_str(), sensor.MapBytes());
  const char* comma = "";
  for (const auto& [program, cost] : costs) {
    std::printf("%s\n \"%s\": {\"verified\": %lu, \"bytes\": %lu, \"runs\": %lu, \"ns\": %.1f}",
                comma, program.c_str(), cost.verified, cost.bytes, cost.runs,
                cost.runs == 0
                    ? 0.0
                    : static_cast<double>(cost.run_time_ns) / static_cast<double>(cost.runs));
    comma = ",";
  }
  std::printf("}}\n");
}

int Measure(Tier tier, absl::Duration duration, int producers) {
  const auto cgroup = TestCgroup::Make();
  KernelSensorOptions options;
  options.tier = tier;
  options.flows = true;
  options.ring_bytes = kRingBytes;
  for (const KindRow& row : KernelKinds()) options.kinds |= KindBit(row.kind);
  options.scope = ScopeOf(cgroup->path()).value();
  auto sensor = KernelSensor::Start(options);
  if (!sensor.ok()) {
    std::fprintf(stderr, "kernel_cost: %s\n", sensor.status().ToString().c_str());
    return 1;
  }
  std::string directory = "/tmp/vakt-cost-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) return 1;
  std::vector<pid_t> children;
  if (duration == absl::ZeroDuration()) producers = 0;
  for (int i = 0; i < producers; ++i) {
    children.push_back(cgroup->Start([&] { return DoRounds(directory, i); }));
  }
  std::atomic<bool> done = false;
  absl::StatusOr<std::vector<ProgramStats>> stats;
  std::thread measure([&] {
    stats = (*sensor)->Programs(duration);
    done = true;
  });
  // Never asleep: no probe has to wake it.
  for (; !done; usleep(kRoundMicros / 4)) (*sensor)->Next(absl::ZeroDuration());
  measure.join();
  for (const pid_t child : children) {
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
  Try(std::system(("rm -rf " + directory).c_str()));
  if (!stats.ok()) {
    std::fprintf(stderr, "kernel_cost: %s\n", stats.status().ToString().c_str());
    return 1;
  }
  std::map<std::string, Cost> costs;
  for (const ProgramStats& program : *stats) {
    Cost& cost = costs[program.name];
    cost = {program.verified_instructions, program.jited_bytes, program.runs, program.run_time_ns};
  }
  Print(**sensor, tier, costs);
  return 0;
}

}  // namespace
}  // namespace vakt

int main(int count, char** args) {
  std::string tier;
  double seconds = 3;
  int producers = 1;
  for (int i = 1; i + 1 < count; i += 2) {
    if (std::strcmp(args[i], "--tier") == 0) tier = args[i + 1];
    if (std::strcmp(args[i], "--seconds") == 0) seconds = std::atof(args[i + 1]);
    if (std::strcmp(args[i], "--producers") == 0) producers = std::atoi(args[i + 1]);
  }
  if (const auto why = vakt::WhyNoKernelTests()) {
    std::fprintf(stderr, "kernel_cost: %s\n", why->c_str());
    return 77;
  }
  const auto decided = vakt::DecideTier(vakt::TierChoiceOf(tier));
  if (!decided.ok()) {
    std::fprintf(stderr, "kernel_cost: %s\n", decided.status().ToString().c_str());
    return 1;
  }
  return vakt::Measure(*decided, absl::Seconds(seconds), producers);
}
