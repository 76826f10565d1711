// SPDX-License-Identifier: Apache-2.0
#include "agent/match/prefilter.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>

#include "agent/match/path_automaton.h"
#include "common/base/strings.h"
#include "common/rulelang/load.h"
#include "tests/unit/common/rulelang/rule_text.h"

namespace vakt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string RuleText(std::string_view name, std::string_view condition,
                     std::string_view priority = "NOTICE") {
  return StrCat("- rule: ", name, "\n  desc: d\n  output: o\n  priority: ", priority,
                "\n  condition: ", condition, "\n");
}

std::unique_ptr<Prefilter> PrefilterOf(const std::string& text, int priority_floor = 7) {
  const LoadResult result = LoadTexts({text});
  EXPECT_THAT(ErrorsOf(result), IsEmpty());
  return std::make_unique<Prefilter>(result.rules, priority_floor);
}

class PrefilterTest : public testing::Test {
 protected:
  Event Open(std::string_view path, uint32_t flags = O_RDONLY, uint32_t mode = S_IFREG | 0644) {
    Event event = OpenEvent(processes_);
    event.file_open.file.path = path;
    event.file_open.file.path_status = PathStatus::kOk;
    event.file_open.file.mode = mode;
    event.file_open.flags = flags;
    event.file_open.name_raw = path;
    event.file_open.fd = 3;
    event.result = 3;
    return event;
  }

  static bool Sends(Prefilter& prefilter, const Event& event) {
    ProcessMasks masks;
    prefilter.MasksOf(event, &masks);
    return prefilter.MaySend(event, masks);
  }

  SampleProcesses processes_;
};

TEST_F(PrefilterTest, LooksAtHowAFileIsOpened) {
  auto prefilter = PrefilterOf(
      RuleText("r",
               "evt.type in (open, openat) and evt.is_open_write = true and fd.num >= 0 and "
               "fd.typechar = f"));
  EXPECT_TRUE(Sends(*prefilter, Open("/a", O_WRONLY)));
  EXPECT_TRUE(Sends(*prefilter, Open("/a", O_RDWR | O_CREAT)));
  EXPECT_FALSE(Sends(*prefilter, Open("/a", O_RDONLY)));
  EXPECT_FALSE(Sends(*prefilter, Open("/a", O_WRONLY, S_IFDIR | 0755)));
  Event creat = Open("/a", O_WRONLY | O_CREAT);
  creat.type = FindEventType("creat")->id;
  EXPECT_FALSE(Sends(*prefilter, creat));
  Event failed = Open("/a", O_WRONLY, 0);
  failed.result = -EACCES;
  failed.file_open.fd = -1;
  EXPECT_FALSE(Sends(*prefilter, failed));
}

TEST_F(PrefilterTest, LooksForPiecesOfThePath) {
  auto prefilter = PrefilterOf(RuleText("r",
                                        "evt.type = openat and (fd.name startswith /etc/pam "
                                        "or fd.name endswith .key or fd.name contains id_rsa "
                                        "or fd.directory = /root or fd.filename = passwd "
                                        "or fd.name glob \"/home/*/.ssh/id_*\" "
                                        "or fd.name pmatch (/opt/secret) "
                                        "or fd.name in (/, /exact))"));
  for (const char* path :
       {"/etc/pam.d/login", "/etc/pam", "/a/b.key", "/x/id_rsa.pub", "/root/x", "/a/passwd",
        "/home/alice/.ssh/id_x", "/opt/secret", "/opt/secret/x", "/", "/exact"}) {
    EXPECT_TRUE(Sends(*prefilter, Open(path))) << path;
  }
  for (const char* path : {"/etc/pa", "/usr/etc/pam.d", "/a/b.keys", "/x/id_rs", "/rooted/x",
                           "/a/passwd-", "/home/alice/id_x", "/opt/secrets", "/exact/x",
                           "/an/exact", "/usr/lib/x86_64-linux-gnu/libc.so.6"}) {
    EXPECT_FALSE(Sends(*prefilter, Open(path))) << path;
  }
}

TEST_F(PrefilterTest, ThePathAsItWasAskedForCountsWhenARuleAsksForIt) {
  auto prefilter = PrefilterOf(
      RuleText("r", "evt.type = openat and (fd.name = /a or fd.nameraw glob \"*/proc/1/root/*\")"));
  Event open = Open("/b");
  EXPECT_FALSE(Sends(*prefilter, open));
  open.file_open.name_raw = "/proc//1/root/b";
  EXPECT_TRUE(Sends(*prefilter, open));
}

TEST_F(PrefilterTest, WhatIsNotKnownIsSent) {
  auto prefilter = PrefilterOf(RuleText("r", "evt.type = openat and fd.name startswith /etc/"));
  EXPECT_FALSE(Sends(*prefilter, Open("/usr/x")));
  Event failed = Open("/usr/x", O_RDONLY, 0);
  failed.result = -ENOENT;
  EXPECT_TRUE(Sends(*prefilter, failed));
  for (const PathStatus status :
       {PathStatus::kTruncated, PathStatus::kUnreachable, PathStatus::kClaimed}) {
    Event event = Open("/usr/x");
    event.file_open.file.path_status = status;
    EXPECT_TRUE(Sends(*prefilter, event)) << static_cast<int>(status);
  }
  EXPECT_TRUE(Sends(*prefilter, Open("/usr/x", O_RDONLY, 0)));  // closed before it was looked at
  Event unknown_call = Open("/usr/x");
  unknown_call.type = kNoEventType;
  EXPECT_TRUE(Sends(*prefilter, unknown_call));
}

TEST_F(PrefilterTest, AsksWhetherTheArgumentNamesTheFile) {
  auto prefilter = PrefilterOf(
      RuleText("r", "evt.type in (open, openat) and fd.arg_mismatch in (rewritten, unreadable)"));
  EXPECT_TRUE(prefilter->views().front().rules.front().misnamed);
  Event open = Open("/etc/passwd");
  for (const std::string_view same :
       {"/etc/passwd", "passwd", "../x/passwd", "", ".", "/x/..", "/x/"}) {
    open.file_open.name_raw = same;
    EXPECT_FALSE(Sends(*prefilter, open)) << same;
  }
  for (const std::string_view other : {"/etc/passw", "xpasswd", "passwd-", "...", "a/.x"}) {
    open.file_open.name_raw = other;
    EXPECT_TRUE(Sends(*prefilter, open)) << other;
  }
  open.file_open.name_raw = "/etc/passwd";
  open.file_open.name_unreadable = true;
  EXPECT_TRUE(Sends(*prefilter, open));

  // Not when another part of the rule can do without.
  auto either = PrefilterOf(
      RuleText("r", "evt.type = openat and (fd.arg_mismatch = link or fd.typechar = f)"));
  EXPECT_FALSE(either->views().front().rules.front().misnamed);
  EXPECT_TRUE(Sends(*either, Open("/etc/passwd")));
}

TEST_F(PrefilterTest, AsksTheProcess) {
  auto prefilter = PrefilterOf(
      RuleText("r", "evt.type = openat and proc.name in (vi, nano) and not proc.args contains -R"));
  Event event = Open("/a");
  EXPECT_TRUE(prefilter->wants_masks());
  EXPECT_FALSE(Sends(*prefilter, event));
  processes_.bash.comm = SharedString("vi");
  EXPECT_TRUE(Sends(*prefilter, event));
}

TEST_F(PrefilterTest, FieldsThatChangeWithoutTheProcessAreNotAsked) {
  auto prefilter = PrefilterOf(RuleText("ancestor", "evt.type = openat and proc.aname = init") +
                               RuleText("name", "evt.type = openat and user.name = mallory") +
                               RuleText("age", "evt.type = openat and proc.duration < 5") +
                               RuleText("clock", "evt.type = openat and proc.pid.ts < 5"));
  EXPECT_FALSE(prefilter->wants_masks());
  EXPECT_TRUE(Sends(*prefilter, Open("/a")));
}

TEST_F(PrefilterTest, OtherKindsAskTheProcessToo) {
  auto prefilter = PrefilterOf(RuleText("r", "evt.type = connect and proc.name = nobody") +
                               RuleText("e", "evt.type = execve and proc.name = nobody"));
  EXPECT_FALSE(Sends(*prefilter, ConnectEvent(processes_)));
  Event exec;  // tells of the process: never left out
  exec.kind = Kind::process_exec;
  exec.type = FindEventType("execve")->id;
  exec.process = &processes_.bash;
  EXPECT_TRUE(Sends(*prefilter, exec));
}

class PrefilterEndsTest : public PrefilterTest {
 protected:
  Event Between(Kind kind, std::string_view type, std::array<uint8_t, 16> local,
                uint16_t local_port, std::array<uint8_t, 16> remote, uint16_t remote_port) {
    Event event = ConnectEvent(processes_);
    event.kind = kind;
    event.type = FindEventType(type)->id;
    event.network.local = {local, local_port};
    event.network.remote = {remote, remote_port};
    return event;
  }
  Event Connect(std::array<uint8_t, 16> address, uint16_t port) {
    return Between(Kind::network_connect, "connect", {10, 0, 0, 5}, 40000, address, port);
  }
  Event Accept(std::array<uint8_t, 16> address, uint16_t port) {
    return Between(Kind::network_accept, "accept4", {10, 0, 0, 5}, port, address, 40000);
  }
  Event OfFamily(int family) {
    Event event = ConnectEvent(processes_);
    event.network.local = event.network.remote = {};
    event.network.family = static_cast<uint16_t>(family);
    return event;
  }
  static std::string EndsOf(const Prefilter& prefilter, Kind kind) {
    for (const auto& view : prefilter.views()) {
      if (view.kind == kind && !view.rules.empty()) return view.rules.front().ends;
    }
    return "no rule";
  }
};

TEST_F(PrefilterEndsTest, LooksAtPorts) {
  auto prefilter = PrefilterOf(RuleText(
      "r", "evt.type in (connect, accept4) and (fd.sport in (22, 4444) or fd.sport >= 65000)"));
  for (const uint16_t port : {22, 4444, 65000, 65535}) {
    EXPECT_TRUE(Sends(*prefilter, Connect({1, 2, 3, 4}, port))) << port;
    EXPECT_TRUE(Sends(*prefilter, Accept({1, 2, 3, 4}, port))) << port;
  }
  for (const uint16_t port : {0, 21, 23, 4443, 4445, 64999}) {
    EXPECT_FALSE(Sends(*prefilter, Connect({1, 2, 3, 4}, port))) << port;
    EXPECT_FALSE(Sends(*prefilter, Accept({1, 2, 3, 4}, port))) << port;
  }
  EXPECT_FALSE(Sends(*prefilter, OfFamily(AF_UNIX)));
  EXPECT_EQ(EndsOf(*prefilter, Kind::network_connect), "remote port 22 4444 65000-65535");
  EXPECT_EQ(EndsOf(*prefilter, Kind::network_accept), "local port 22 4444 65000-65535");
}

TEST_F(PrefilterEndsTest, LooksAtAddresses) {
  auto prefilter = PrefilterOf(RuleText(
      "r", "evt.type = connect and (fd.snet in (10.0.0.0/8, fd00::/8) or fd.rip = 8.8.8.8)"));
  EXPECT_TRUE(Sends(*prefilter, Connect({10, 255, 255, 255}, 1)));
  EXPECT_TRUE(Sends(*prefilter, Connect({8, 8, 8, 8}, 1)));
  EXPECT_FALSE(Sends(*prefilter, Connect({9, 255, 255, 255}, 1)));
  EXPECT_FALSE(Sends(*prefilter, Connect({11}, 1)));
  EXPECT_FALSE(Sends(*prefilter, Connect({8, 8, 8, 9}, 1)));
  EXPECT_FALSE(Sends(*prefilter, Connect({255, 255, 255, 255}, 1)));
  const auto v6 = [&](std::array<uint8_t, 16> address) {
    Event event = Between(Kind::network_connect, "connect", {}, 1, address, 1);
    event.network.family = AF_INET6;
    event.network.ipv6 = true;
    return event;
  };
  std::array<uint8_t, 16> last;
  last.fill(0xff);
  EXPECT_FALSE(Sends(*prefilter, v6(last)));
  last[0] = 0xfd;
  EXPECT_TRUE(Sends(*prefilter, v6(last)));
  EXPECT_TRUE(Sends(*prefilter, v6({0xfd})));
  EXPECT_FALSE(Sends(*prefilter, v6({0xfe})));
  EXPECT_FALSE(Sends(*prefilter, v6({0xfc, 0xff})));
  EXPECT_FALSE(Sends(*prefilter, v6({10})));  // not what begins like an address of IPv4
  EXPECT_EQ(EndsOf(*prefilter, Kind::network_connect),
            "remote address 8.8.8.8 10.0.0.0/8 fd00::/8");
}

TEST_F(PrefilterEndsTest, AndNarrowsOrWidensNotIsExact) {
  auto both =
      PrefilterOf(RuleText("r", "evt.type = connect and fd.sport = 53 and fd.sip = 10.0.0.1"));
  EXPECT_TRUE(Sends(*both, Connect({10, 0, 0, 1}, 53)));
  EXPECT_FALSE(Sends(*both, Connect({10, 0, 0, 1}, 54)));
  EXPECT_FALSE(Sends(*both, Connect({10, 0, 0, 2}, 53)));

  auto either =
      PrefilterOf(RuleText("r", "evt.type = connect and (fd.sport = 53 or proc.aname = init)"));
  EXPECT_TRUE(Sends(*either, Connect({10, 0, 0, 1}, 54)));
  EXPECT_EQ(EndsOf(*either, Kind::network_connect), "");

  auto negated = PrefilterOf(RuleText(
      "r", "evt.type = connect and fd.typechar in (4, 6) and not fd.snet in (10.0.0.0/8)"));
  EXPECT_FALSE(Sends(*negated, Connect({10, 0, 0, 1}, 53)));
  EXPECT_TRUE(Sends(*negated, Connect({11, 0, 0, 1}, 53)));
  EXPECT_FALSE(Sends(*negated, OfFamily(AF_UNIX)));
  EXPECT_FALSE(Sends(*negated, OfFamily(AF_NETLINK)));
  EXPECT_EQ(EndsOf(*negated, Kind::network_connect), "remote address not 10.0.0.0/8");

  auto unknown = PrefilterOf(RuleText("r", "evt.type = connect and not fd.sip = 10.0.0.1"));
  EXPECT_TRUE(Sends(*unknown, OfFamily(AF_UNIX)));  // a null field fails, and its `not` holds
  EXPECT_TRUE(Sends(*unknown, Connect({}, 53)));    // so does an address that is not known
}

TEST_F(PrefilterEndsTest, RulesAreToldApart) {
  auto prefilter =
      PrefilterOf(RuleText("a", "evt.type = connect and fd.sport = 53 and fd.sip = 10.0.0.1") +
                  RuleText("b", "evt.type = connect and fd.sport = 80 and fd.sip = 10.0.0.2"));
  EXPECT_TRUE(Sends(*prefilter, Connect({10, 0, 0, 1}, 53)));
  EXPECT_TRUE(Sends(*prefilter, Connect({10, 0, 0, 2}, 80)));
  EXPECT_FALSE(Sends(*prefilter, Connect({10, 0, 0, 1}, 80)));
}

TEST_F(PrefilterEndsTest, WhatDoesNotFitIsSent) {
  std::string blocks;
  for (int i = 0; i < 200; ++i) blocks += StrCat(i > 0 ? ", " : "", "10.", i, ".7.0/24");
  auto prefilter =
      PrefilterOf(RuleText("many", StrCat("evt.type = connect and fd.sport = 80 and fd.snet in (",
                                          blocks, ")")) +
                  RuleText("text", "evt.type = connect and fd.sport = 81 and fd.sproto = 82"));
  EXPECT_TRUE(Sends(*prefilter, Connect({11}, 80)));
  EXPECT_FALSE(Sends(*prefilter, Connect({10, 1, 7, 1}, 443)));  // the ports do fit
  EXPECT_TRUE(Sends(*prefilter, Connect({11}, 81)));
}

TEST_F(PrefilterTest, RulesBelowTheFloorDoNotCount) {
  const std::string text = RuleText("low", "evt.type = openat", "DEBUG") +
                           RuleText("high", "evt.type = openat and fd.name = /a", "ERROR");
  auto prefilter = PrefilterOf(text, 3);
  EXPECT_TRUE(Sends(*prefilter, Open("/a")));
  EXPECT_FALSE(Sends(*prefilter, Open("/b")));
}

TEST_F(PrefilterTest, AThousandRulesFit) {
  std::string text;
  for (int i = 0; i < 1000; ++i) {
    text += RuleText(StrCat("r", i), StrCat("evt.type = openat and proc.name = tool", i % 100,
                                            " and fd.name startswith /data/service", i, "/"));
  }
  auto prefilter = PrefilterOf(text);
  processes_.bash.comm = SharedString("tool7");
  EXPECT_TRUE(Sends(*prefilter, Open("/data/service7/x")));
  EXPECT_FALSE(Sends(*prefilter, Open("/data/other/x")));
  const auto kinds = KernelKinds();
  EXPECT_EQ(static_cast<ptrdiff_t>(prefilter->views().size()),  // nothing of the others' is wanted
            std::count_if(kinds.begin(), kinds.end(),
                          [](const KindRow& row) { return row.lane == Lane::BULK; }));
}

TEST_F(PrefilterTest, SaysWhatStandsInTheWay) {
  auto prefilter =
      PrefilterOf(RuleText("r", "evt.type = openat and (fd.name = /a or fd.name regex \".*b\")"));
  const auto& views = prefilter->views();
  const auto open = std::find_if(views.begin(), views.end(),
                                 [](const auto& view) { return view.kind == Kind::file_open; });
  ASSERT_EQ(open->rules.size(), 1u);
  EXPECT_EQ(open->rules[0].path, "");
  EXPECT_EQ(open->rules[0].obstacle, "fd.name regex \".*b\"");
}

TEST(PathAutomatonTest, PatternsAreShortenedUntilTheyFit) {
  std::vector<ClassedPattern> patterns;
  for (int i = 0; i < 2000; ++i) {
    const std::string tail(100, static_cast<char>('a' + i % 26));
    patterns.push_back({{StrCat("/srv/", i, "/", tail), true, true}, uint64_t{1} << i % 64});
  }
  auto automaton = std::make_unique<vakt_path_automaton>();
  ASSERT_TRUE(BuildPathAutomaton(patterns, automaton.get()));
  for (const ClassedPattern& p : patterns) {
    EXPECT_NE(RunPathAutomaton(*automaton, p.pattern.text) & p.classes, 0u) << p.pattern.text;
  }
  EXPECT_EQ(RunPathAutomaton(*automaton, "/usr/bin/true"), 0u);
}

TEST(PathAutomatonTest, AnyBytes) {
  std::vector<ClassedPattern> patterns;
  for (int c = 1; c < 256; ++c) {  // more bytes than there are symbols
    patterns.push_back({{std::string(2, static_cast<char>(c))}, 1});
  }
  patterns.push_back({{"/etc/shadow", true, true}, 2});
  auto automaton = std::make_unique<vakt_path_automaton>();
  ASSERT_TRUE(BuildPathAutomaton(patterns, automaton.get()));
  EXPECT_EQ(RunPathAutomaton(*automaton, "/etc/shadow"), 2u);
  for (const ClassedPattern& p : patterns) {
    EXPECT_NE(RunPathAutomaton(*automaton, p.pattern.text) & p.classes, 0u);
  }
}

}  // namespace
}  // namespace vakt
