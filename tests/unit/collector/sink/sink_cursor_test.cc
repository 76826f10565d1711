// SPDX-License-Identifier: Apache-2.0
#include "collector/sink/sink_cursor.h"

#include <gtest/gtest.h>

#include "common/base/file.h"
#include "tests/support/temporary_directory.h"

namespace vakt {
namespace {

TEST(SinkCursor, GoesOnWhereItStood) {
  const TemporaryDirectory directory;
  const auto store = Store::Open({.directory = directory.path() + "/a"}).value();
  EXPECT_EQ(SinkCursor(store.get(), directory.path(), "siem").Load(5).value(), 5);
  // It has a file from then on: what was "now" does not move with the restarts.
  EXPECT_TRUE(ReadFile(directory.path() + "/siem.cursor").ok());
}

TEST(SinkCursor, IsSetBackToTheEndOfARestoredStore) {
  const TemporaryDirectory directory;
  const auto store = Store::Open({.directory = directory.path() + "/a"}).value();
  SinkCursor cursor(store.get(), directory.path(), "siem");
  ASSERT_TRUE(cursor.Save(9).ok());
  EXPECT_EQ(cursor.Load(0).value(), store->last_id());
}

TEST(SinkCursor, BeginsAnewInAnotherStoreAndWithDamage) {
  const TemporaryDirectory directory;
  const auto first = Store::Open({.directory = directory.path() + "/a"}).value();
  const auto second = Store::Open({.directory = directory.path() + "/b"}).value();
  ASSERT_TRUE(SinkCursor(first.get(), directory.path(), "siem").Save(3).ok());
  SinkCursor cursor(second.get(), directory.path(), "siem");
  EXPECT_EQ(cursor.Load(7).value(), 0);
  ASSERT_TRUE(WriteFileAtomically(directory.path() + "/siem.cursor", "\xff\n", 0600).ok());
  EXPECT_EQ(cursor.Load(7).value(), 0);
}

}  // namespace
}  // namespace vakt
