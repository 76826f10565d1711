// SPDX-License-Identifier: Apache-2.0
#include "common/event/event_names.h"

#include <fcntl.h>

#include <cerrno>

#include "gtest/gtest.h"

namespace vakt {
namespace {

TEST(ErrnoName, NamesErrorsAndNothingElse) {
  EXPECT_EQ(ErrnoName(ENOENT), "ENOENT");
  EXPECT_EQ(ErrnoName(EAGAIN), "EAGAIN");
  EXPECT_EQ(ErrnoName(EOPNOTSUPP), "EOPNOTSUPP");
  EXPECT_EQ(ErrnoName(512), "ERESTARTSYS");
  for (int64_t error : {int64_t{0}, int64_t{-1}, int64_t{511}, int64_t{1} << 40, INT64_MIN}) {
    EXPECT_EQ(ErrnoName(error), "") << error;
  }
}

TEST(CapabilityNames, LowestFirstAndUnknownBitsLeftOut) {
  EXPECT_EQ(CapabilityNames(0), "");
  EXPECT_EQ(CapabilityNames((uint64_t{1} << 40) | 1), "CAP_CHOWN CAP_CHECKPOINT_RESTORE");
  EXPECT_EQ(CapabilityNames(uint64_t{1} << 63), "");
}

TEST(OpenFlagNames, PrintsInFalcosOrder) {
  EXPECT_EQ(OpenFlagNames(O_RDONLY), "O_RDONLY");
  EXPECT_EQ(OpenFlagNames(O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC),
            "O_TRUNC|O_CREAT|O_WRONLY|O_CLOEXEC");
  EXPECT_EQ(OpenFlagNames(O_RDWR | O_APPEND | O_EXCL | O_NONBLOCK),
            "O_NONBLOCK|O_EXCL|O_APPEND|O_RDWR");
  EXPECT_EQ(OpenFlagNames(O_WRONLY | O_DSYNC), "O_DSYNC|O_WRONLY");
  EXPECT_EQ(OpenFlagNames(O_WRONLY | O_SYNC), "O_SYNC|O_DSYNC|O_WRONLY");
  EXPECT_EQ(OpenFlagNames(O_RDWR | O_TMPFILE), "O_DIRECTORY|O_RDWR|O_TMPFILE");
  EXPECT_EQ(OpenFlagNames(O_RDONLY | O_DIRECTORY), "O_DIRECTORY|O_RDONLY");
}

TEST(OpenFlagsFalco, ReadingIsABit) {
  EXPECT_EQ(OpenFlagsFalco(O_RDONLY), 1u);
  EXPECT_EQ(OpenFlagsFalco(O_WRONLY), 2u);
  EXPECT_EQ(OpenFlagsFalco(O_RDWR), 3u);
  EXPECT_EQ(OpenFlagsFalco(O_RDONLY | O_CLOEXEC), 4097u);
}

TEST(ResolveFlagNames, JoinsWhatIsSet) {
  EXPECT_EQ(ResolveFlagNames(0), "");
  EXPECT_EQ(ResolveFlagNames(0x08 | 0x01), "RESOLVE_BENEATH|RESOLVE_NO_XDEV");
}

}  // namespace
}  // namespace vakt
