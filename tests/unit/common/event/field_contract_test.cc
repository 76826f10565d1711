// SPDX-License-Identifier: Apache-2.0
// What rule files written for Falco count on: the parameters of each event type in Falco's order,
// and which events have a descriptor and of what type.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_split.h"
#include "common/base/strings.h"
#include "common/event/event_params.h"
#include "common/event/field_table.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/common/event/world.h"

namespace vakt {
namespace {

std::string TextOf(std::string_view field, const Event& event) {
  Extractor extractor;
  FindField(field)->extract(event, FieldArg(), extractor);
  if (extractor.values().empty()) return "null";
  const Value& value = extractor.values()[0];
  if (value.tag == Value::Tag::kBool) return value.bool_value ? "true" : "false";
  return std::string(value.string);
}

struct TypeRow {
  std::string_view type;
  std::string_view params;
};

constexpr TypeRow kParams[] = {
    {"accept", "fd tuple queuepct queuelen queuemax"},
    {"accept4", "fd tuple queuepct queuelen queuemax flags"},
    {"bpf", "fd cmd"},
    {"chmod", "res filename mode"},
    {"connect", "res tuple fd addr"},
    {"creat", "fd name mode dev ino creat_flags"},
    {"dup", "res oldfd"},
    {"dup2", "res oldfd newfd"},
    {"dup3", "res oldfd newfd flags"},
    {"execve",
     "res exe args tid pid ptid cwd fdlimit pgft_maj pgft_min vm_size vm_rss vm_swap comm cgroups "
     "env tty vpgid loginuid flags cap_inheritable cap_permitted cap_effective exe_ino "
     "exe_ino_ctime exe_ino_mtime uid trusted_exepath pgid gid filename"},
    {"execveat",
     "res exe args tid pid ptid cwd fdlimit pgft_maj pgft_min vm_size vm_rss vm_swap comm cgroups "
     "env tty vpgid loginuid flags cap_inheritable cap_permitted cap_effective exe_ino "
     "exe_ino_ctime exe_ino_mtime uid trusted_exepath pgid gid"},
    {"fchmod", "res fd mode"},
    {"fchmodat", "res dirfd filename mode"},
    {"finit_module", "res fd uargs flags"},
    {"init_module", "res img length uargs"},
    {"link", "res oldpath newpath"},
    {"linkat", "res olddir oldpath newdir newpath flags"},
    {"listen", "res fd backlog"},
    {"mkdir", "res path mode"},
    {"mkdirat", "res dirfd path mode"},
    {"open", "fd name flags mode dev ino"},
    {"openat", "fd dirfd name flags mode dev ino"},
    {"openat2", "fd dirfd name flags mode resolve dev ino"},
    {"ptrace", "res addr data request pid"},
    {"recvfrom", "res data tuple fd size"},
    {"recvmsg", "res size data tuple msgcontrol fd"},
    {"rename", "res oldpath newpath"},
    {"renameat", "res olddirfd oldpath newdirfd newpath"},
    {"renameat2", "res olddirfd oldpath newdirfd newpath flags"},
    {"rmdir", "res path"},
    {"sendmsg", "res data fd size tuple"},
    {"sendto", "res data fd size tuple"},
    {"setns", "res fd nstype"},
    {"setuid", "res uid"},
    {"socket", "fd domain type proto flags"},
    {"symlink", "res target linkpath"},
    {"symlinkat", "res target linkdirfd linkpath"},
    {"unlink", "res path"},
    {"unlinkat", "res dirfd name flags"},
    {"unshare", "res flags"},
    {"userfaultfd", "res flags"},
};

TEST(FieldContract, ParametersAreInFalcosOrder) {
  for (const TypeRow& row : kParams) {
    Event event;
    const EventTypeRow* type = FindEventType(row.type);
    ASSERT_NE(type, nullptr) << row.type;
    EXPECT_NE(type->kind, Kind::none) << row.type << " is never reported";
    event.type = type->id;
    std::string names;
    size_t left = std::vector<std::string>(absl::StrSplit(ToAbsl(row.params), ' ')).size();
    for (const ParamRow& param : EventParams(event)) {  // ours may follow
      if (left-- == 0) break;
      names += (names.empty() ? "" : " ") + std::string(param.name);
    }
    EXPECT_EQ(names, row.params) << row.type;
  }
}

TEST(FieldContract, RawParametersAreNumbersOrTexts) {
  for (std::string_view name : {"exe", "args", "cwd", "comm", "cgroups", "env", "trusted_exepath",
                                "filename", "name", "path", "oldpath", "newpath", "target",
                                "linkpath", "uargs", "img", "tuple", "msgcontrol"}) {
    EXPECT_EQ(RawParamType(name), FieldType::kString) << name;
  }
  for (std::string_view name :
       {"res",   "fd",       "mode",   "flags",  "dev",      "ino",     "uid", "gid",
        "pid",   "tid",      "domain", "type",   "proto",    "request", "cmd", "backlog",
        "dirfd", "olddirfd", "nstype", "length", "loginuid", "tty"}) {
    EXPECT_EQ(RawParamType(name), FieldType::kInt) << name;
  }
}

// Calls that name their object by a path, or have none.
TEST(FieldContract, CallsWithoutADescriptorHaveNoFdFields) {
  const World world;
  std::vector<Event> events = {world.exec, world.exit, world.fork, world.become_root, world.trace};
  const struct {
    Kind kind;
    std::string_view type;
  } named[] = {{Kind::file_rename, "rename"}, {Kind::file_rename, "renameat2"},
               {Kind::file_unlink, "unlink"}, {Kind::file_unlink, "rmdir"},
               {Kind::file_link, "link"},     {Kind::file_symlink, "symlink"},
               {Kind::file_mkdir, "mkdir"},   {Kind::file_mkdir, "mkdirat"},
               {Kind::file_chmod, "chmod"},   {Kind::file_chmod, "fchmodat"}};
  for (const auto& change : named) {
    Event event = world.rename;
    event.kind = change.kind;
    event.type = FindEventType(change.type)->id;
    events.push_back(event);
  }
  for (const Event& event : events) {
    for (const FieldRow& row : AllFields()) {
      if (!row.name.starts_with("fd.")) continue;
      Extractor extractor;
      row.extract(event, FieldArg(), extractor);
      EXPECT_TRUE(extractor.values().empty()) << row.name << " of " << TextOf("evt.type", event);
    }
  }
}

TEST(FieldContract, TypesOfFiles) {
  const World world;
  const struct {
    uint16_t mode;
    std::string_view typechar;
    std::string_view type;
  } cases[] = {{S_IFREG, "f", "file"},
               {S_IFCHR, "f", "file"},
               {S_IFBLK, "f", "file"},
               {S_IFDIR, "d", "directory"},
               {S_IFIFO, "p", "pipe"}};
  for (const auto& c : cases) {
    Event event = world.open;
    event.file_open.file.mode = c.mode;
    EXPECT_EQ(TextOf("fd.typechar", event), c.typechar) << c.mode;
    EXPECT_EQ(TextOf("fd.type", event), c.type) << c.mode;
  }
}

TEST(FieldContract, TypesOfSockets) {
  const World world;
  const struct {
    uint16_t family;
    std::string_view typechar;
    std::string_view type;
    std::string_view sockfamily;
    std::string_view l4proto;
  } cases[] = {{AF_INET, "4", "ipv4", "ip", "tcp"},
               {AF_INET6, "6", "ipv6", "ip", "tcp"},
               {AF_UNIX, "u", "unix", "unix", "<NA>"},
               {AF_NETLINK, "n", "netlink", "null", "<NA>"},
               {AF_PACKET, "o", "null", "null", "<NA>"}};
  for (const auto& c : cases) {
    Event event = world.connect;
    event.network.family = c.family;
    EXPECT_EQ(TextOf("fd.typechar", event), c.typechar) << c.family;
    EXPECT_EQ(TextOf("fd.type", event), c.type) << c.family;
    EXPECT_EQ(TextOf("fd.sockfamily", event), c.sockfamily) << c.family;
    EXPECT_EQ(TextOf("fd.l4proto", event), c.l4proto) << c.family;
  }
}

TEST(FieldContract, PathsOfFiles) {
  const World world;
  const struct {
    std::string_view path;
    std::string_view directory;
    std::string_view filename;
  } cases[] = {{"/a/b/c", "/a/b", "c"}, {"/a", "/", "a"}, {"/a/.b", "/a", ".b"}};
  for (const auto& c : cases) {
    Event event = world.open;
    event.file_open.file.path = c.path;
    EXPECT_EQ(TextOf("fd.name", event), c.path);
    EXPECT_EQ(TextOf("fd.directory", event), c.directory) << c.path;
    EXPECT_EQ(TextOf("fd.filename", event), c.filename) << c.path;
  }
  Event event = world.open;
  event.file_open.name_raw = "..///etc/.//shadow/";
  EXPECT_EQ(TextOf("fd.nameraw", event), "../etc/./shadow/");
}

struct OpenCase {
  std::string_view type;
  uint32_t flags;
  uint16_t create_mode;
  std::string_view read_write_exec;
};

TEST(FieldContract, WhatOpensAreFor) {
  const World world;
  const OpenCase cases[] = {
      {"open", O_RDONLY, 0, "true false false"},
      {"openat", O_WRONLY, 0, "false true false"},
      {"openat2", O_RDWR, 0, "true true false"},
      {"open_by_handle_at", O_RDONLY, 0, "true false false"},
      {"creat", O_WRONLY | O_CREAT | O_TRUNC, 0644, "false true false"},
      {"creat", O_WRONLY | O_CREAT | O_TRUNC, 0744, "false true true"},
      {"open", O_RDONLY | O_CREAT, 0010, "true false true"},
      {"open", O_RDWR | O_CREAT, 0001, "true true true"},
      {"open", O_RDWR, 0755, "true true false"},  // creates nothing
      {"openat", O_WRONLY | O_TMPFILE, 0700, "false true true"},
  };
  for (const OpenCase& c : cases) {
    Event event = world.open;
    event.type = FindEventType(c.type)->id;
    event.file_open.flags = c.flags;
    event.file_open.create_mode = c.create_mode;
    EXPECT_EQ(StrCat(TextOf("evt.is_open_read", event), " ", TextOf("evt.is_open_write", event),
                     " ", TextOf("evt.is_open_exec", event)),
              c.read_write_exec)
        << c.type << " " << c.flags << " " << c.create_mode;
  }
  for (const Event* event : {&world.exec, &world.rename, &world.connect}) {
    for (std::string_view field :
         {"evt.is_open_read", "evt.is_open_write", "evt.is_open_exec", "evt.is_open_create"}) {
      EXPECT_EQ(TextOf(field, *event), "false") << field;
    }
  }
}

// The first calls are a flow's beginning; a failed connect leaves no connection.
TEST(FieldContract, Connections) {
  const World world;
  const struct {
    Kind kind;
    int64_t result;
    std::string_view connected;
  } cases[] = {{Kind::network_connect, 0, "true"},
               {Kind::network_connect, -EINPROGRESS, "true"},
               {Kind::network_connect, -ECONNREFUSED, "false"},
               {Kind::network_connect, -EACCES, "false"},
               {Kind::network_accept, 7, "true"},
               {Kind::network_listen, 0, "false"},
               {Kind::network_send, 0, "false"},
               {Kind::network_receive, 0, "false"}};
  for (const auto& c : cases) {
    Event event = world.connect;
    event.kind = c.kind;
    event.result = c.result;
    EXPECT_EQ(TextOf("fd.connected", event), c.connected) << KindStem(c.kind) << c.result;
  }
}

TEST(FieldContract, AnUndecidedContainerHasAnEmptyId) {
  World world;
  world.curl.container_id = "";
  world.curl.container = nullptr;
  EXPECT_EQ(TextOf("container.id", world.exec), "");
  EXPECT_EQ(TextOf("container.name", world.exec), "null");
  EXPECT_EQ(TextOf("container.privileged", world.exec), "null");
}

}  // namespace
}  // namespace vakt
