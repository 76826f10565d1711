// SPDX-License-Identifier: Apache-2.0
#include "collector/workload/workload_table.h"

#include <unistd.h>

#include <string>

#include "collector/store/record_row.h"
#include "common/base/file.h"
#include "common/base/strings.h"
#include "gtest/gtest.h"

namespace vakt {
namespace {

std::string TextOf(const std::optional<Owner>& owner) {
  return owner ? StrCat(owner->kind, " ", owner->name) : "unknown";
}

v1::Record AlertOf(const std::string& pod_uid) {
  v1::Record record;
  record.set_boot_id("boot");
  record.set_seq(1);
  v1::Pod* pod = record.mutable_alert()->mutable_container()->mutable_pod();
  pod->set_uid(pod_uid);
  pod->set_workload_kind("Deployment");
  pod->set_workload_name("claimed");
  pod->set_workload_guessed(true);
  return record;
}

TEST(WorkloadTableTest, WhatIsBetweenIsLookedThrough) {
  WorkloadTable table;
  EXPECT_EQ(TextOf(table.Find("p")), "unknown");
  table.SetPod("p", {"ReplicaSet", "web-5d", "rs"});
  EXPECT_EQ(TextOf(table.Find("p")), "unknown");  // what made the replica set is not known yet
  table.SetOwner("rs", {"Deployment", "web", "d"});
  EXPECT_EQ(TextOf(table.Find("p")), "Deployment web");
  table.SetOwner("rs", {});
  EXPECT_EQ(TextOf(table.Find("p")), "ReplicaSet web-5d");
  table.SetPod("q", {"StatefulSet", "db", "s"});
  EXPECT_EQ(TextOf(table.Find("q")), "StatefulSet db");
  table.SetPod("r", {});
  EXPECT_EQ(TextOf(table.Find("r")), " ");
}

TEST(WorkloadTableTest, RecordsAreCompleted) {
  WorkloadTable table;
  v1::Record record = AlertOf("p");
  table.Complete(&record);
  EXPECT_TRUE(record.alert().container().pod().workload_guessed());
  table.SetPod("p", {"DaemonSet", "probe", "d"});
  table.Complete(&record);
  EXPECT_EQ(record.alert().container().pod().workload_name(), "probe");
  EXPECT_FALSE(record.alert().container().pod().workload_guessed());
  table.SetPod("p", {});  // a pod by itself that has labels of a deployment
  record = AlertOf("p");
  table.Complete(&record);
  EXPECT_EQ(record.alert().container().pod().workload_kind(), "");
  v1::Record none;
  table.Complete(&none);  // a note, a gap
  EXPECT_EQ(none.ByteSizeLong(), 0u);
}

TEST(WorkloadTableTest, SearchesFindItAndTheBytesStay) {
  WorkloadTable table;
  table.SetPod("p", {"DaemonSet", "probe", "d"});
  const std::string bytes = AlertOf("p").SerializeAsString();
  std::string taken = bytes;
  const auto with = TakeRecordRow(&taken, &table);
  ASSERT_TRUE(with.ok()) << with.status();
  EXPECT_EQ(with->bytes, bytes);
  const auto without = ToRecordRow(bytes);
  EXPECT_NE(with->search, without->search);
}

TEST(WorkloadTableTest, TheOldestGoFirst) {
  WorkloadTable table;
  for (size_t i = 0; i <= WorkloadTable::kMaxPods; ++i) table.SetPod(StrCat("p", i), {});
  EXPECT_EQ(table.pods(), WorkloadTable::kMaxPods);
  EXPECT_EQ(TextOf(table.Find("p0")), "unknown");
  EXPECT_NE(TextOf(table.Find("p1")), "unknown");
}

TEST(WorkloadTableTest, WhatIsSavedIsThereAgain) {
  const std::string path = StrCat(testing::TempDir(), "workloads.", getpid());
  WorkloadTable table;
  table.SetPod("p", {"ReplicaSet", "web-5d", "rs"});
  table.SetOwner("rs", {"Deployment", "web", "d"});
  table.SetPod("q", {});
  table.SetPod("not yet", {"Job", "j", "x"});  // no uid has a blank
  table.SetPod("r", {"ReplicaSet", "other", "unknown"});
  ASSERT_TRUE(table.Save(path).ok());
  WorkloadTable loaded;
  ASSERT_TRUE(loaded.Load(path).ok());
  EXPECT_EQ(TextOf(loaded.Find("p")), "Deployment web");
  EXPECT_EQ(TextOf(loaded.Find("q")), " ");
  EXPECT_EQ(TextOf(loaded.Find("r")), "unknown");
  EXPECT_EQ(loaded.pods(), 2u);
  ASSERT_TRUE(WriteFileAtomically(path, "a b\nx Job y\n\n\xff\xfe 1 2 3\nz - -\n", 0600).ok());
  WorkloadTable damaged;
  ASSERT_TRUE(damaged.Load(path).ok());
  EXPECT_EQ(damaged.pods(), 2u);
  EXPECT_EQ(TextOf(damaged.Find("x")), "Job y");
  EXPECT_TRUE(damaged.Load(path + ".none").ok());
  unlink(path.c_str());
}

}  // namespace
}  // namespace vakt
