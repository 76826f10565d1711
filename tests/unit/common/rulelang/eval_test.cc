// SPDX-License-Identifier: Apache-2.0
// What conditions mean. Each operator has a case that holds and one that does not.
#include "common/rulelang/eval.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "common/base/strings.h"
#include "common/rulelang/operators.h"
#include "tests/unit/common/rulelang/rule_text.h"

namespace vakt {
namespace {

class EvalTest : public testing::Test {
 protected:
  bool Open(std::string_view condition) { return Holds(condition, OpenEvent(processes_)); }
  bool Connect(std::string_view condition) { return Holds(condition, ConnectEvent(processes_)); }

  SampleProcesses processes_;
};

struct OperatorCase {
  Operator op;
  std::string_view holds;
  std::string_view fails;
};

constexpr OperatorCase kOperatorCases[] = {
    {Operator::kExists, "fd.name exists", "fd.sport exists"},
    {Operator::kEqual, "proc.name = bash", "proc.name = bas"},
    {Operator::kNotEqual, "proc.name != zsh", "proc.name != bash"},
    {Operator::kLess, "evt.rawres < 4", "evt.rawres < 3"},
    {Operator::kLessEqual, "evt.rawres <= 3", "evt.rawres <= 2"},
    {Operator::kGreater, "evt.rawres > -1", "evt.rawres > 3"},
    {Operator::kGreaterEqual, "evt.rawres >= 0x3", "evt.rawres >= 4"},
    {Operator::kContains, "proc.args contains \"-c e\"", "proc.args contains hello"},
    {Operator::kIcontains, "proc.args icontains hello", "proc.args icontains goodbye"},
    {Operator::kStartswith, "fd.name startswith /etc/", "fd.name startswith etc"},
    {Operator::kEndswith, "fd.name endswith shadow", "fd.name endswith shado"},
    {Operator::kGlob, "fd.name glob /e*w", "fd.name glob /E*w"},
    {Operator::kIglob, "fd.name iglob /E*W", "fd.name iglob /x*"},
    {Operator::kRegex, "fd.name regex '/etc/[a-z]+'", "fd.name regex '[a-z]+'"},
    {Operator::kIn, "proc.name in (zsh, bash)", "proc.name in (zsh, ash)"},
    {Operator::kIntersects, "proc.name intersects (zsh, bash)", "proc.name intersects (zsh)"},
    {Operator::kPmatch, "fd.name pmatch (/usr, /etc)", "fd.name pmatch (/et)"},
};

TEST_F(EvalTest, EveryOperatorHoldsAndFails) {
  std::set<Operator> tried = {Operator::kBcontains, Operator::kBstartswith};  // no such field yet
  for (const OperatorCase& c : kOperatorCases) {
    EXPECT_TRUE(Open(c.holds)) << c.holds;
    EXPECT_FALSE(Open(c.fails)) << c.fails;
    tried.insert(c.op);
  }
  EXPECT_EQ(tried.size(), AllOperators().size());
}

TEST(OperatorTest, BytesCompareByHexadecimalText) {
  const std::string bytes("\xca\xfe\x00\xba", 4);
  const OperatorRow& contains = OperatorOf(Operator::kBcontains);
  EXPECT_TRUE(contains.test(Value::String(bytes), Value::String("\xfe"), nullptr));
  EXPECT_FALSE(contains.test(Value::String(bytes), Value::String("\xfd"), nullptr));
  const OperatorRow& starts = OperatorOf(Operator::kBstartswith);
  EXPECT_TRUE(starts.test(Value::String(bytes), Value::String("\xca\xfe"), nullptr));
  EXPECT_FALSE(starts.test(Value::String(bytes), Value::String("\xfe"), nullptr));
}

TEST_F(EvalTest, ChecksOfNullAreFalse) {
  // fd.sport is null on a file.
  for (std::string_view check : {"fd.sport = 1", "fd.sport != 1", "fd.sport in (1)", "fd.sport > 0",
                                 "fd.sport exists", "fd.sip != \"1.2.3.4\""}) {
    EXPECT_FALSE(Open(check)) << check;
    EXPECT_TRUE(Open(StrCat("not ", check))) << check;
  }
  EXPECT_FALSE(Open("proc.name = val(container.name) and container.name = nothing"));
  EXPECT_FALSE(Open("proc.name != val(container.image)"));
}

TEST_F(EvalTest, EitherEndMatchesAndBothMustDiffer) {
  EXPECT_TRUE(Connect("fd.ip = \"10.0.0.5\""));
  EXPECT_TRUE(Connect("fd.ip = \"192.168.1.9\""));
  EXPECT_FALSE(Connect("fd.ip != \"192.168.1.9\""));
  EXPECT_TRUE(Connect("fd.ip != \"192.168.1.8\""));
  EXPECT_TRUE(Connect("fd.port in (22, https)"));
  EXPECT_FALSE(Connect("fd.port != 443"));
  EXPECT_TRUE(Connect("fd.port > 39999"));
  EXPECT_TRUE(Connect("fd.net in (\"172.16.0.0/12\", \"192.168.0.0/16\")"));
  EXPECT_FALSE(Connect("fd.net != \"10.1.2.3/8\""));
  EXPECT_TRUE(Connect("fd.net != \"127.0.0.0/8\""));
  EXPECT_TRUE(Connect("fd.net != \"fd00::/8\""));
}

TEST_F(EvalTest, NetworksAndAddresses) {
  EXPECT_TRUE(Connect("fd.snet in (\"192.168.1.8/30\")"));
  EXPECT_FALSE(Connect("fd.snet in (\"192.168.1.8/32\")"));
  EXPECT_TRUE(Connect("fd.snet = \"0.0.0.0/0\""));
  EXPECT_TRUE(Connect("fd.sip != \"::1\""));
  EXPECT_FALSE(Connect("fd.sip = \"::1\""));
  EXPECT_TRUE(Connect("fd.sip = val(fd.sip)"));
  EXPECT_TRUE(Connect("fd.sport=\"443\""));
}

TEST_F(EvalTest, AnyAncestorCounts) {
  EXPECT_TRUE(Open("proc.aname = systemd"));
  EXPECT_TRUE(Open("proc.aname in (nginx, sshd)"));
  EXPECT_FALSE(Open("proc.aname = bash"));  // not an ancestor of itself
  EXPECT_TRUE(Open("proc.aname != systemd"));
  EXPECT_TRUE(Open("proc.aname[1] = sshd and proc.aname[2] = systemd"));
  EXPECT_FALSE(Open("proc.aname[3] != x"));
  EXPECT_TRUE(Open("proc.aname startswith ss"));
}

TEST_F(EvalTest, QuantifiersCountConstants) {
  EXPECT_TRUE(Open("fd.name startswith anyof (/usr, /etc)"));
  EXPECT_TRUE(Open("fd.name contains allof (etc, shadow)"));
  EXPECT_FALSE(Open("fd.name contains allof (etc, passwd)"));
  EXPECT_TRUE(Open("fd.name contains oneof (etc, passwd)"));
  EXPECT_FALSE(Open("fd.name contains oneof (etc, shadow)"));
  EXPECT_FALSE(Open("proc.name = oneof (bash, bash)"));
  EXPECT_FALSE(Open("proc.name = anyof ()"));
  EXPECT_FALSE(Open("proc.name != allof ()"));
  EXPECT_TRUE(Open("proc.name != allof (zsh, ash)"));
}

TEST_F(EvalTest, Transformers) {
  EXPECT_TRUE(Open("toupper(proc.name) = BASH"));
  EXPECT_TRUE(Open("tolower(proc.args) contains hello"));
  EXPECT_TRUE(Open("basename(fd.name) = shadow"));
  EXPECT_TRUE(Open("len(proc.name) = 4 and len(fd.name) > 10"));
  EXPECT_TRUE(Open("concat(proc.pname, \"/\", proc.name) = sshd/bash"));
  EXPECT_TRUE(Open("join(\"-\", (proc.pname, proc.name)) = sshd-bash"));
  EXPECT_TRUE(Open("join(\"-\", ()) = ''"));
  EXPECT_TRUE(Open("fd.name = concat(\"/etc/\", \"shadow\")"));
  EXPECT_FALSE(Open("concat(proc.name, container.image) exists"));
  EXPECT_FALSE(Open("b64(proc.args) exists"));  // no Base64: null
  EXPECT_TRUE(Open("proc.name = val(proc.name) and proc.name != val(proc.pname)"));
  EXPECT_TRUE(Open("proc.pid > val(proc.ppid)"));
}

TEST_F(EvalTest, RegexSeesBytes) {
  Event event = OpenEvent(processes_);
  event.file_open.file.path = "/tmp/a\nb\xff";
  EXPECT_TRUE(Holds("fd.name regex '/tmp/.*'", event));
}

TEST_F(EvalTest, EmptyTextsAndLists) {
  EXPECT_FALSE(Open("proc.name = ''"));
  EXPECT_FALSE(Open("proc.name in ()"));
  EXPECT_TRUE(Open("not proc.name in ()"));
  EXPECT_TRUE(Open("evt.num >= 0 and not evt.num = 0"));
  EXPECT_TRUE(Open("evt.res != -1"));
}

}  // namespace
}  // namespace vakt
