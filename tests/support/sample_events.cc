// SPDX-License-Identifier: Apache-2.0
#include "tests/support/sample_events.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr size_t kProcesses = 400;
constexpr uint64_t kSecond = 1'000'000'000;
constexpr int64_t kBootToWallNs = 1'700'000'000 * static_cast<int64_t>(kSecond);

constexpr std::string_view kPrograms[] = {
    "bash",   "sh",   "nginx",   "python3", "node", "java",    "sshd",     "systemd",
    "cat",    "curl", "wget",    "ls",      "runc", "kubelet", "postgres", "redis-server",
    "apt",    "dpkg", "cron",    "vi",      "sudo", "su",      "perl",     "containerd-shim",
    "docker", "rpm",  "useradd", "openssl", "tar",  "git",     "make",     "gcc"};

constexpr std::string_view kPaths[] = {"/etc/passwd",          "/etc/shadow",
                                       "/etc/hosts",           "/etc/ssl/openssl.cnf",
                                       "/usr/bin/bash",        "/usr/bin/python3",
                                       "/usr/lib/libc.so.6",   "/var/log/syslog",
                                       "/var/lib/dpkg/status", "/proc/self/status",
                                       "/proc/1/environ",      "/dev/null",
                                       "/dev/shm/x",           "/tmp/a",
                                       "/tmp/../etc/shadow",   "/root/.ssh/id_rsa",
                                       "/home/alice/.bashrc",  "/opt/app/config.yaml",
                                       "/optional/x",          "/",
                                       "/run/secrets/token",   "/data/pg/base/1",
                                       "relative/path",        ""};

constexpr std::string_view kArguments[] = {"-c",      "-e",          "--help",
                                           "install", "/etc/shadow", "-l",
                                           "echo hi", "-i",          "https://example.com/a",
                                           "status",  "/tmp/a",      "-nvlp",
                                           "4444",    "A=b",         "--privileged"};

constexpr std::string_view kContainers[] = {"host", "host", "0123456789ab", "ba9876543210"};

constexpr std::string_view kTypes[] = {"execve",   "execveat", "open",     "openat",  "openat2",
                                       "creat",    "connect",  "accept",   "accept4", "clone",
                                       "procexit", "rename",   "unlinkat", "symlink", "chmod"};

}  // namespace

absl::Span<const std::string_view> SampleEvents::ProgramNames() { return kPrograms; }
absl::Span<const std::string_view> SampleEvents::Paths() { return kPaths; }
absl::Span<const std::string_view> SampleEvents::Arguments() { return kArguments; }

SampleEvents::SampleEvents(uint64_t seed) : random_(seed) { MakeProcesses(); }

void SampleEvents::MakeProcesses() {
  for (size_t i = 0; i < kProcesses; ++i) {
    Process process;
    process.cookie = i + 1;
    process.pid = static_cast<uint32_t>(i + 1);
    if (i > 0 && Below(20) != 0) {
      process.parent = &processes_[Below(i)];
      process.parent_cookie = process.parent->cookie;
      process.ppid = process.parent->pid;
      process.session_leader = Below(2) == 0 ? process.parent : nullptr;
    }
    Fill(&process);
    process.change = i % 8 == 0 ? 0 : ++last_change_;
    processes_.push_back(std::move(process));
  }
}

void SampleEvents::Fill(Process* process) {
  const std::string name(Pick(kPrograms));
  const std::string first(Pick(kArguments));
  const std::string second(Pick(kArguments));
  process->comm = SharedString(name);
  process->exe_path = SharedString(StrCat("/usr/bin/", name));
  process->argv = StringList({name, first, second});
  process->args = process->argv.Joined(1);
  process->exeline = process->argv.Joined();
  process->cmdline = SharedString(StrCat(name, " ", process->args));
  process->cwd = SharedString(Below(2) == 0 ? "/" : "/tmp/");
  process->start_boot_ns = kSecond * Below(1000);
  process->exec_boot_ns = process->start_boot_ns + kSecond;
  process->uid = process->euid = static_cast<uint32_t>(Below(3) * 1000);
  process->login_uid = Below(2) == 0 ? 0xffffffff : 1000;
  process->tty = static_cast<uint32_t>(Below(2) * 34816);
  process->user_name = process->uid == 0 ? "root" : "alice";
  process->login_name = process->group_name = process->user_home = process->user_shell = "<NA>";
  process->exe_upper_layer = Below(8) == 0;
  process->exe_memfd = Below(16) == 0;
  process->cap_effective = Below(2) == 0 ? 0 : ~uint64_t{0} >> 23;
  process->container_id = SharedString(Pick(kContainers));
}

void SampleEvents::ChangeProcesses() {
  for (int i = 0; i < 3; ++i) Fill(&processes_[Below(processes_.size())]);
  Process& moved = processes_[1 + Below(processes_.size() - 1)];
  moved.parent = &processes_[Below(moved.pid - 1)];
  for (Process& process : processes_) {
    if (process.change != 0) process.change = ++last_change_;
  }
}

const Process& SampleEvents::AnyProcess() { return processes_[Below(processes_.size())]; }

void SampleEvents::FillTask(const Process& process, Event* event) {
  event->process = &process;
  event->task.cookie = process.cookie;
  event->task.parent_cookie = process.parent_cookie;
  event->task.pid = event->task.tid = process.pid;
  event->task.ppid = process.ppid;
  event->task.uid = process.uid;
  event->task.euid = process.euid;
  event->task.cap_effective = process.cap_effective;
  event->task.comm = process.comm;
}

void SampleEvents::FillOpen(Event* event) {
  FileOpen& open = event->file_open;
  const bool failed = Below(4) == 0;
  open.file.path = Pick(kPaths);
  open.name_raw = Pick(kPaths);
  open.file.path_status = failed ? PathStatus::kClaimed : PathStatus::kOk;
  open.file.mode = failed ? 0u : Below(8) == 0 ? S_IFDIR | 0755u : S_IFREG | 0644u;
  constexpr uint32_t kFlags[] = {O_RDONLY, O_WRONLY, O_RDWR, O_WRONLY | O_CREAT | O_TRUNC,
                                 O_RDONLY | O_CLOEXEC};
  open.flags = kFlags[Below(std::size(kFlags))];
  open.created = !failed && (open.flags & O_CREAT) != 0 && Below(2) == 0;
  open.create_mode = 0644;
  open.dirfd = AT_FDCWD;
  event->result = failed ? -ENOENT : static_cast<int64_t>(3 + Below(20));
  open.fd = failed ? -1 : static_cast<int32_t>(event->result);
}

void SampleEvents::FillChange(Event* event) {
  FileChange& change = event->file_change;
  change.file.path = Pick(kPaths);
  change.file.path_status = PathStatus::kClaimed;
  change.name_raw = Pick(kPaths);
  if (event->kind == Kind::file_rename) change.other_path = change.other_raw = Pick(kPaths);
  if (event->kind == Kind::file_symlink) change.text = Pick(kPaths);
  change.dirfd = change.other_dirfd = AT_FDCWD;
  change.mode = 04755;
  event->result = Below(4) == 0 ? -ENOENT : 0;
}

void SampleEvents::FillNetwork(Event* event) {
  constexpr uint16_t kPorts[] = {22, 53, 80, 443, 8080, 31337};
  Network& network = event->network;
  network.ipv6 = Below(4) == 0;
  for (Endpoint* end : {&network.local, &network.remote}) {
    end->address = network.ipv6 ? std::array<uint8_t, 16>{0xfd, 0, 0, 1}
                                : std::array<uint8_t, 16>{10, 0, 0, 1};
    if (Below(3) == 0) end->address = {127, 0, 0, 1};
    end->address[3] = static_cast<uint8_t>(Below(4));
    end->port = kPorts[Below(std::size(kPorts))];
  }
  network.family = network.ipv6 ? AF_INET6 : AF_INET;
  network.transport = Below(2) == 0 ? Transport::kTcp : Transport::kUdp;
  event->result = Below(4) == 0 ? -ECONNREFUSED : 0;
  network.fd = 5;
}

void SampleEvents::FillExec(const Process& process, Event* event) {
  event->process_exec.exe.path = process.exe_path;
  event->process_exec.exe.mode = S_IFREG | 0755u;
  event->process_exec.exe.path_status = PathStatus::kOk;
  event->process_exec.filename = process.exe_path;
  event->process_exec.cwd = process.cwd;
  event->process_exec.exe_upper_layer = process.exe_upper_layer;
  event->process_exec.exe_memfd = process.exe_memfd;
}

Event SampleEvents::Next() {
  Event event;
  event.num = ++count_;
  event.cpu = static_cast<uint32_t>(Below(4));
  event.boot_ns = 2000 * kSecond + count_ * 1000;
  event.wall_ns = kBootToWallNs + static_cast<int64_t>(event.boot_ns);
  const Process& process = AnyProcess();
  FillTask(process, &event);
  // Half of all events are opens, as on a real node.
  const std::string_view type = Below(2) == 0 ? "openat" : Pick(kTypes);
  const EventTypeRow* row = FindEventType(type);
  event.type = row->id;
  event.kind = row->kind;
  event.abi = Abi::kX86_64;
  switch (event.kind) {
    case Kind::file_open:
      FillOpen(&event);
      break;
    case Kind::file_rename:
    case Kind::file_unlink:
    case Kind::file_symlink:
    case Kind::file_chmod:
      FillChange(&event);
      break;
    case Kind::network_connect:
    case Kind::network_accept:
      FillNetwork(&event);
      break;
    case Kind::process_exec:
      FillExec(process, &event);
      break;
    default:
      break;
  }
  return event;
}

Event SampleEvents::NextConnection() {
  constexpr std::string_view kCalls[] = {"connect", "accept", "accept4", "bind",
                                         "listen",  "sendto", "recvfrom"};
  Event event = Next();
  const EventTypeRow* row = FindEventType(Pick(kCalls));
  event.type = row->id;
  event.kind = row->kind;
  event.network = {};
  FillNetwork(&event);
  if (Below(4) == 0) {
    event.network.local = event.network.remote = {};
    event.network.ipv6 = false;
    event.network.family = Below(2) == 0 ? AF_UNIX : AF_NETLINK;
  } else if (Below(4) == 0) {
    (Below(2) == 0 ? event.network.local : event.network.remote) = {};  // not known, or any
  }
  return event;
}

}  // namespace vakt
