// SPDX-License-Identifier: Apache-2.0
#include "common/event/kind.h"

#include <set>
#include <string_view>

#include "gtest/gtest.h"

namespace vakt {
namespace {

TEST(Kind, RowsAreFoundByIdAndStem) {
  for (const KindRow& row : AllKinds()) {
    EXPECT_EQ(FindKind(static_cast<uint16_t>(row.kind)), &row);
    EXPECT_EQ(FindKind(row.stem), &row);
    EXPECT_FALSE(row.text.empty());
  }
  EXPECT_EQ(FindKind(uint16_t{63}), nullptr);
  EXPECT_EQ(FindKind(uint16_t{0}), nullptr);
  EXPECT_EQ(FindKind("no_such"), nullptr);
  EXPECT_EQ(KindStem(Kind::file_open), "file_open");
  EXPECT_EQ(KindStem(Kind::none), "none");
}

TEST(EventType, IdsAreIndexesAndNamesAreUnique) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < AllEventTypes().size(); ++i) {
    const EventTypeRow& row = AllEventTypes()[i];
    EXPECT_EQ(row.id, i);
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(FindEventType(row.name), &row);
    if (row.kind != Kind::none) {
      EXPECT_EQ(FindEventType(row.kind, row.x86_64_nr), &row) << row.name;
    }
  }
  EXPECT_EQ(FindEventType("opena"), nullptr);
  EXPECT_EQ(FindEventType(""), nullptr);
}

TEST(EventType, NumbersLeadToTheRowOfTheirKindOnly) {
  EXPECT_EQ(FindEventType(Kind::process_exec, 59)->name, "execve");
  EXPECT_EQ(FindEventType(Kind::process_exec, 322)->name, "execveat");
  EXPECT_EQ(FindEventType(Kind::file_open, 437)->name, "openat2");
  EXPECT_EQ(FindEventType(Kind::file_open, 304)->name, "open_by_handle_at");
  EXPECT_EQ(FindEventType(Kind::network_accept, 288)->name, "accept4");
  EXPECT_EQ(FindEventType(Kind::process_exit, -1)->name, "procexit");
  EXPECT_EQ(FindEventType(Kind::file_open, 59), nullptr);
  EXPECT_EQ(FindEventType(Kind::file_open, 0), nullptr);
  EXPECT_EQ(FindEventType(Kind::none, 0)->name, "read");  // known, not reported
  for (int nr : {-2, 335, 423, 100000}) EXPECT_EQ(FindEventType(Kind::file_open, nr), nullptr);
}

// Event types that Falco's rules name.
TEST(EventType, KnowsTheTypesOfFalcosRules) {
  for (const char* name :
       {"accept",         "bpf",      "chmod",     "dup3",      "finit_module", "init_module",
        "linkat",         "listen",   "mkdirat",   "ptrace",    "recvmsg",      "renameat2",
        "sendto",         "setns",    "setuid",    "symlinkat", "unlinkat",     "unshare",
        "userfaultfd",    "procexit", "container", "fchmodat",  "clone3",       "umount2",
        "io_uring_setup", "umount",   "switch",    "drop"}) {
    EXPECT_NE(FindEventType(name), nullptr) << name;
  }
}

}  // namespace
}  // namespace vakt
