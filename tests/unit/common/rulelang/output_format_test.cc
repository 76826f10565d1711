// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/output_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/status.h"
#include "common/base/strings.h"
#include "tests/unit/common/rulelang/rule_text.h"

namespace vakt {
namespace {

std::string Render(std::string_view text) {
  const auto format = OutputFormat::Parse(text);
  if (!format.ok()) return StrCat("error: ", Message(format.status()));
  SampleProcesses processes;
  processes.bash.comm = SharedString("ba\nsh\xff");
  Extractor scratch;
  return format->Render(OpenEvent(processes), scratch);
}

TEST(OutputFormatTest, PutsInFields) {
  EXPECT_EQ(Render("plain"), "plain");
  EXPECT_EQ(Render(""), "");
  EXPECT_EQ(Render("file=%fd.name pid=%proc.pid."), "file=/etc/shadow pid=20.");
  EXPECT_EQ(Render("%proc.pname%proc.ppid"), "sshd10");
  EXPECT_EQ(Render("%proc.aname[2]/%proc.aname"), "systemd/sshd systemd");
  EXPECT_EQ(Render("%evt.arg.flags"), "O_RDONLY");
  EXPECT_EQ(Render("%proc.pname.exe"), "sshd.exe");
  EXPECT_EQ(Render("%fd.sport %container.image"), "<NA> <NA>");
  EXPECT_EQ(Render("%toupper(proc.pname)!"), "SSHD!");
  EXPECT_EQ(Render("[%<6>proc.pname][%<3>fd.name]"), "[sshd  ][/et]");
  EXPECT_EQ(Render("%evt.is_open_read"), "true");
}

// As rule files have it: the longest name of a field ends where no longer one begins.
TEST(OutputFormatTest, NamesEndWhereTheLongestFieldDoes) {
  EXPECT_EQ(Render("%proc.pname_%proc.ppid"), "sshd_10");
  EXPECT_EQ(Render("%proc.pnames %proc.pname2"), "sshds sshd2");
  EXPECT_EQ(Render("%proc.pname.x.y %fd.name.ip"), "sshd.x.y /etc/shadow.ip");
  EXPECT_EQ(Render("%proc.pname(%proc.ppid)"), "sshd(10)");
  EXPECT_EQ(Render("%proc.pname: %proc.pname-%proc.pname/%proc.ppid,"), "sshd: sshd-sshd/10,");
  EXPECT_EQ(Render("%proc.aname[2]x%proc.aname[1][0]"), "systemdxsshd[0]");
  EXPECT_EQ(Render("%evt.arg.flags_ %evt.arg.flags.x %evt.arg[flags]x"),
            "O_RDONLY_ O_RDONLY.x O_RDONLYx");
  EXPECT_EQ(Render("%evt.arg.name|%evt.rawarg.flags|%evt.args_"),
            StrCat("/etc/shadow|1|", Render("%evt.args"), "_"));
  EXPECT_EQ(Render("100%proc.pname%proc.pname%<2>proc.pnamex"), "100sshdsshdssx");
}

TEST(OutputFormatTest, EscapesWhatValuesHold) {
  EXPECT_EQ(Render("%proc.name|"), "ba\\x0ash\\xff|");
}

TEST(OutputFormatTest, RefusesWhatIsNoField) {
  for (std::string_view text :
       {"%", "a %", "%no.such", "%proc.name[1]", "%evt.arg", "%fd.ip", "%<x>proc.name", "%<3",
        "%100", "%tolower(proc.pid)", "%proc.nam", "%proc", "%evt.arg.zork", "%evt.type.is",
        "%thread.cgroup_", "%evt.arg_"}) {
    EXPECT_THAT(Render(text), testing::StartsWith("error: ")) << text;
  }
}

TEST(OutputFormatTest, TokensKeepTheirNames) {
  const auto format = OutputFormat::Parse("a %<5>proc.aname[2] %tolower(fd.name)");
  ASSERT_TRUE(format.ok());
  ASSERT_EQ(format->tokens().size(), 4u);
  EXPECT_EQ(format->tokens()[1].name, "proc.aname[2]");
  EXPECT_EQ(format->tokens()[1].width, 5);
  EXPECT_EQ(format->tokens()[1].arg().index, 2);
  EXPECT_EQ(format->tokens()[3].name, "tolower(fd.name)");
  EXPECT_EQ(format->tokens()[3].field(), nullptr);
}

}  // namespace
}  // namespace vakt
