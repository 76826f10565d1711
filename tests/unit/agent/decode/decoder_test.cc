// SPDX-License-Identifier: Apache-2.0
// Each kind, field by field.
#include "agent/decode/decoder.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cstring>
#include <string_view>

#include "gtest/gtest.h"
#include "tests/support/wire_builder.h"

namespace vakt {
namespace {

using std::string_view_literals::operator""sv;

constexpr int64_t kBootToWallNs = 1'700'000'000'000'000'000;

// Each number differs from every other, so that a mix-up shows.
vakt_task SampleTask(uint32_t base, std::string_view comm) {
  vakt_task task{};
  task.cookie = base + 1;
  task.parent_cookie = base + 2;
  task.cgroup_id = base + 3;
  task.cap_effective = base + 4;
  task.pid = base + 5;
  task.tid = base + 6;
  task.ppid = base + 7;
  task.uid = base + 8;
  task.gid = base + 9;
  task.euid = base + 10;
  task.egid = base + 11;
  task.mnt_ns = base + 12;
  task.pid_ns = base + 13;
  task.net_ns = base + 14;
  task.user_ns = base + 15;
  task.flags = VAKT_TASK_KTHREAD;
  SetComm(comm, &task);
  return task;
}

void ExpectTask(const Task& task, uint32_t base, std::string_view comm) {
  EXPECT_EQ(task.cookie, base + 1);
  EXPECT_EQ(task.parent_cookie, base + 2);
  EXPECT_EQ(task.cgroup_id, base + 3);
  EXPECT_EQ(task.cap_effective, base + 4);
  EXPECT_EQ(task.pid, base + 5);
  EXPECT_EQ(task.tid, base + 6);
  EXPECT_EQ(task.ppid, base + 7);
  EXPECT_EQ(task.uid, base + 8);
  EXPECT_EQ(task.gid, base + 9);
  EXPECT_EQ(task.euid, base + 10);
  EXPECT_EQ(task.egid, base + 11);
  EXPECT_EQ(task.mnt_ns, base + 12);
  EXPECT_EQ(task.pid_ns, base + 13);
  EXPECT_EQ(task.net_ns, base + 14);
  EXPECT_EQ(task.user_ns, base + 15);
  EXPECT_TRUE(task.kernel_thread);
  EXPECT_EQ(task.comm, comm);
}

void SetFacts(vakt_process_facts* facts) {
  facts->start_boot_ns = 201;
  facts->cap_permitted = 202;
  facts->cap_inheritable = 203;
  facts->ns_pid = 204;
  facts->pgid = 205;
  facts->ns_pgid = 206;
  facts->session_id = 207;
  facts->ns_session_id = 208;
  facts->login_uid = 209;
  facts->tty = 210;
}

void ExpectFacts(const ProcessFacts& facts, std::string_view cgroup_path) {
  EXPECT_EQ(facts.start_boot_ns, 201u);
  EXPECT_EQ(facts.cap_permitted, 202u);
  EXPECT_EQ(facts.cap_inheritable, 203u);
  EXPECT_EQ(facts.ns_pid, 204u);
  EXPECT_EQ(facts.pgid, 205u);
  EXPECT_EQ(facts.ns_pgid, 206u);
  EXPECT_EQ(facts.session_id, 207u);
  EXPECT_EQ(facts.ns_session_id, 208u);
  EXPECT_EQ(facts.login_uid, 209u);
  EXPECT_EQ(facts.tty, 210u);
  EXPECT_EQ(facts.cgroup_path, cgroup_path);
}

void SetFile(vakt_file* file) {
  file->ino = 301;
  file->ctime_ns = -302;
  file->mtime_ns = 303;
  file->dev = 304;
  file->nlink = 305;
  file->mode = 0100644;
  file->uid = 307;
  file->path_status = VAKT_PATH_TRUNCATED;
}

void ExpectFile(const File& file, std::string_view path) {
  EXPECT_EQ(file.ino, 301u);
  EXPECT_EQ(file.ctime_ns, -302);
  EXPECT_EQ(file.mtime_ns, 303);
  EXPECT_EQ(file.dev, 304u);
  EXPECT_EQ(file.nlink, 305u);
  EXPECT_EQ(file.mode, 0100644u);
  EXPECT_EQ(file.uid, 307u);
  EXPECT_EQ(file.path_status, PathStatus::kTruncated);
  EXPECT_EQ(file.path, path);
}

std::string_view TypeName(const Event& event) {
  return event.type == kNoEventType ? "none" : AllEventTypes()[event.type].name;
}

class DecoderTest : public testing::Test {
 protected:
  // The views in the result live as long as `record` and until the next call.
  template <typename Wire>
  const Event& Decode(WireBuilder<Wire>& record) {
    EXPECT_TRUE(decoder_.Decode(record.Bytes(), &event_));
    return event_;
  }

  Decoder decoder_{kBootToWallNs};
  Event event_;
};

TEST_F(DecoderTest, Header) {
  WireBuilder<vakt_process_exit> record(Kind::process_exit);
  record->header.abi = VAKT_ABI_I386;
  record->header.cpu = 7;
  record->header.seq = 8;
  record->header.boot_ns = 9;
  const Event& event = Decode(record);
  EXPECT_EQ(event.kind, Kind::process_exit);
  EXPECT_EQ(event.abi, Abi::kI386);
  EXPECT_EQ(event.lane, Lane::CRITICAL);
  EXPECT_EQ(event.cpu, 7u);
  EXPECT_EQ(event.seq, 8u);
  EXPECT_EQ(event.boot_ns, 9u);
  EXPECT_EQ(event.wall_ns, kBootToWallNs + 9);
  EXPECT_EQ(event.process, nullptr);
}

TEST_F(DecoderTest, FullCommHasNoTerminator) {
  WireBuilder<vakt_process_exit> record(Kind::process_exit);
  SetComm("0123456789abcdef", &record->task);
  EXPECT_EQ(Decode(record).task.comm, "0123456789abcdef");
}

TEST_F(DecoderTest, ProcessFork) {
  WireBuilder<vakt_process_fork> record(Kind::process_fork);
  record->task = SampleTask(0, "parent");
  record->child = SampleTask(100, "child");
  SetFacts(&record->facts);
  record.Put(&record->facts.cgroup_path, "/system.slice");
  const Event& event = Decode(record);
  EXPECT_EQ(TypeName(event), "clone");
  ExpectTask(event.task, 0, "parent");
  ExpectTask(event.process_fork.child, 100, "child");
  ExpectFacts(event.process_fork.facts, "/system.slice");
  EXPECT_EQ(event.result, 105);  // another pid namespace: the number on the host
  record->child.pid_ns = record->task.pid_ns;
  EXPECT_EQ(Decode(record).result, 204);
}

TEST_F(DecoderTest, ProcessExec) {
  WireBuilder<vakt_process_exec> record(Kind::process_exec);
  record->task = SampleTask(0, "cat");
  SetFacts(&record->facts);
  SetFile(&record->exe);
  record->flags = VAKT_EXE_UPPER_LAYER | VAKT_EXE_UNLINKED;
  record->syscall_nr = 322;
  record.Put(&record->exe.path, "/usr/bin/cat");
  record.Put(&record->filename, "./cat");
  record.Put(&record->argv, "cat\0-n\0"sv);
  record.Put(&record->cwd, "/tmp");
  record.Put(&record->facts.cgroup_path, "/c");
  const Event& event = Decode(record);
  EXPECT_EQ(TypeName(event), "execveat");
  ExpectTask(event.task, 0, "cat");
  const ProcessExec& exec = event.process_exec;
  ExpectFile(exec.exe, "/usr/bin/cat");
  ExpectFacts(exec.facts, "/c");
  EXPECT_EQ(exec.filename, "./cat");
  EXPECT_EQ(exec.argv, "cat\0-n\0"sv);
  EXPECT_EQ(exec.cwd, "/tmp");
  EXPECT_TRUE(exec.exe_upper_layer);
  EXPECT_FALSE(exec.exe_memfd);
  EXPECT_TRUE(exec.exe_unlinked);
  EXPECT_FALSE(exec.exe_writable);
  EXPECT_FALSE(exec.argv_truncated);
}

TEST_F(DecoderTest, ProcessExecFlagsOneByOne) {
  WireBuilder<vakt_process_exec> record(Kind::process_exec);
  record->flags = VAKT_EXE_MEMFD;
  EXPECT_TRUE(Decode(record).process_exec.exe_memfd);
  record->flags = VAKT_EXE_WRITABLE;
  EXPECT_TRUE(Decode(record).process_exec.exe_writable);
  record->flags = VAKT_ARGV_TRUNCATED;
  EXPECT_TRUE(Decode(record).process_exec.argv_truncated);
  record->flags = VAKT_ARGV_UNREADABLE;
  EXPECT_TRUE(Decode(record).process_exec.argv_truncated);
}

TEST_F(DecoderTest, EveryExecHasAType) {
  struct Case {
    uint32_t syscall_nr;
    std::string_view type;
  };
  constexpr Case kCases[] = {{59, "execve"},
                             {322, "execveat"},
                             {11, "execve"},                // i386
                             {358, "execveat"},             // i386
                             {0x40000000 | 520, "execve"},  // x32
                             {0x40000000 | 545, "execveat"},
                             {0xffffffff, "execve"}};  // the kernel's own
  WireBuilder<vakt_process_exec> record(Kind::process_exec);
  for (const Case& c : kCases) {
    record->syscall_nr = c.syscall_nr;
    EXPECT_EQ(TypeName(Decode(record)), c.type) << c.syscall_nr;
  }
}

TEST_F(DecoderTest, ProcessExit) {
  WireBuilder<vakt_process_exit> record(Kind::process_exit);
  record->task = SampleTask(0, "sh");
  record->exit_code = 3 << 8;
  const Event& event = Decode(record);
  EXPECT_EQ(TypeName(event), "procexit");
  ExpectTask(event.task, 0, "sh");
  EXPECT_EQ(event.process_exit.exit_code, 3);
  EXPECT_EQ(event.process_exit.signal, 0);
  EXPECT_FALSE(event.process_exit.core_dumped);

  record->exit_code = 0x80 | 11;
  Decode(record);
  EXPECT_EQ(event.process_exit.exit_code, 0);
  EXPECT_EQ(event.process_exit.signal, 11);
  EXPECT_TRUE(event.process_exit.core_dumped);
}

TEST_F(DecoderTest, ProcessSeed) {
  WireBuilder<vakt_process_seed> record(Kind::process_seed);
  record->task = SampleTask(0, "systemd");
  SetFacts(&record->facts);
  SetFile(&record->exe);
  record->flags = VAKT_EXE_WRITABLE;
  record.Put(&record->exe.path, "/usr/lib/systemd/systemd");
  record.Put(&record->cwd, "/");
  record.Put(&record->facts.cgroup_path, "/init.scope");
  const Event& event = Decode(record);
  EXPECT_EQ(TypeName(event), "none");
  ExpectTask(event.task, 0, "systemd");
  ExpectFile(event.process_exec.exe, "/usr/lib/systemd/systemd");
  ExpectFacts(event.process_exec.facts, "/init.scope");
  EXPECT_EQ(event.process_exec.cwd, "/");
  EXPECT_TRUE(event.process_exec.exe_writable);
}

TEST_F(DecoderTest, FileOpen) {
  WireBuilder<vakt_file_open> record(Kind::file_open);
  record->task = SampleTask(0, "cat");
  SetFile(&record->file);
  record->dirfd = AT_FDCWD;
  record->result = 5;
  record->flags = O_RDWR;
  record->create_mode = 0640;
  record->resolve = 8;
  record->syscall_nr = 437;
  record.Put(&record->file.path, "/etc/shadow");
  record.Put(&record->name_raw, "../etc/shadow");
  const Event& event = Decode(record);
  EXPECT_EQ(TypeName(event), "openat2");
  EXPECT_EQ(event.lane, Lane::BULK);
  EXPECT_EQ(event.result, 5);
  ExpectTask(event.task, 0, "cat");
  const FileOpen& open = event.file_open;
  ExpectFile(open.file, "/etc/shadow");
  EXPECT_EQ(open.name_raw, "../etc/shadow");
  EXPECT_EQ(open.flags, static_cast<uint32_t>(O_RDWR));
  EXPECT_EQ(open.create_mode, 0640u);
  EXPECT_EQ(open.dirfd, AT_FDCWD);
  EXPECT_EQ(open.fd, 5);
  EXPECT_EQ(open.resolve, 8u);
}

TEST_F(DecoderTest, FailedFileOpenClaimsAPath) {
  WireBuilder<vakt_file_open> record(Kind::file_open);
  record->result = -ENOENT;
  record->file.path_status = VAKT_PATH_OK;
  record.Put(&record->file.path, "/home/eve");
  record.Put(&record->name_raw, "../../etc//shadow");
  const Event& event = Decode(record);
  EXPECT_EQ(event.result, -ENOENT);
  EXPECT_EQ(event.file_open.fd, -1);
  EXPECT_EQ(event.file_open.file.path, "/etc/shadow");
  EXPECT_EQ(event.file_open.file.path_status, PathStatus::kClaimed);
  EXPECT_EQ(event.file_open.name_raw, "../../etc//shadow");
}

TEST_F(DecoderTest, OpenedAndClosedAtOnceClaimsAPath) {
  WireBuilder<vakt_file_open> record(Kind::file_open);
  record->result = 4;
  record.Put(&record->name_raw, "/etc/./shadow");
  const Event& event = Decode(record);
  EXPECT_EQ(event.file_open.file.path, "/etc/shadow");
  EXPECT_EQ(event.file_open.file.path_status, PathStatus::kClaimed);
  EXPECT_EQ(event.file_open.fd, 4);
}

template <typename Record>
void SetNetwork(Record& record) {
  record->task = SampleTask(0, "curl");
  for (int i = 0; i < 16; ++i) {
    record->local_addr[i] = static_cast<uint8_t>(i + 1);
    record->remote_addr[i] = static_cast<uint8_t>(i + 101);
  }
  record->local_port = 40000;
  record->remote_port = 443;
  record->protocol = IPPROTO_TCP;
  record->fd = 6;
}

TEST_F(DecoderTest, NetworkConnect) {
  WireBuilder<vakt_network> record(Kind::network_connect);
  SetNetwork(record);
  record->family = AF_INET;
  record->flags = VAKT_NET_V4_MAPPED;
  record->result = -ECONNREFUSED;
  const Event& event = Decode(record);
  EXPECT_EQ(TypeName(event), "connect");
  EXPECT_EQ(event.result, -ECONNREFUSED);
  ExpectTask(event.task, 0, "curl");
  const Network& network = event.network;
  EXPECT_FALSE(network.ipv6);
  EXPECT_TRUE(network.v4_mapped);
  EXPECT_EQ(network.local.address, (std::array<uint8_t, 16>{1, 2, 3, 4}));  // no bytes beyond
  EXPECT_EQ(network.remote.address, (std::array<uint8_t, 16>{101, 102, 103, 104}));
  EXPECT_EQ(network.local.port, 40000);
  EXPECT_EQ(network.remote.port, 443);
  EXPECT_EQ(network.transport, Transport::kTcp);
  EXPECT_EQ(network.fd, 6);
}

TEST_F(DecoderTest, NetworkAccept) {
  WireBuilder<vakt_network> record(Kind::network_accept);
  SetNetwork(record);
  record->family = AF_INET6;
  record->protocol = IPPROTO_UDP;
  const Event& event = Decode(record);
  EXPECT_EQ(TypeName(event), "accept");
  EXPECT_EQ(event.result, 6);  // as accept(2) returns it
  EXPECT_TRUE(event.network.ipv6);
  EXPECT_FALSE(event.network.v4_mapped);
  EXPECT_EQ(event.network.local.address[15], 16);
  EXPECT_EQ(event.network.remote.address[15], 116);
  EXPECT_EQ(event.network.transport, Transport::kUdp);

  record->fd = -1;
  EXPECT_EQ(Decode(record).result, 0);
  record->result = -EAGAIN;
  EXPECT_EQ(Decode(record).result, -EAGAIN);
  record->protocol = IPPROTO_SCTP;
  EXPECT_EQ(Decode(record).network.transport, Transport::kUnknown);
}

TEST_F(DecoderTest, FileOpenKnowsWhatItMadeAndWhereThatIs) {
  WireBuilder<vakt_file_open> record(Kind::file_open);
  SetFile(&record->file);
  record->facts = VAKT_OPEN_CREATED | VAKT_NAME_UNREADABLE;
  record.Put(&record->file.path, "/new");
  record.Put(&record->file.outer_path, "/srv/jail/new");
  const FileOpen& open = Decode(record).file_open;
  EXPECT_TRUE(open.created);
  EXPECT_TRUE(open.name_unreadable);
  EXPECT_EQ(open.file.outer_path, "/srv/jail/new");
}

TEST_F(DecoderTest, AnUnfinishedOpenHasNoDescriptor) {
  WireBuilder<vakt_file_open> record(Kind::file_open);
  record->facts = VAKT_UNFINISHED;
  record.Put(&record->name_raw, "/x");
  EXPECT_EQ(Decode(record).file_open.fd, -1);
}

TEST_F(DecoderTest, FileRename) {
  WireBuilder<vakt_file_change> record(Kind::file_rename);
  record->task = SampleTask(0, "mv");
  record->syscall_nr = 316;
  record->result = -EXDEV;
  record->fd = -1;
  record->dirfd = AT_FDCWD;
  record->other_dirfd = 7;
  record->flags = 1;
  record->file.path_status = VAKT_PATH_OK;
  record->other_status = VAKT_PATH_OK;
  record.Put(&record->file.path, "/home/eve");
  record.Put(&record->name_raw, "a");
  record.Put(&record->other_base, "/tmp");
  record.Put(&record->other_raw, "../etc/b");
  const Event& event = Decode(record);
  EXPECT_EQ(TypeName(event), "renameat2");
  EXPECT_EQ(event.result, -EXDEV);
  ExpectTask(event.task, 0, "mv");
  const FileChange& change = event.file_change;
  EXPECT_EQ(change.file.path, "/home/eve/a");
  EXPECT_EQ(change.file.path_status, PathStatus::kAnchored);  // a name in a known directory
  EXPECT_EQ(change.name_raw, "a");
  EXPECT_EQ(change.other_path, "/etc/b");
  EXPECT_EQ(change.other_status, PathStatus::kClaimed);  // which ".." may lead elsewhere
  EXPECT_EQ(change.other_raw, "../etc/b");
  EXPECT_EQ(change.fd, -1);
  EXPECT_EQ(change.dirfd, AT_FDCWD);
  EXPECT_EQ(change.other_dirfd, 7);
  EXPECT_EQ(change.flags, 1u);
  EXPECT_FALSE(change.name_unreadable);
}

TEST_F(DecoderTest, FileChownOfADescriptor) {
  WireBuilder<vakt_file_change> record(Kind::file_chown);
  SetFile(&record->file);
  record->syscall_nr = 93;
  record->fd = 4;
  record->uid = 5;
  record->gid = 6;
  record->mode = 7;
  record->number = 8;
  record->facts = VAKT_NAME_UNREADABLE;
  record.Put(&record->file.path, "/etc/shadow");
  record.Put(&record->text, "text");
  const Event& event = Decode(record);
  EXPECT_EQ(TypeName(event), "fchown");
  ExpectFile(event.file_change.file, "/etc/shadow");
  EXPECT_EQ(event.file_change.fd, 4);
  EXPECT_EQ(event.file_change.uid, 5u);
  EXPECT_EQ(event.file_change.gid, 6u);
  EXPECT_EQ(event.file_change.mode, 7u);
  EXPECT_EQ(event.file_change.number, 8u);
  EXPECT_EQ(event.file_change.text, "text");
  EXPECT_TRUE(event.file_change.name_unreadable);
}

TEST_F(DecoderTest, UnixSocketNames) {
  WireBuilder<vakt_network> record(Kind::network_bind);
  record->family = AF_UNIX;
  record->type = SOCK_STREAM;
  record->syscall_nr = 49;
  record->path_status = VAKT_PATH_OK;
  record.Put(&record->path, std::string_view("\0hidden", 7));
  EXPECT_EQ(Decode(record).network.path, "@hidden");
  EXPECT_EQ(event_.network.path_status, PathStatus::kOk);
  EXPECT_EQ(TypeName(event_), "bind");

  WireBuilder<vakt_network> claimed(Kind::network_connect);
  claimed->family = AF_UNIX;
  claimed->facts = VAKT_NAME_CLAIMED;
  claimed.Put(&claimed->path, std::string_view("/run/x.sock\0\0", 13));
  EXPECT_EQ(Decode(claimed).network.path, "/run/x.sock");
  EXPECT_EQ(event_.network.path_status, PathStatus::kClaimed);
  EXPECT_EQ(event_.network.transport, Transport::kUnknown);
}

TEST_F(DecoderTest, NetworkSocketOfAnyFamily) {
  WireBuilder<vakt_network> record(Kind::network_socket);
  record->family = AF_PACKET;
  record->type = SOCK_RAW;
  record->protocol = 768;
  record->argument = SOCK_CLOEXEC;
  record->syscall_nr = 41;
  record->result = record->fd = 9;
  const Event& event = Decode(record);
  EXPECT_EQ(TypeName(event), "socket");
  EXPECT_EQ(event.result, 9);
  EXPECT_EQ(event.network.family, AF_PACKET);
  EXPECT_EQ(event.network.type, SOCK_RAW);
  EXPECT_EQ(event.network.protocol, 768);
  EXPECT_EQ(event.network.argument, SOCK_CLOEXEC);
  EXPECT_EQ(event.network.transport, Transport::kUnknown);
  record->family = AF_INET;
  record->type = SOCK_DGRAM;
  record->protocol = 0;  // the family's own
  EXPECT_EQ(Decode(record).network.transport, Transport::kUdp);
}

// The part of a record that tells where the call was made.
std::string StackBytes(const vakt_stack& stack, std::string_view name) {
  std::string bytes(reinterpret_cast<const char*>(&stack), sizeof(stack));
  for (uint8_t i = 0; i < stack.frames; ++i) {
    vakt_frame frame = {.status = i == 0 ? VAKT_FRAME_BUILD_ID : 2, .place = 0x1000u + i};
    for (uint8_t b = 0; b < VAKT_BUILD_ID_SIZE; ++b) frame.build_id[b] = b + 1;
    bytes.append(reinterpret_cast<const char*>(&frame), sizeof(frame));
  }
  return bytes.append(name);
}

vakt_stack SampleStack(uint8_t frames, std::string_view name) {
  return {.origin_ino = 301,
          .origin_dev = 302,
          .origin = VAKT_ORIGIN_FILE,
          .frames = frames,
          .truncated = 1,
          .name_size = static_cast<uint8_t>(name.size())};
}

TEST_F(DecoderTest, StackOfACall) {
  WireBuilder<vakt_call> record(Kind::kernel_bpf);
  record->syscall_nr = SYS_bpf;
  record.Put(&record->text, "text");
  record.Put(&record->task.stack, StackBytes(SampleStack(2, "libbpf.so.1"), "libbpf.so.1"));
  const UserStack& stack = Decode(record).user_stack;
  ASSERT_TRUE(stack.captured);
  EXPECT_EQ(stack.origin, CallOrigin::kFile);
  EXPECT_EQ(stack.origin_ino, 301u);
  EXPECT_EQ(stack.origin_dev, 302u);
  EXPECT_EQ(stack.origin_name, "libbpf.so.1");
  EXPECT_TRUE(stack.truncated);
  ASSERT_EQ(stack.frame_count, 2);
  EXPECT_TRUE(stack.frames[0].has_build_id);
  EXPECT_EQ(stack.frames[0].build_id[19], 20);
  EXPECT_EQ(stack.frames[0].offset, 0x1000u);
  EXPECT_FALSE(stack.frames[1].has_build_id);
  EXPECT_EQ(stack.frames[1].offset, 0x1001u);

  record->task.stack = {};
  EXPECT_FALSE(Decode(record).user_stack.captured);  // nothing of the one before
  EXPECT_EQ(event_.user_stack.frame_count, 0);
}

TEST_F(DecoderTest, AStackThatLiesIsDropped) {
  const auto expect_drop = [this](const vakt_stack& stack, const std::string& bytes) {
    WireBuilder<vakt_process_act> record(Kind::process_ptrace);
    record.Put(&record->task.stack, bytes);
    const uint64_t before = decoder_.dropped(DropReason::kBadValue);
    EXPECT_FALSE(decoder_.Decode(record.Bytes(), &event_)) << int{stack.frames};
    EXPECT_EQ(decoder_.dropped(DropReason::kBadValue), before + 1);
  };
  const auto changed = [](std::string bytes, const vakt_stack& header) {
    std::memcpy(bytes.data(), &header, sizeof(header));
    return bytes;
  };
  const vakt_stack good = SampleStack(1, "x");
  const std::string bytes = StackBytes(good, "x");
  vakt_stack bad = good;
  bad.frames = 2;  // the second is not there
  expect_drop(bad, changed(bytes, bad));
  bad = good;
  bad.name_size = 200;
  expect_drop(bad, changed(bytes, bad));
  bad = good;
  bad.origin = 3;
  expect_drop(bad, changed(bytes, bad));
  expect_drop(good, bytes + "y");                // more than it says
  expect_drop(good, bytes.substr(0, 3));         // less than its head
  bad = SampleStack(VAKT_STACK_FRAMES + 1, "");  // all there, and too many
  expect_drop(bad, StackBytes(bad, ""));
}

TEST_F(DecoderTest, DropsAreCountedByReason) {
  const auto drop = [this](auto& record, DropReason reason) {
    const uint64_t before = decoder_.dropped(reason);
    EXPECT_FALSE(decoder_.Decode(record.Bytes(), &event_)) << DropReasonName(reason);
    EXPECT_EQ(decoder_.dropped(reason), before + 1) << DropReasonName(reason);
  };
  EXPECT_FALSE(decoder_.Decode({}, &event_));
  EXPECT_EQ(decoder_.dropped(DropReason::kTooShort), 1u);

  WireBuilder<vakt_process_exit> record(Kind::process_exit);
  record->header.lane = VAKT_LANES;
  drop(record, DropReason::kBadValue);
  record->header.kind = 63;
  record->header.lane = 0;
  drop(record, DropReason::kUnknownKind);
  record->header.kind = 0;
  drop(record, DropReason::kUnknownKind);
  record->header.kind = static_cast<uint16_t>(Kind::process_fork);  // a larger struct
  drop(record, DropReason::kWrongSize);

  WireBuilder<vakt_network> network(Kind::network_accept);
  network->family = AF_UNIX;
  drop(network, DropReason::kBadValue);

  WireBuilder<vakt_file_open> open(Kind::file_open);
  open.Put(&open->name_raw, "name");
  open->name_raw.size += 1;  // one byte too many
  drop(open, DropReason::kBadSpan);
  open->name_raw = {.offset = 8, .size = 4};  // in the struct
  drop(open, DropReason::kBadSpan);
  open->name_raw = {.offset = 0xffff, .size = 0xffff};
  drop(open, DropReason::kBadSpan);
  open->name_raw = {.offset = 0xffff, .size = 0};  // an empty string is nowhere
  EXPECT_TRUE(decoder_.Decode(open.Bytes(), &event_));
}

TEST_F(DecoderTest, UnknownEnumeratorsBecomeUnknown) {
  WireBuilder<vakt_file_open> record(Kind::file_open);
  record->header.abi = 200;
  record->file.path_status = 77;
  record->file.mode = S_IFREG;
  record->syscall_nr = 0xffffffff;
  record.Put(&record->file.path, "/x");
  const Event& event = Decode(record);
  EXPECT_EQ(event.abi, Abi::kUnknown);
  EXPECT_EQ(event.file_open.file.path_status, PathStatus::kUnknown);
  EXPECT_EQ(TypeName(event), "none");
}

}  // namespace
}  // namespace vakt
