// SPDX-License-Identifier: Apache-2.0
// The kernel's verdict on real opens is the one of Prefilter::MaySend, nothing that a process tells
// of itself goes unheard, and reloads leave no gap.
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <thread>

#include "agent/decode/decoder.h"
#include "agent/match/prefilter.h"
#include "common/rulelang/load.h"
#include "tests/bpf/bpf_test_base.h"

namespace vakt {
namespace {

constexpr ProcessMasks kAllMasks = [] {
  ProcessMasks masks;
  masks.fill(~uint64_t{0});
  return masks;
}();

std::shared_ptr<const RuleSet> RulesOf(const std::string& condition) {
  const LoadResult result = LoadRules({{{"rules.yaml",
                                         "- rule: r\n  desc: d\n  output: o\n  priority: ERROR\n  "
                                         "condition: >\n    " +
                                             condition + "\n"}}});
  EXPECT_TRUE(result.ok) << condition;
  return result.rules;
}

class PrefilterBpfTest : public BpfTest {
 protected:
  void SetUp() override {
    BpfTest::SetUp();
    if (IsSkipped()) return;
    dir_ = "/tmp/vakt-prefilter-XXXXXX";
    ASSERT_NE(mkdtemp(dir_.data()), nullptr);
    for (const std::string name : {"/plain", "/id_rsa", "/x.key", "/.ssh"}) {
      const int fd = open((dir_ + name).c_str(), O_CREAT | O_WRONLY, 0640);
      ASSERT_GE(fd, 0);
      close(fd);
    }
    ASSERT_EQ(symlink("plain", (dir_ + "/link").c_str()), 0);
    ASSERT_EQ(mkfifo((dir_ + "/pipe").c_str(), 0600), 0);
    ASSERT_EQ(mkdir((dir_ + "/a").c_str(), 0755), 0);
    const std::string deep = dir_ + "/" + std::string(200, 'd');
    ASSERT_EQ(mkdir(deep.c_str(), 0755), 0);
    close(open((deep + "/" + std::string(150, 'f') + "id_rsa-in-a-long-name").c_str(),
               O_CREAT | O_WRONLY, 0640));
  }
  void TearDown() override {
    if (!dir_.empty()) std::ignore = std::system(("rm -rf " + dir_).c_str());
  }

  // Many ways to open; every one is also a way to look at how it was decided.
  int OpenAll() const {
    close(open(kFirst, O_RDONLY));  // heard whatever it is: nothing was told of the process yet
    const std::string deep =
        dir_ + "/" + std::string(200, 'd') + "/" + std::string(150, 'f') + "id_rsa-in-a-long-name";
    for (const std::string& path :
         {dir_ + "/plain", dir_ + "/id_rsa", dir_ + "/x.key", dir_ + "/.ssh", deep, dir_,
          dir_ + "/missing", std::string("/"), std::string("/etc/passwd"), std::string("/proc"),
          std::string("/proc/self/status"), std::string("/dev/null"), std::string("/etc")}) {
      for (const int flags : {O_RDONLY, O_WRONLY, O_RDWR, O_WRONLY | O_APPEND, O_RDONLY | O_PATH}) {
        close(open(path.c_str(), flags | O_NONBLOCK));
        close(static_cast<int>(syscall(SYS_open, path.c_str(), flags | O_NONBLOCK)));
      }
    }
    const int at = open(dir_.c_str(), O_PATH | O_DIRECTORY);
    close(openat(at, "id_rsa", O_RDONLY));
    close(openat(at, "link", O_RDONLY));
    close(openat(at, "./link", O_RDONLY | O_NOFOLLOW | O_PATH));
    close(openat(at, "a/../plain", O_RDONLY));
    for (const char* name : {".", "..", "./", "a/", "a/.", "a/..", "/proc/", "/proc/self/cwd"}) {
      close(openat(at, name, O_RDONLY));
    }
    OpenWhileRenamed(at);
    close(openat(at, ".//x.key", O_RDONLY));
    close(static_cast<int>(syscall(SYS_creat, (dir_ + "/made").c_str(), 0700)));
    close(open(dir_.c_str(), O_TMPFILE | O_WRONLY, 0600));
    return 0;
  }

  // An argument that lies when the call ends: the last of an open that waits for a pipe's writer.
  void OpenWhileRenamed(int at) const {
    char name[] = "pipe";
    std::thread writer([&] {
      usleep(20'000);
      name[0] = 'x';
      close(openat(at, "pipe", O_WRONLY));
    });
    close(openat(at, name, O_RDONLY));
    writer.join();
  }

  // "flags path asked-for result" of the opens that are not left out.
  std::multiset<std::string> Sent() {
    const pid_t pid = cgroup_->Run([this] { return OpenAll(); });
    std::multiset<std::string> sent;
    for (const auto& [open, record] :
         Of<vakt_file_open>(DrainAll(*sensor_), Kind::file_open, pid)) {
      if (record.Text(open.name_raw) != kFirst) sent.insert(Describe(open, record));
    }
    return sent;
  }

  // Sent whatever the rules are, unless the move to the test's cgroup has told of the process
  // already.
  static constexpr char kFirst[] = "/vakt-first";

  static std::string Describe(const vakt_file_open& open, const CapturedRecord& record) {
    std::string path = record.Text(open.file.path);
    const std::string pid = std::to_string(open.task.pid);
    if (const size_t at = path.find(pid); at != path.npos) path.replace(at, pid.size(), "PID");
    if (const size_t at = path.find('#'); at != path.npos) path.resize(at);  // O_TMPFILE: #<inode>
    return std::to_string(open.syscall_nr) + " " + std::to_string(open.flags) + " " + path + " " +
           record.Text(open.name_raw) + " " + std::to_string(open.result < 0 ? open.result : 0);
  }

  // What of the same acts Prefilter::MaySend lets through.
  std::multiset<std::string> Expected(const Prefilter& prefilter) {
    const pid_t pid = cgroup_->Run([this] { return OpenAll(); });
    Decoder decoder(0);
    std::multiset<std::string> expected;
    for (const auto& [open, record] :
         Of<vakt_file_open>(DrainAll(*sensor_), Kind::file_open, pid)) {
      Event event;
      EXPECT_TRUE(decoder.Decode(record.raw(), &event));
      if (event.file_open.name_raw == kFirst) continue;
      if (prefilter.MaySend(event, kAllMasks)) expected.insert(Describe(open, record));
    }
    return expected;
  }

  std::string dir_;
};

TEST_F(PrefilterBpfTest, the_kernel_decides_as_the_compiler_says) {
  const std::string conditions[] = {
      "evt.type in (open, openat) and evt.is_open_write = true and fd.num >= 0",
      "evt.type in (open, openat) and fd.name endswith .key and evt.is_open_read = true",
      "evt.type = openat and fd.name contains id_rsa",
      "evt.type in (openat, creat) and (fd.directory = /etc or fd.name startswith " + dir_ + "/p)",
      "evt.type in (open, openat) and fd.typechar = d and fd.name in (/, /proc, /etc)",
      "evt.type = openat and evt.failed = true and fd.name startswith /nowhere",
      "evt.type = openat and (fd.filename = status or fd.nameraw contains ./)",
      "evt.type = creat and evt.is_open_exec = true",
      "evt.type = open and fd.name glob \"*/.ssh\" and fd.typechar = f",
      "evt.type in (open, openat, openat2) and fd.num >= 0 and fd.arg_mismatch != none",
      "evt.type in (open, openat) and fd.num >= 0 and fd.arg_mismatch in (rewritten, unreadable)"
      " and fd.name startswith " +
          dir_,
      "evt.type = openat and fd.num >= 0 and (fd.arg_mismatch = link or fd.name = /etc/passwd)",
  };
  for (const std::string& condition : conditions) {
    const Prefilter prefilter(RulesOf(condition));
    StartSensor(KindBit(Kind::file_open));
    const auto expected = Expected(prefilter);
    ASSERT_TRUE(sensor_->InstallPrefilter(prefilter.tables()).ok());
    EXPECT_EQ(Sent(), expected) << condition;
    sensor_.reset();
  }
}

// What the kernel remembers of a path is never said of another.
TEST_F(PrefilterBpfTest, a_verdict_on_a_path_ends_where_the_path_does) {
  StartSensor(KindBit(Kind::file_open));
  const std::string calm = dir_ + "/a", wanted = dir_ + "/wanted";
  const Prefilter prefilter(RulesOf("evt.type = openat and fd.num >= 0 and (fd.name startswith " +
                                    wanted + " or fd.nameraw startswith ./../)"));
  ASSERT_TRUE(sensor_->InstallPrefilter(prefilter.tables()).ok());
  int status = 0;
  const auto acts = [&] {
    const auto open_twice = [](const std::string& path) {
      for (int i = 0; i < 2; ++i) close(open(path.c_str(), O_RDONLY));
    };
    prctl(PR_SET_NAME, "news");
    close(open(kFirst, O_RDONLY));
    if (unshare(CLONE_NEWNS) != 0 || mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      return 1;
    }
    close(open((calm + "/file").c_str(), O_CREAT | O_WRONLY, 0600));
    for (int round = 0; round < 2; ++round) {
      open_twice(calm + "/file");
      if (rename(calm.c_str(), wanted.c_str()) != 0) return 2;
      open_twice(wanted + "/file");
      if (rename(wanted.c_str(), calm.c_str()) != 0) return 3;
      open_twice(calm + "/file");
    }
    if (mkdir(wanted.c_str(), 0700) != 0) return 4;
    if (mount(calm.c_str(), wanted.c_str(), nullptr, MS_BIND, nullptr) != 0) return 5;
    open_twice(wanted + "/file");
    open_twice(calm + "/file");
    if (umount(wanted.c_str()) != 0) return 6;
    if (chdir(calm.c_str()) != 0) return 7;
    open_twice("./../plain");
    open_twice(".././plain");
    if (chroot(calm.c_str()) != 0) return 8;
    open_twice("/file");
    return 0;
  };
  const pid_t pid = cgroup_->Run(acts, &status);
  ASSERT_EQ(status, 0);
  std::map<std::string, int> sent;
  for (const auto& [open, record] : Of<vakt_file_open>(DrainAll(*sensor_), Kind::file_open, pid)) {
    if (record.Text(open.name_raw) != kFirst) ++sent[record.Text(open.name_raw)];
  }
  EXPECT_EQ(sent, (std::map<std::string, int>{{wanted + "/file", 6}, {"./../plain", 2}}));
}

TEST_F(PrefilterBpfTest, what_is_left_out_is_counted_and_takes_no_number) {
  StartSensor(KindBit(Kind::file_open));
  const Prefilter prefilter(RulesOf("evt.type = openat and fd.name = /etc/shadow"));
  ASSERT_TRUE(sensor_->InstallPrefilter(prefilter.tables()).ok());
  for (int i = 0; i < 3; ++i) {
    cgroup_->Run([this] {
      for (int n = 0; n < 500; ++n) close(open((dir_ + "/plain").c_str(), O_RDONLY));
      return 0;
    });
  }
  uint64_t opens = 0;
  for (const CapturedRecord& record : DrainAll(*sensor_)) {
    opens += record.header().kind == static_cast<uint16_t>(Kind::file_open) ? 1 : 0;
  }
  const SensorCounters counters = sensor_->Counters();
  const auto kind = static_cast<size_t>(Kind::file_open);
  EXPECT_EQ(opens, counters.delivered[kind]);
  EXPECT_LT(opens, 10u);
  EXPECT_GE(counters.filtered[kind], 1500u - 10);
  EXPECT_EQ(counters.hits[kind], counters.filtered[kind] + counters.delivered[kind]);
  std::vector<Loss> losses;
  sensor_->TakeLosses(&losses);
  EXPECT_TRUE(losses.empty());
}

TEST_F(PrefilterBpfTest, a_process_that_changes_is_heard_once) {
  StartSensor(KindBit(Kind::file_open));
  const Prefilter prefilter(RulesOf("evt.type = openat and fd.name = /etc/shadow"));
  ASSERT_TRUE(sensor_->InstallPrefilter(prefilter.tables()).ok());
  const pid_t pid = cgroup_->Run([this] {
    const std::string plain = dir_ + "/plain";
    for (int i = 0; i < 5; ++i) close(open(plain.c_str(), O_RDONLY));
    prctl(PR_SET_NAME, "renamed");
    for (int i = 0; i < 5; ++i) close(open(plain.c_str(), O_RDONLY));
    if (setegid(1) != 0) return 1;
    for (int i = 0; i < 5; ++i) close(open(plain.c_str(), O_RDONLY));
    return 0;
  });
  std::vector<std::string> names;
  for (const auto& [open, record] : Of<vakt_file_open>(DrainAll(*sensor_), Kind::file_open, pid)) {
    names.push_back(std::string(open.task.process_comm) + " " + std::to_string(open.task.egid));
    EXPECT_NE(open.task.fingerprint, 0u);
  }
  // As it began it was told by its move to the test's cgroup, or else by its first open.
  if (names.size() == 3) names.erase(names.begin());
  EXPECT_EQ(names, (std::vector<std::string>{"renamed 0", "renamed 1"}));
}

TEST_F(PrefilterBpfTest, masks_hold_for_one_state_of_one_process) {
  StartSensor(KindBit(Kind::file_open));
  const Prefilter prefilter(
      RulesOf("evt.type = openat and proc.name = nobody and fd.name endswith /plain"));
  ASSERT_TRUE(prefilter.wants_masks());
  ASSERT_TRUE(sensor_->InstallPrefilter(prefilter.tables()).ok());
  int go[2], done[2];
  ASSERT_EQ(pipe(go), 0);
  ASSERT_EQ(pipe(done), 0);
  const auto opens_then_waits = [&] {
    char c;
    alarm(60);  // a test that fails leaves nobody behind
    const std::string plain = dir_ + "/plain";
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 5; ++i) close(open(plain.c_str(), O_RDONLY));
      if (round == 1) prctl(PR_SET_NAME, "other");
      if (write(done[1], "", 1) != 1 || read(go[0], &c, 1) != 1) return 1;
    }
    return 0;
  };
  const pid_t pid = cgroup_->Start(opens_then_waits);
  const auto drain = [&] {
    char c;
    EXPECT_EQ(read(done[0], &c, 1), 1);
    return Of<vakt_file_open>(DrainAll(*sensor_), Kind::file_open, pid);
  };
  const auto before = drain();
  ASSERT_EQ(before.size(), 5u);  // not evaluated yet: the process might be the one
  const uint64_t fingerprint = before[0].first.task.fingerprint;
  ProcessMasks none{};
  EXPECT_FALSE(sensor_->HasProcessMasks(fingerprint));
  sensor_->SetProcessMasks(fingerprint, none);
  EXPECT_TRUE(sensor_->HasProcessMasks(fingerprint));
  EXPECT_EQ(write(go[1], "", 1), 1);
  EXPECT_TRUE(drain().empty());
  EXPECT_EQ(write(go[1], "", 1), 1);
  EXPECT_EQ(drain().size(), 5u);  // another name: what was said does not hold
  EXPECT_EQ(write(go[1], "", 1), 1);
  EXPECT_EQ(waitpid(pid, nullptr, 0), pid);
  for (const int fd : {go[0], go[1], done[0], done[1]}) close(fd);
}

TEST_F(PrefilterBpfTest, reloads_under_load_lose_nothing_that_a_rule_wants) {
  StartSensor(KindBit(Kind::file_open), 64 << 20);
  const Prefilter first(RulesOf("evt.type = openat and fd.name endswith /id_rsa"));
  const Prefilter second(
      RulesOf("evt.type = openat and fd.name contains id_rsa and "
              "not fd.name contains nothing"));
  ASSERT_TRUE(sensor_->InstallPrefilter(first.tables()).ok());
  constexpr int kRounds = 3000;
  const pid_t pid = cgroup_->Start([this] {
    const std::string plain = dir_ + "/plain", wanted = dir_ + "/id_rsa";
    for (int n = 0; n < kRounds; ++n) {
      close(open(plain.c_str(), O_RDONLY));
      close(open(wanted.c_str(), O_RDONLY));
    }
    return 0;
  });
  int status = 0;
  for (int i = 0; waitpid(pid, &status, WNOHANG) == 0; ++i) {
    ASSERT_TRUE(sensor_->InstallPrefilter(i % 2 == 0 ? second.tables() : first.tables()).ok());
  }
  int wanted = 0;
  for (const auto& [open, record] : Of<vakt_file_open>(DrainAll(*sensor_), Kind::file_open, pid)) {
    wanted += record.Text(open.file.path) == dir_ + "/id_rsa" ? 1 : 0;
  }
  const SensorCounters counters = sensor_->Counters();
  ASSERT_EQ(counters.lost[static_cast<size_t>(Kind::file_open)][0], 0u);
  EXPECT_EQ(wanted, kRounds);
}

class PrefilterEndsBpfTest : public BpfTest {
 protected:
  static constexpr KindSet kKinds = KindBit(Kind::network_connect) | KindBit(Kind::network_accept) |
                                    KindBit(Kind::network_bind) | KindBit(Kind::network_listen) |
                                    KindBit(Kind::network_send) | KindBit(Kind::network_receive);
  static constexpr uint16_t kFirstPort = 9;

  struct Address {
    Address(const char* text, uint16_t port) {
      if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
      } else {
        auto* v4 = reinterpret_cast<sockaddr_in*>(&v6);
        inet_pton(AF_INET, text, &v4->sin_addr);
        v4->sin_family = AF_INET;
      }
      v6.sin6_port = htons(port);  // the same place in both families
    }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&v6); }
    int family() const { return v6.sin6_family; }
    sockaddr_in6 v6 = {};
  };

  static void ConnectAndAccept(int listener, const Address& to) {
    const int fd = socket(to.family(), SOCK_STREAM, 0);
    connect(fd, to.get(), sizeof(to.v6));
    sockaddr_in6 peer;
    socklen_t size = sizeof(peer);
    const int accepted = accept(listener, reinterpret_cast<sockaddr*>(&peer), &size);
    close(accepted);
    close(fd);
  }

  static void Datagrams(const Address& to) {
    const int receiver = socket(to.family(), SOCK_DGRAM, 0);
    bind(receiver, to.get(), sizeof(to.v6));
    const int sender = socket(to.family(), SOCK_DGRAM, 0);
    sendto(sender, "x", 1, 0, to.get(), sizeof(to.v6));
    sockaddr_in6 from;
    socklen_t size = sizeof(from);
    char byte;
    recvfrom(receiver, &byte, 1, MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&from), &size);
    connect(sender, to.get(), sizeof(to.v6));
    close(sender);
    close(receiver);
  }

  static int Connections() {
    if (unshare(CLONE_NEWNET) != 0) return 1;
    ifreq loopback = {};
    std::strcpy(loopback.ifr_name, "lo");
    loopback.ifr_flags = IFF_UP;
    const int control = socket(AF_INET, SOCK_DGRAM, 0);
    if (ioctl(control, SIOCSIFFLAGS, &loopback) != 0) return 1;
    const Address first("127.0.0.1", kFirstPort);  // heard whatever it is
    connect(control, first.get(), sizeof(first.v6));
    for (const uint16_t port : {22, 80, 4444}) {
      const Address any("::", port);
      const int listener = socket(AF_INET6, SOCK_STREAM, 0);
      if (bind(listener, any.get(), sizeof(any.v6)) != 0 || listen(listener, 4) != 0) return 1;
      for (const char* to : {"127.0.0.1", "127.3.2.1", "::1", "::ffff:127.0.0.1"}) {
        ConnectAndAccept(listener, Address(to, port));
      }
      close(listener);
      const Address refused("127.0.0.1", port);
      const int fd = socket(AF_INET, SOCK_STREAM, 0);
      connect(fd, refused.get(), sizeof(refused.v6));
      close(fd);
      for (const char* to : {"127.0.0.1", "127.3.2.1", "::1"}) Datagrams(Address(to, port));
    }
    sockaddr_un nobody = {.sun_family = AF_UNIX, .sun_path = "/nobody/is/here"};
    const int local = socket(AF_UNIX, SOCK_STREAM, 0);
    connect(local, reinterpret_cast<sockaddr*>(&nobody), sizeof(nobody));
    close(local);
    return 0;
  }

  // "kind family local:port remote:port result"; ports that the kernel has picked are 0.
  static std::string Describe(const vakt_network& n) {
    const auto end = [&](const __u8* address, uint16_t port) {
      char text[INET6_ADDRSTRLEN] = "-";
      inet_ntop(n.family, address, text, sizeof(text));
      return std::string(text) + ":" + std::to_string(port < 10'000 ? port : 0);
    };
    return std::string(KindStem(static_cast<Kind>(n.header.kind))) + " " +
           std::to_string(n.family) + " " + end(n.local_addr, n.local_port) + " " +
           end(n.remote_addr, n.remote_port) + " " + std::to_string(std::min(n.result, 0));
  }

  // Of the connections that are sent those that `prefilter` lets through; of all, when null.
  std::multiset<std::string> Sent(const Prefilter* prefilter) {
    int status = 0;
    const pid_t pid = cgroup_->Run([] { return Connections(); }, &status);
    EXPECT_EQ(status, 0);
    Decoder decoder(0);
    std::multiset<std::string> sent;
    for (const CapturedRecord& record : DrainAll(*sensor_)) {
      const auto kind = static_cast<Kind>(record.header().kind);
      if ((kKinds & KindBit(kind)) == 0) continue;
      const auto network = record.As<vakt_network>();
      if (network.task.pid != static_cast<uint32_t>(pid) || network.remote_port == kFirstPort) {
        continue;
      }
      Event event;
      EXPECT_TRUE(decoder.Decode(record.raw(), &event));
      if (prefilter == nullptr || prefilter->MaySend(event, kAllMasks)) {
        sent.insert(Describe(network));
      }
    }
    return sent;
  }
};

TEST_F(PrefilterEndsBpfTest, the_kernel_decides_as_the_compiler_says) {
  constexpr std::string_view kAny =
      "evt.type in (connect, accept, accept4, bind, listen, sendto, recvfrom) and ";
  for (const std::string_view ends :
       {"fd.sport = 22", "fd.sport in (22, 4444)", "fd.lport < 80", "fd.rport > 80",
        "fd.snet in (127.0.0.0/16)", "fd.rip = 127.3.2.1", "fd.sip = \"::1\"",
        "fd.sport = 80 and fd.rnet in (\"::/64\")", "fd.typechar = 4 and not fd.sport = 80",
        "not fd.sport in (22, 80, 4444)", "fd.sockfamily = unix", "fd.sport = 1"}) {
    for (const bool strict : {false, true}) {
      const Prefilter prefilter(RulesOf(std::string(kAny) + std::string(ends)));
      StartSensor(kKinds, 16 << 20, strict);
      const auto all = Sent(nullptr);
      for (const KindRow& row : KernelKinds()) {
        if ((kKinds & KindBit(row.kind)) == 0) continue;
        const std::string stem(KindStem(row.kind));
        EXPECT_TRUE(std::any_of(all.begin(), all.end(), [&](const auto& text) {
          return text.starts_with(stem + " ");
        })) << stem;
      }
      const auto expected = Sent(&prefilter);
      ASSERT_TRUE(sensor_->InstallPrefilter(prefilter.tables()).ok());
      EXPECT_EQ(Sent(nullptr), expected) << ends << (strict ? " strict" : "");
      EXPECT_LT(expected.size(), all.size()) << ends;
      const SensorCounters counters = sensor_->Counters();
      const auto connect = static_cast<size_t>(Kind::network_connect);
      EXPECT_GT(counters.filtered[connect], 0u) << ends;
      EXPECT_EQ(counters.hits[connect], counters.filtered[connect] + counters.delivered[connect]);
      sensor_.reset();
    }
  }
}

}  // namespace
}  // namespace vakt
