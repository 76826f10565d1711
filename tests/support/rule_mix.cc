// SPDX-License-Identifier: Apache-2.0
#include "tests/support/rule_mix.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <iterator>
#include <utility>

#include "common/base/strings.h"
#include "common/event/kind.h"

namespace vakt {
namespace {

constexpr size_t kEvents = 1024;
constexpr size_t kLiveProcesses = 100;
constexpr size_t kCommandLineBytes = 112;
constexpr int64_t kBootToWallNs = 1'700'000'000'000'000'000;

constexpr std::string_view kPrograms[] = {
    "bash", "sh",   "nginx",   "python3",  "node",  "java", "sshd", "systemd", "cat", "curl",
    "ls",   "runc", "kubelet", "postgres", "redis", "dpkg", "cron", "perl",    "tar", "git"};
constexpr std::string_view kGenericDirectories[] = {"/usr/lib/", "/usr/bin/", "/etc/",  "/proc/",
                                                    "/var/lib/", "/tmp/",     "/home/", "/sys/"};
constexpr std::string_view kDirectories[] = {"/usr/lib/x86_64-linux-gnu/",
                                             "/usr/lib/python3/dist-packages/",
                                             "/usr/share/zoneinfo/",
                                             "/etc/ssl/certs/",
                                             "/etc/nginx/conf.d/",
                                             "/var/lib/dpkg/info/",
                                             "/var/log/nginx/",
                                             "/proc/1234/",
                                             "/home/alice/project/src/",
                                             "/tmp/build-1234/",
                                             "/sys/fs/cgroup/",
                                             "/run/containerd/io/"};
constexpr std::string_view kFiles[] = {"libc.so.6",  "libssl.so.3",  "status", "nginx.conf",
                                       "main.py",    "index.js",     "stat",   "cgroup.procs",
                                       "access.log", "control.list", "a.tmp",  "ca.pem"};
constexpr std::string_view kSuffixes[] = {".so", ".conf", ".pem", ".log", ".py", ".key"};
constexpr std::string_view kTypes[] = {"openat", "openat",  "openat", "openat", "openat",
                                       "openat", "connect", "execve", "clone",  "procexit"};

constexpr std::string_view kMacros = R"(
- list: shells
  items: [ash, bash, csh, ksh, sh, tcsh, zsh, dash]
- macro: open_write
  condition: (evt.type in (open,openat,openat2) and evt.is_open_write=true)
- macro: open_read
  condition: (evt.type in (open,openat,openat2) and evt.is_open_read=true)
- macro: spawned_process
  condition: (evt.type in (execve, execveat))
- macro: container
  condition: (container.id != host)
)";

// Makes up one rule after the other.
class Rules {
 public:
  std::string Next(int i) {
    number_ = i;
    return StrCat("- rule: r", i, "\n  desc: d\n  priority: NOTICE\n  output: o %proc.name\n",
                  "  condition: ", Condition(), "\n");
  }

 private:
  uint64_t Below(uint64_t limit) { return random_() % limit; }
  std::string_view Pick(absl::Span<const std::string_view> words) {
    return words[Below(words.size())];
  }

  std::string Condition() {
    switch (Below(10)) {
      case 0:
      case 1:
      case 2:
        return StrCat("open_read and ", OfFile(), Maybe(OfProcess()));
      case 3:
      case 4:
        return StrCat("open_write and ", OfFile(), Maybe(OfFile()), Maybe(OfProcess()));
      case 5:
      case 6:
      case 7:
        return StrCat("spawned_process and ", OfProcess(), " and ", OfProcess(),
                      Maybe("container"));
      case 8:
        return StrCat("evt.type = connect and ", OfConnection(), " and ", OfProcess());
      default:
        return StrCat(OfProcess(), " and ", OfFile(), " and not user.name = root");
    }
  }

  std::string Maybe(const std::string& check) {
    return Below(2) == 0 ? StrCat(" and ", check) : "";
  }

  std::string OfFile() {
    const int n = number_;
    switch (Below(9)) {
      case 0:
        return StrCat("fd.name startswith ", Pick(kDirectories), "app", n, "/");
      case 1:
        return StrCat("fd.name startswith ", Pick(kGenericDirectories), " and fd.name endswith .x",
                      n);
      case 2:
        return StrCat("fd.name startswith ", Pick(kGenericDirectories), " and proc.name = tool", n);
      case 3:
        return StrCat("fd.name endswith /secret", n, Pick(kSuffixes));
      case 4:
        return StrCat("fd.name contains /.ssh/id_", n);
      case 5:
        return StrCat("fd.name glob \"/home/*/.config", n, "/*\"");
      case 6:
        return StrCat("fd.name pmatch (/opt/app", n, ", /srv/", n, ")");
      case 7:
        return StrCat("fd.name in (/etc/token", n, ", /etc/key", n, ")");
      default:
        return StrCat("fd.name regex \".*/cache", n, "/[a-f0-9]+[.]bin\"");
    }
  }

  std::string OfProcess() {
    const int n = number_;
    switch (Below(9)) {
      case 0:
        return StrCat("proc.name in (miner", n, ", scan", n, ", tool", n, ")");
      case 1:
        return StrCat("proc.cmdline contains \"--pool", n, "\"");
      case 2:
        return StrCat("proc.cmdline icontains \"Stratum", n, "\"");
      case 3:
        return StrCat("proc.exepath startswith /opt/vendor", n, "/");
      case 4:
        return StrCat("proc.cmdline regex \".*(payload", n, "|--inject", n, ")=[0-9]+.*\"");
      case 5:
        return StrCat("proc.pname in (shells) and proc.cwd startswith /srv/site", n);
      case 6:
        return StrCat("proc.exepath endswith /agent", n);
      case 7:
        return StrCat("proc.aname = launcher", n);
      default:
        return StrCat("proc.cmdline glob \"*-e *sh", n, "*\"");
    }
  }

  std::string OfConnection() {
    return Below(2) == 0 ? StrCat("fd.sport = ", 1024 + number_ % 60000)
                         : StrCat("fd.snet in (\"10.", number_ % 256, ".0.0/16\", \"172.16.",
                                  number_ % 256, ".0/24\")");
  }

  std::mt19937_64 random_{2};
  int number_ = 0;
};

}  // namespace

std::string RuleMix(int rules) {
  std::string text(kMacros);
  Rules next;
  for (int i = 0; i < rules; ++i) text += next.Next(i);
  return text;
}

RuleMixEvents::RuleMixEvents(Kind kind) {
  while (live_.size() < kLiveProcesses) live_.push_back(&NewProcess());
  while (events_.size() < kEvents) {
    const EventTypeRow* type = FindEventType(Below(20) == 0 ? "execve" : Pick(kTypes));
    if (kind != Kind::none && type->kind != kind) continue;
    Process*& process = live_[Below(live_.size())];
    if (type->kind == Kind::process_exec) process = &NewProcess();
    events_.push_back(NewEvent(*type, *process));
    actors_.push_back(process);
  }
}

const Event& RuleMixEvents::Next() {
  if (++next_ == events_.size()) next_ = 0;
  const Event& event = events_[next_];
  if (event.kind == Kind::process_exec) actors_[next_]->change = ++last_change_;
  return event;
}

Process& RuleMixEvents::NewProcess() {
  Process process;
  process.cookie = process.change = ++last_change_;
  process.pid = static_cast<uint32_t>(process.cookie);
  if (processes_.size() > 10) process.parent = &processes_[Below(processes_.size())];
  if (process.parent != nullptr && process.parent->ppid > 6) process.parent = &processes_[0];
  process.ppid = process.parent == nullptr ? 0 : process.parent->ppid + 1;  // its depth, that is
  const std::string name =
      Below(50) == 0 ? StrCat("tool", Below(1000)) : std::string(Pick(kPrograms));
  process.comm = SharedString(name);
  process.exe_path = SharedString(StrCat("/usr/bin/", name));
  std::string argument = Below(50) == 0 ? StrCat("--pool", Below(1000)) : "--config";
  while (argument.size() + name.size() + 1 < kCommandLineBytes) {
    argument += StrCat(" --", Pick(kPrograms), "=", Below(10000), Pick(kGenericDirectories));
  }
  argument.resize(kCommandLineBytes - name.size() - 1);
  process.argv = StringList({name, argument});
  process.args = process.argv.Joined(1);
  process.exeline = process.argv.Joined();
  process.cmdline = SharedString(StrCat(name, " ", argument));
  process.cwd = SharedString(Below(2) == 0 ? "/" : "/home/alice/project/");
  process.euid = Below(2) == 0 ? 0 : 1000;
  process.user_name = SharedString(process.euid == 0 ? "root" : "alice");
  process.container_id = SharedString(Below(2) == 0 ? "host" : "0123456789ab");
  return processes_.emplace_back(std::move(process));
}

Event RuleMixEvents::NewEvent(const EventTypeRow& type, const Process& process) {
  Event event;
  event.type = type.id;
  event.kind = type.kind;
  event.abi = Abi::kX86_64;
  event.num = events_.size() + 1;
  event.boot_ns = 1'000'000'000 + event.num * 1000;
  event.wall_ns = kBootToWallNs + static_cast<int64_t>(event.boot_ns);
  event.process = &process;
  event.task.cookie = process.cookie;
  event.task.pid = event.task.tid = process.pid;
  event.task.euid = process.euid;
  event.task.comm = process.comm;
  if (event.kind == Kind::file_open) {
    event.file_open.file.path = Keep(Path());
    event.file_open.file.path_status = PathStatus::kOk;
    event.file_open.file.mode = S_IFREG | 0644;
    event.file_open.flags = Below(4) == 0 ? O_WRONLY : O_RDONLY;
    event.file_open.fd = 3;
    event.result = 3;
  } else if (event.kind == Kind::network_connect) {
    FillConnection(&event);
  }
  return event;
}

std::string RuleMixEvents::Path() {
  switch (Below(100)) {
    case 0:
      return StrCat("/opt/app", Below(1000), "/data");
    case 1:
      return StrCat("/etc/token", Below(1000));
    case 2:
      return StrCat(Pick(kGenericDirectories), "file.x", Below(1000));
    default:
      return StrCat(Pick(kDirectories), Below(3) == 0 ? StrCat("d", Below(50), "/") : "",
                    Pick(kFiles));
  }
}

void RuleMixEvents::FillConnection(Event* event) {
  Network& network = event->network;
  network.transport = Transport::kTcp;
  network.local = {{10, 1, 2, 3}, static_cast<uint16_t>(32768 + Below(20000))};
  network.remote = {{10, static_cast<uint8_t>(Below(256)), 1, 1},
                    static_cast<uint16_t>(Below(10) == 0 ? 1024 + Below(1000) : 443)};
  network.fd = 5;
}

}  // namespace vakt
