// SPDX-License-Identifier: Apache-2.0
// The small parts: status, strings, descriptors, clocks, the log, the node.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/address.h"
#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/node.h"
#include "common/base/sha256.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/unique_fd.h"
#include "common/base/version.h"
#include "common/base/wakeup.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace vakt {
namespace {

using testing::HasSubstr;

absl::StatusOr<int> Half(int n) {
  if (n % 2 != 0) return absl::InvalidArgumentError("odd");
  return n / 2;
}

absl::StatusOr<int> Quarter(int n) {
  VAKT_ASSIGN_OR_RETURN(const int half, Half(n));
  VAKT_ASSIGN_OR_RETURN(const int quarter, Half(half));
  VAKT_RETURN_IF_ERROR(quarter < 100 ? absl::OkStatus() : absl::OutOfRangeError("large"));
  return quarter;
}

TEST(StatusTest, Macros) {
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_EQ(Quarter(6).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Quarter(400).status().code(), absl::StatusCode::kOutOfRange);
}

TEST(StatusTest, ErrnoSaysWhatAndWhy) {
  const absl::Status status = ErrnoStatus(EACCES, "open /etc/shadow");
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Message(status), "open /etc/shadow: Permission denied");
}

TEST(StringsTest, StrCat) {
  const std::string_view view = "view";
  EXPECT_EQ(StrCat("text ", view, std::string(" string "), 42, " ", uint64_t{1} << 40, " ",
                   absl::Hex(255), " ", ToAbsl(view)),
            "text view string 42 1099511627776 ff view");
  EXPECT_EQ(StrCat(), "");
}

TEST(StringsTest, MapsTakeViews) {
  StringMap<int> map{{"a", 1}};
  EXPECT_EQ(map.find(std::string_view("a"))->second, 1);
  EXPECT_TRUE(StringSet{"x"}.contains(std::string_view("x")));
}

bool IsOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }

TEST(UniqueFdTest, OwnsOneDescriptor) {
  UniqueFd a(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int fd = a.get();
  UniqueFd b = std::move(a);
  EXPECT_FALSE(a.valid());
  EXPECT_EQ(b.get(), fd);
  b = std::move(b);  // NOLINT: self-move keeps it
  EXPECT_TRUE(IsOpen(fd));
  b.reset();
  EXPECT_FALSE(IsOpen(fd));
  UniqueFd c(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int released = c.release();
  c.reset();
  EXPECT_TRUE(IsOpen(released));
  close(released);
}

TEST(ClockTest, KernelClocksAdvance) {
  const int64_t before_ns = RealClock().BootNs();
  EXPECT_GT(before_ns, 0);
  EXPECT_GE(RealClock().BootNs(), before_ns);
  EXPECT_GT(RealClock().WallNs(), before_ns);
}

TEST(NodeTest, BootToWallJoinsTheClocks) {
  const int64_t wall_ns = RealClock().BootNs() + BootToWallNs();
  EXPECT_NEAR(static_cast<double>(wall_ns), static_cast<double>(RealClock().WallNs()), 1e9);
}

TEST(NodeTest, BootIdIsAUuid) {
  const auto id = BootId();
  ASSERT_TRUE(id.ok()) << id.status();
  EXPECT_EQ(id->size(), 36u);
  const std::string root = StrCat(testing::TempDir(), "vakt_node_test.", getpid());
  EXPECT_EQ(BootId(root).status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(MakeDirectories(StrCat(root, "/proc/sys/kernel/random"), 0700).ok());
  ASSERT_TRUE(
      WriteFileAtomically(StrCat(root, "/proc/sys/kernel/random/boot_id"), "?\n", 0600).ok());
  EXPECT_EQ(BootId(root).status().code(), absl::StatusCode::kDataLoss);
  std::filesystem::remove_all(root);
}

TEST(NodeTest, Names) {
  EXPECT_FALSE(Hostname().empty());
  EXPECT_FALSE(KernelRelease().empty());
  EXPECT_FALSE(kVersion.empty());
}

TEST(LogTest, LinesAreEscapedAndLevelled) {
  testing::internal::CaptureStderr();
  InitLog(LogLevel::kWarning, /*json=*/false);
  LogInfo("not shown");
  LogWarning("a\nb");
  InitLog(LogLevel::kInfo, /*json=*/true);
  LogInfo("say \"hi\"");
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, testing::Not(HasSubstr("not shown")));
  EXPECT_THAT(log, HasSubstr("warning a\\x0ab\n"));
  EXPECT_THAT(log, HasSubstr(R"("level":"info","message":"say \"hi\""})"));
}

TEST(LogTest, LogEveryHoldsBack) {
  EXPECT_TRUE(LogEvery("base_test.a", absl::Hours(1)));
  EXPECT_FALSE(LogEvery("base_test.a", absl::Hours(1)));
  EXPECT_TRUE(LogEvery("base_test.b", absl::Hours(1)));
  EXPECT_TRUE(LogEvery("base_test.a", absl::ZeroDuration()));
}

TEST(AddressTest, FourOrSixteenBytes) {
  EXPECT_EQ(AddressText("\x0a\x01\x02\x03"), "10.1.2.3");
  EXPECT_EQ(AddressText(std::string(15, '\0') + "\x01"), "::1");
  EXPECT_EQ(AddressText(""), "");
  EXPECT_EQ(AddressText("12345"), "");
}

TEST(AddressTest, BlocksHoldWhatBeginsAsTheyDo) {
  const auto block = ParseAddressBlock("10.16.0.0/12");
  ASSERT_TRUE(block.has_value());
  EXPECT_TRUE(block->Contains("\x0a\x1f\xff\xff"));
  EXPECT_FALSE(block->Contains("\x0a\x20\x01\x01"));
  EXPECT_FALSE(block->Contains(std::string(16, '\x0a')));
  EXPECT_TRUE(ParseAddressBlock("::/0")->Contains(std::string(16, 'x')));
  EXPECT_EQ(ParseAddressBlock("10.1.2.3")->bits, 32);
  for (const char* text : {"", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "x/8",
                           "::/129", "10.0.0/8", "example.com"}) {
    EXPECT_FALSE(ParseAddressBlock(text).has_value()) << text;
  }
}

TEST(WakeupTest, WaitsForNewsOrForTime) {
  Wakeup wakeup;
  const uint64_t seen = wakeup.count();
  EXPECT_FALSE(wakeup.WaitPast(seen, absl::ZeroDuration()));
  EXPECT_FALSE(wakeup.WaitPast(seen, -absl::Seconds(1)));
  std::thread other([&] { wakeup.Notify(); });
  EXPECT_TRUE(wakeup.WaitPast(seen, absl::InfiniteDuration()));
  other.join();
  EXPECT_TRUE(wakeup.WaitPast(seen, absl::ZeroDuration()));  // news stays news
  EXPECT_FALSE(wakeup.WaitPast(wakeup.count(), absl::ZeroDuration()));
}

// The hash of "abc" is in FIPS 180-4's examples.
TEST(Sha256Test, HashesHeadAndTailAsOne) {
  constexpr std::string_view kAbc =
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  EXPECT_EQ(ToHex(Sha256("abc")), kAbc);
  EXPECT_EQ(ToHex(Sha256("a", "bc")), kAbc);
  EXPECT_EQ(Sha256FromHex(kAbc), Sha256("abc"));
}

TEST(Sha256Test, HashesAFileInPieces) {
  const std::string path = StrCat(testing::TempDir(), "/sha256-", getpid());
  const std::string text(700'001, 'x');  // of more than one piece
  ASSERT_TRUE(WriteFileAtomically(path, text, 0600).ok());
  EXPECT_EQ(Sha256OfFile(path).value(), Sha256(text));
  unlink(path.c_str());
  EXPECT_THAT(Message(Sha256OfFile(path).status()), HasSubstr(path));
}

TEST(Sha256Test, TakesOnlyAWholeHash) {
  const std::string hex = ToHex(Sha256("abc"));
  EXPECT_EQ(Sha256FromHex(hex.substr(1)), std::nullopt);
  EXPECT_EQ(Sha256FromHex(hex + "00"), std::nullopt);
  EXPECT_EQ(Sha256FromHex("g" + hex.substr(1)), std::nullopt);
}

}  // namespace
}  // namespace vakt
