// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/common/event/world.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <string_view>

#include "common/event/account.h"

namespace vakt {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr int64_t kBootWallNs = 1'700'000'000 * static_cast<int64_t>(kSecond);
constexpr std::string_view kContainer = "0123456789ab";
constexpr std::string_view kContainerFull =
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

void SetCommandLine(std::string_view comm, StringList argv, Process& process) {
  process.comm = comm;
  process.argv = std::move(argv);
  process.args = process.argv.Joined(1);
  process.exeline = process.argv.Joined(0);
  process.cmdline =
      std::string(comm) + (process.args.empty() ? "" : " ") + std::string(process.args);
}

void SetAccount(uint32_t id, std::string_view name, std::string_view home, Process& process) {
  process.uid = process.euid = process.gid = process.egid = id;
  process.user_name = process.group_name = name;
  process.user_home = home;
  process.user_shell = "/bin/bash";
}

void PutInContainer(const std::shared_ptr<Container>& container, Process& process) {
  process.pid_ns = 200;
  process.mnt_ns = 201;
  process.container_id = kContainer;
  process.container_full_id = kContainerFull;
  process.cgroup_path = "/docker-" + std::string(kContainerFull) + ".scope";
  process.container = container;
}

std::shared_ptr<Container> MakeApp() {
  auto app = std::make_shared<Container>();
  app->id = std::string(kContainerFull);
  Accounts accounts;
  accounts.users[33] = {SharedString("www-data"), SharedString("/var/www"),
                        SharedString("/bin/bash")};
  accounts.groups[33] = {SharedString("www-data"), {}, {}};
  app->accounts = std::make_shared<const Accounts>(std::move(accounts));
  app->runtime = "containerd";
  app->metadata = Metadata::kComplete;
  app->name = "app";
  app->image = "registry.example:5000/shop/web:1.2";
  app->image_repository = "registry.example:5000/shop/web";
  app->image_tag = "1.2";
  app->image_digest = "sha256:" + std::string(64, '1');
  app->image_id = "sha256:" + std::string(64, '2');
  app->labels = {{"app", "web"}, {"tier", "front"}};
  app->annotations = {{"team", "shop"}};
  app->mounts = {{"/var/lib/kubelet/pods/1/data", "/data", "", true, "rprivate"},
                 {"/etc", "/host/etc", "ro", false, "rslave"}};
  app->privileged = false;
  app->capabilities = 1 << 10;
  app->user = "33";
  app->created_wall_ns = kBootWallNs;
  app->mnt_ns = 201;
  Pod& pod = app->pod.emplace();
  pod.name = "web-7d4b9c6f5d-x2x4z";
  pod.name_space = "shop";
  pod.uid = "0a1b";
  pod.sandbox_id = std::string(64, 'f');
  pod.labels = {{"app", "web"}, {"pod-template-hash", "7d4b9c6f5d"}};
  pod.addresses = {"10.1.2.3", "fd00::3"};
  pod.workload_kind = "Deployment";
  pod.workload_name = "web";
  return app;
}

std::shared_ptr<Container> MakeWorker() {
  auto worker = std::make_shared<Container>();
  worker->id = std::string(64, 'e');
  worker->metadata = Metadata::kPartial;
  worker->image_id = "sha256:" + std::string(64, '3');
  worker->privileged = true;
  worker->created_wall_ns = kBootWallNs;
  Pod& pod = worker->pod.emplace();
  pod.host_network = pod.host_pid = pod.host_ipc = true;
  pod.workload_kind = "ReplicationController";
  pod.workload_name = "worker";
  return worker;
}

Process MakeProcess(uint32_t pid, uint32_t ns_pid, uint64_t start_s, const Process* parent) {
  Process process;
  process.pid = pid;
  process.ns_pid = ns_pid;
  process.cookie = pid * 1000;
  process.start_boot_ns = process.exec_boot_ns = start_s * kSecond;
  process.parent = parent;
  process.ppid = parent == nullptr ? 0 : parent->pid;
  process.pgid = process.session_id = pid;
  process.ns_pgid = process.ns_session_id = ns_pid;
  return process;
}

Event MakeEvent(Kind kind, std::string_view type, const Process& process, uint64_t num) {
  Event event;
  event.kind = kind;
  event.type = type.empty() ? kNoEventType : FindEventType(type)->id;
  event.abi = Abi::kX86_64;
  event.cpu = 1;
  event.num = num;
  event.boot_ns = 100 * kSecond;
  event.wall_ns = kBootWallNs + 100 * static_cast<int64_t>(kSecond) + 5;
  event.process = &process;
  event.task.pid = event.task.tid = process.pid;
  event.task.ppid = process.ppid;
  event.task.uid = event.task.euid = process.euid;
  event.task.gid = event.task.egid = process.egid;
  event.task.comm = process.comm;
  event.task.cap_effective = process.cap_effective;
  return event;
}

Endpoint V4(std::array<uint8_t, 4> address, uint16_t port) {
  Endpoint endpoint;
  std::copy(address.begin(), address.end(), endpoint.address.begin());
  endpoint.port = port;
  return endpoint;
}

Endpoint V6(uint8_t last, uint16_t port) {
  Endpoint endpoint;
  endpoint.address[15] = last;
  endpoint.port = port;
  return endpoint;
}

void MakeProcesses(World& w) {
  w.init = MakeProcess(1, 1, 1, nullptr);
  SetCommandLine("systemd", {"/sbin/init", "splash"}, w.init);
  SetAccount(0, "root", "/root", w.init);
  w.init.exe_path = "/usr/lib/systemd/systemd";
  w.init.container_id = "host";
  w.init.pid_ns = 100;

  w.app = MakeApp();
  w.entry = MakeProcess(500, 1, 10, &w.init);
  SetCommandLine("entry", {"/entry"}, w.entry);
  SetAccount(0, "root", "/root", w.entry);
  PutInContainer(w.app, w.entry);

  w.shell = MakeProcess(600, 7, 20, &w.entry);
  SetCommandLine("bash", {"-bash", "-l"}, w.shell);
  SetAccount(33, "backup", "/var/backups", w.shell);  // on the node: another
  PutInContainer(w.app, w.shell);
  w.shell.exe_path = "/usr/bin/bash";

  w.curl = MakeProcess(700, 8, 90, &w.shell);
  SetCommandLine("curl", {"/usr/bin/curl", "-s", "http://x/"}, w.curl);
  SetAccount(33, "backup", "/var/backups", w.curl);
  PutInContainer(w.app, w.curl);
  w.curl.env = {"HOME=/var/www", "HOMES=x", "LD_PRELOAD=/tmp/x.so"};
  w.shell.env = {"TERM=xterm"};
  w.shell.argv_truncated = true;
  w.entry.env = {"TERM=dumb"};
  w.curl.session_leader = &w.shell;
  w.curl.session_id = w.curl.pgid = 600;
  w.curl.ns_session_id = w.curl.ns_pgid = 7;
  w.curl.exe_path = "/usr/bin/curl";
  w.curl.cwd = "/srv/";
  w.curl.tty = 34816;
  w.curl.login_uid = 1000;
  w.curl.login_name = "alice";
  w.curl.cap_permitted = 0b11;
  w.curl.cap_inheritable = 1 << 5;
  w.curl.cap_effective = (uint64_t{1} << 21) | 1;
  w.curl.script = "/srv/fetch.sh";
  w.curl.exe_upper_layer = true;
  w.curl.exe_writable = true;
  w.curl.exe_ino = 4711;
  w.curl.exe_ctime_ns = kBootWallNs + 80 * static_cast<int64_t>(kSecond);
  w.curl.exe_mtime_ns = kBootWallNs + 70 * static_cast<int64_t>(kSecond);

  // In its container's control group, and in the host's mount namespace.
  w.worker = MakeProcess(750, 750, 30, &w.init);
  SetCommandLine("worker", {"/worker"}, w.worker);
  w.worker.container_id = "eeeeeeeeeeee";
  w.worker.container_full_id = std::string(64, 'e');
  w.worker.container = MakeWorker();
  w.worker.mnt_ns = w.init.mnt_ns = 101;

  w.cron = MakeProcess(800, 800, 2, nullptr);
  w.cron.comm = "cron";
  w.cron.cmdline = "cron";
  w.cron.exe_memfd = w.cron.exe_unlinked = true;
  w.cron.pid_ns = 100;
  w.cron.container_id = "host";
}

void MakeProcessEvents(World& w) {
  w.exec = MakeEvent(Kind::process_exec, "execve", w.curl, 1);
  w.exec.process_exec.exe_upper_layer = w.exec.process_exec.exe_writable = true;
  w.exec.process_exec.filename = "./curl";
  w.worker_exec = MakeEvent(Kind::process_exec, "execve", w.worker, 29);
  w.hidden_exec = MakeEvent(Kind::process_exec, "execveat", w.cron, 2);
  w.hidden_exec.process_exec.exe_memfd = true;
  w.hidden_exec.task.tid = 801;
  w.fork = MakeEvent(Kind::process_fork, "clone", w.shell, 3);
  w.fork.result = 700;
  w.exit = MakeEvent(Kind::process_exit, "procexit", w.curl, 4);
  w.exit.abi = Abi::kUnknown;
  w.exit.process_exit = {.exit_code = 0, .signal = 11, .core_dumped = true};
}

void MakeFileEvents(World& w) {
  w.open = MakeEvent(Kind::file_open, "openat", w.curl, 5);
  w.open.result = w.open.file_open.fd = 3;
  w.open.file_open.dirfd = AT_FDCWD;
  w.open.file_open.flags = O_RDONLY | O_CLOEXEC;
  w.open.file_open.name_raw = "..//etc//shadow";
  w.open.file_open.file = {.path = "/etc/shadow",
                           .ino = 42,
                           .dev = 8u << 20 | 300,
                           .nlink = 1,
                           .mode = S_IFREG | 0640,
                           .path_status = PathStatus::kOk};

  w.create = MakeEvent(Kind::file_open, "creat", w.curl, 6);
  w.create.result = w.create.file_open.fd = 4;
  w.create.file_open.flags = O_WRONLY | O_CREAT | O_TRUNC;
  w.create.file_open.create_mode = 0755;
  w.create.file_open.name_raw = "/tmp/run.sh";
  w.create.file_open.file = {
      .path = "/tmp/run.sh", .ino = 43, .mode = S_IFREG | 0755, .path_status = PathStatus::kOk};

  w.directory = MakeEvent(Kind::file_open, "openat2", w.curl, 7);
  w.directory.abi = Abi::kIoUring;
  w.directory.result = w.directory.file_open.fd = 5;
  w.directory.file_open.dirfd = 9;
  w.directory.file_open.flags = O_RDONLY | O_DIRECTORY;
  w.directory.file_open.resolve = 0x0c;
  w.directory.file_open.name_raw = "/etc";
  w.directory.file_open.file = {
      .path = "/etc", .nlink = 2, .mode = S_IFDIR | 0755, .path_status = PathStatus::kTruncated};

  w.failed_open = MakeEvent(Kind::file_open, "open", w.curl, 8);
  w.failed_open.result = -ENOENT;
  w.failed_open.file_open.flags = O_RDWR;
  w.failed_open.file_open.name_raw = "/none";
  w.failed_open.file_open.file = {.path = "/none", .path_status = PathStatus::kClaimed};

  w.created = w.open;
  w.created.file_open.created = true;
  w.created.file_open.name_unreadable = true;
  w.created.file_open.file.outer_path = "/srv/jail/etc/shadow";
  w.rewritten = w.open;
  w.rewritten.file_open.name_raw = "/tmp/harmless";
  w.rewritten.file_open.flags |= O_NOFOLLOW;
}

void MakeChangeEvents(World& w) {
  w.rename = MakeEvent(Kind::file_rename, "renameat2", w.curl, 12);
  w.rename.file_change = {
      .file = {.path = "/srv/a", .path_status = PathStatus::kAnchored},
      .name_raw = "a",
      .other_path = "/etc/b",
      .other_raw = "/etc/b",
      .dirfd = AT_FDCWD,
      .other_dirfd = AT_FDCWD,
      .flags = 1,
  };
  w.fchmod = MakeEvent(Kind::file_chmod, "fchmod", w.curl, 13);
  w.fchmod.file_change = {.file = w.open.file_open.file, .fd = 3, .mode = 04711};
  w.symlink = MakeEvent(Kind::file_symlink, "symlink", w.curl, 14);
  w.symlink.file_change = {
      .file = {.path = "/srv/s", .path_status = PathStatus::kAnchored},
      .name_raw = "s",
      .text = "/etc/shadow",
      .dirfd = AT_FDCWD,
  };
  w.mount = MakeEvent(Kind::file_mount, "mount", w.curl, 15);
  w.mount.result = -EPERM;
  w.mount.file_change = {
      .file = {.path = "/mnt", .path_status = PathStatus::kClaimed},
      .name_raw = "/mnt",
      .other_path = "/srv/none",
      .other_raw = "none",
      .text = "tmpfs",
      .flags = 2,
  };
}

void MakeCallEvents(World& w) {
  w.trace = MakeEvent(Kind::process_ptrace, "ptrace", w.curl, 20);
  w.trace.process_act.args = {16, 600};
  w.trace.process_act.target = {.cookie = w.shell.cookie, .pid = 600, .tid = 600, .comm = "bash"};
  w.trace.process_act.process = &w.shell;
  w.trace.user_stack.captured = true;
  w.trace.user_stack.origin = CallOrigin::kAnonymous;
  w.signalled = MakeEvent(Kind::process_signal, "kill", w.cron, 21);
  w.signalled.process_act.args = {9};
  w.signalled.process_act.target = {.pid = 4321, .tid = 4322, .comm = "victim"};
  w.become_root = MakeEvent(Kind::process_credentials, "setuid", w.curl, 22);
  w.become_root.process_credentials.args = {0};
  w.become_root.process_credentials.asked_names[0] = "root";
  w.become_root.process_credentials.before_known = true;
  w.become_root.process_credentials.euid_before = 33;
  w.unshared = MakeEvent(Kind::process_namespace, "unshare", w.curl, 23);
  w.unshared.call.args = {0x10000000 | 0x00020000};
  w.unshared.result = -EPERM;
  w.unshared.user_stack.captured = true;
  w.program = MakeEvent(Kind::kernel_bpf, "bpf", w.curl, 24);
  w.program.call.args = {5, 0, 0, 2};
  w.program.call.text = "watcher";
  w.program.user_stack.captured = true;
  w.program.user_stack.origin = CallOrigin::kFile;
  w.program.user_stack.origin_name = "libbpf.so.1";
  w.program.result = 8;
}

void MakeNetworkEvents(World& w) {
  w.connect = MakeEvent(Kind::network_connect, "connect", w.curl, 9);
  w.connect.result = -EINPROGRESS;
  w.connect.network = {.local = V4({10, 0, 0, 1}, 40000),
                       .remote = V4({192, 0, 2, 7}, 443),
                       .transport = Transport::kTcp,
                       .fd = 6,
                       .family = AF_INET};
  w.accept = MakeEvent(Kind::network_accept, "accept4", w.cron, 10);
  w.accept.result = 7;
  w.accept.network = {.local = V6(1, 22),
                      .remote = V6(2, 50000),
                      .ipv6 = true,
                      .transport = Transport::kTcp,
                      .fd = 7,
                      .family = AF_INET6};
  w.refused = MakeEvent(Kind::network_connect, "connect", w.cron, 11);
  w.refused.result = -ECONNREFUSED;
  w.refused.network = {.local = V4({127, 0, 0, 1}, 5),
                       .remote = V4({127, 0, 0, 1}, 53),
                       .transport = Transport::kUdp,
                       .family = AF_INET};
}

void MakeSocketEvents(World& w) {
  w.listen = MakeEvent(Kind::network_listen, "listen", w.curl, 16);
  w.listen.network = {.local = V4({0, 0, 0, 0}, 8080),
                      .transport = Transport::kTcp,
                      .fd = 5,
                      .family = AF_INET,
                      .argument = 128};
  w.send = MakeEvent(Kind::network_send, "sendto", w.curl, 17);
  w.send.network = {.local = V4({0, 0, 0, 0}, 40001),
                    .remote = V4({192, 0, 2, 53}, 53),
                    .transport = Transport::kUdp,
                    .fd = 5,
                    .family = AF_INET};
  w.unix_connect = MakeEvent(Kind::network_connect, "connect", w.curl, 18);
  w.unix_connect.network = {.fd = 5,
                            .family = AF_UNIX,
                            .type = SOCK_STREAM,
                            .path = "/run/containerd/containerd.sock",
                            .path_status = PathStatus::kOk};
  w.packet = MakeEvent(Kind::network_socket, "socket", w.curl, 19);
  w.packet.result = 5;
  w.packet.network = {
      .fd = 5, .family = AF_PACKET, .type = SOCK_RAW, .protocol = 768, .argument = SOCK_CLOEXEC};
  w.dup = MakeEvent(Kind::network_dup, "dup2", w.curl, 20);
  w.dup.result = 0;
  w.dup.network = w.connect.network;
  w.dup.network.fd = 0;
  w.dup.network.argument = 6;
}

void MakeFlowEvents(World& w) {
  w.flow = MakeEvent(Kind::network_flow, "flow", w.curl, 21);
  FlowReport& flow = w.flow.flow;
  flow = {.state = FlowState::kOngoing,
          .direction = FlowDirection::kOut,
          .remote_class = FlowClass::kExternal,
          .transport = Transport::kTcp,
          .protocol = IPPROTO_TCP,
          .has_addresses = true,
          .local = V4({10, 1, 2, 3}, 0),
          .remote = V4({192, 0, 2, 80}, 443),
          .names = {{{"www.example.com", NameSource::kDns}, {"cdn.example.net", NameSource::kSni}}},
          .name_count = 2,
          .tls_clients = {"t13d1516h2_8daaf6152771_e5627efa2ab1",
                          "t12i010000_000000000000_000000000000"},
          .tls_client_count = 2,
          .remote_namespace = "shop",
          .remote_pod = "db-0",
          .country = "SE",
          .as_number = 64500,
          .begin_wall_ns = 1'000'000'000,
          .end_wall_ns = 5'000'000'000,
          .first_seen_wall_ns = 500'000'000};
  flow.sums = {.connections = 9,
               .established = 8,
               .refused = 1,
               .timed_out = 2,
               .reset = 3,
               .bytes_out = 4000,
               .bytes_in = 8000,
               .packets_out = 40,
               .packets_in = 80,
               .retransmits = 4,
               .open = 5};
  flow.total_connections = 90;
  flow.total_bytes_out = 40000;
  flow.total_bytes_in = 80000;
  flow.day_bytes_out = 400000;
  flow.known_ns = 7'000'000'000;
  flow.new_peer = flow.new_external = flow.memory_full = flow.segments_apart = true;
  flow.rhythm_contacts = 12;
  flow.rhythm_period_ns = 60'000'000'000;
  flow.rhythm_jitter_permille = 15;
  flow.reach_addresses = 20;
  flow.reach_ports = 21;
  flow.reach_ports_of_peer = 22;
  flow.reach_addresses_of_port = 23;
  flow.reach_folded = 24;
  flow.reach_unanswered = 25;
  flow.segment = "office";
  flow.remote_segment = "payments";
  w.served = MakeEvent(Kind::network_flow, "flow", w.curl, 22);
  w.served.flow = {.state = FlowState::kEnd,
                   .direction = FlowDirection::kIn,
                   .remote_class = FlowClass::kSamePod,
                   .transport = Transport::kUdp,
                   .protocol = IPPROTO_UDP,
                   .has_addresses = true,
                   .ipv6 = true};
  w.served.flow.local.address[15] = w.served.flow.remote.address[15] = 1;
  w.served.flow.local.port = 53;
  w.folded_flow = MakeEvent(Kind::network_flow, "flow", w.curl, 23);
  w.folded_flow.flow = {.state = FlowState::kBegin, .direction = FlowDirection::kOut};
  w.folded_flow.flow.sums.folded = 7;
  w.lookup = MakeEvent(Kind::network_dns, "dns", w.curl, 24);
  w.lookup.dns = {.server = V4({10, 96, 0, 10}, 53),
                  .transport = Transport::kUdp,
                  .name = "aabb.www.example.co.uk",
                  .type = 1,
                  .addresses = std::string_view("\x04\xc0\0\2\x50\x04\xc0\0\2\x51", 10),
                  .aliases = std::string_view("a.example.net\0b.example.net\0", 28),
                  .answers = 4,
                  .ttl_seconds = 30,
                  .size_bytes = 120};
  w.failed_lookup = MakeEvent(Kind::network_dns, "dns", w.curl, 25);
  w.failed_lookup.dns = {
      .server = w.lookup.dns.server, .name = "nowhere", .type = 99, .rcode = 3, .truncated = true};
}

}  // namespace

World::World() {
  node.hostname = "node-1";
  MakeProcesses(*this);
  MakeProcessEvents(*this);
  MakeFileEvents(*this);
  MakeChangeEvents(*this);
  MakeCallEvents(*this);
  MakeNetworkEvents(*this);
  MakeSocketEvents(*this);
  MakeFlowEvents(*this);
  for (Event* event : {&exec, &fork, &exit, &open, &connect}) event->node = &node;
}

}  // namespace vakt
