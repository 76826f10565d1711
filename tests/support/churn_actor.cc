// SPDX-License-Identifier: Apache-2.0
// Programs that say who they are, for tests that compare it with what an agent says of them. A
// claim is an attempt to open a file that does not exist; its name tells what the opener is:
//
//   claim,<argv[1]>,<program>,<parent's argv[1]>,<control group>,<pid>
//
//   churn_actor TOKEN work DIR COUNT CPU CGROUP...   makes children, one after the other, on that
//   CPU churn_actor TOKEN act DIR PARENT CGROUP          what a child becomes; claims once
//   churn_actor TOKEN flood PATH                     opens PATH until it is killed
//
// A child claims before it executes a program, and after; half of them have a child of their own.
// The programs are DIR/act0 to DIR/act3, the control groups directories. Each child is given a
// number that an earlier one had, where the kernel allows it.
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

const char* LastName(const std::string& path) { return path.c_str() + path.rfind('/') + 1; }

void Claim(const std::string& dir, const char* token, const std::string& program,
           const char* parent, const char* cgroup) {
  char path[1024];
  std::snprintf(path, sizeof(path), "%s/claim,%s,%s,%s,%s,%d", dir.c_str(), token,
                LastName(program), parent, LastName(cgroup), getpid());
  const int fd = open(path, O_RDONLY);
  if (fd >= 0) close(fd);
}

void Write(const std::string& path, const char* text) {
  const int fd = open(path.c_str(), O_WRONLY);
  if (fd < 0) return;
  [[maybe_unused]] const ssize_t written = write(fd, text, std::strlen(text));
  close(fd);
}

void Execute(const std::string& program, const std::string& token, const std::string& dir,
             const char* parent, const char* cgroup) {
  execl(program.c_str(), program.c_str(), token.c_str(), "act", dir.c_str(), parent, cgroup,
        nullptr);
  _exit(98);
}

int Act(const char* self, const char* token, const std::string& dir, const char* parent,
        const char* cgroup) {
  Claim(dir, token, self, parent, cgroup);
  if (std::strchr(token, '+') != nullptr || std::atoi(std::strrchr(token, '-') + 1) % 2 != 0) {
    return 0;
  }
  const pid_t child = vfork();
  if (child == 0) Execute(dir + "/act3", std::string(token) + "+", dir, token, cgroup);
  waitpid(child, nullptr, 0);
  return 0;
}

int Work(const std::string& self, const char* token, const std::string& dir, int count, int cpu,
         int cgroups, char** cgroup) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(cpu, &cpus);
  sched_setaffinity(0, sizeof(cpus), &cpus);
  for (int i = 0; i < count; ++i) {
    const std::string child_token = std::string(token) + "-" + std::to_string(i);
    // The next number is the first free one above: the last child's, most of the time.
    Write("/proc/sys/kernel/ns_last_pid", cpu % 2 == 0 ? "20000" : "21000");
    const pid_t child = fork();
    if (child == 0) {
      Write(std::string(cgroup[i % cgroups]) + "/cgroup.procs", "0");
      Claim(dir, token, self, token, cgroup[i % cgroups]);
      Execute(dir + "/act" + std::to_string(i % 3), child_token, dir, token, cgroup[i % cgroups]);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) return 97;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc >= 7 && std::strcmp(argv[2], "work") == 0) {
    return Work(argv[0], argv[1], argv[3], std::atoi(argv[4]), std::atoi(argv[5]), argc - 6,
                argv + 6);
  }
  if (argc == 6 && std::strcmp(argv[2], "act") == 0) {
    return Act(argv[0], argv[1], argv[3], argv[4], argv[5]);
  }
  while (argc == 4 && std::strcmp(argv[2], "flood") == 0) {
    const int fd = open(argv[3], O_RDONLY);
    if (fd >= 0) close(fd);
  }
  return 2;
}
