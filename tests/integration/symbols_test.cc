// SPDX-License-Identifier: Apache-2.0
// vakt-symbols on real files: its own test program, whole, stripped and with its debug file apart.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "common/base/file.h"
#include "common/base/strings.h"
#include "tests/support/own_code.h"
#include "tests/support/temporary_directory.h"

namespace vakt {
namespace {

namespace fs = std::filesystem;

struct Outcome {
  int status = -1;
  std::string out;  // and what went to standard error
};

Outcome Shell(const std::string& command) {
  Outcome outcome;
  FILE* pipe = popen(StrCat("exec 2>&1; ", command).c_str(), "r");
  if (pipe == nullptr) return outcome;
  char buffer[4096];
  for (size_t n; (n = fread(buffer, 1, sizeof(buffer), pipe)) > 0;) outcome.out.append(buffer, n);
  const int status = pclose(pipe);
  if (WIFEXITED(status)) outcome.status = WEXITSTATUS(status);
  return outcome;
}

std::string Hex(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) {
    char digits[3];
    std::snprintf(digits, sizeof(digits), "%02x", static_cast<unsigned char>(c));
    text += digits;
  }
  return text;
}

class SymbolsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(place_.build_id.size(), 20u);
    fs::create_directories(root_.path() + "/usr/bin");
    program_ = root_.path() + "/usr/bin/program";
    fs::copy_file("/proc/self/exe", program_);
  }

  Outcome Symbols(const std::string& arguments) {
    return Shell(StrCat(VAKT_BINARY_DIR "/bin/vakt-symbols --root ", root_.path(), " ", arguments));
  }
  std::string PlaceFlags() {
    return StrCat("--build-id ", Hex(place_.build_id), " --offset ", place_.offset);
  }

  // "vakt::CallFromHere(...)+0x1c": how far the call's end is in its function.
  static std::string Into() {
    const auto into =
        reinterpret_cast<uintptr_t>(CallSite()) - reinterpret_cast<uintptr_t>(&CallFromHere);
    char text[24];
    std::snprintf(text, sizeof(text), "+0x%zx  ", into);
    return text;
  }
  static bool Has(const Outcome& outcome, const std::string& text) {
    return outcome.out.find(text) != std::string::npos;
  }

  const CodePlace place_ = PlaceOf(CallSite());
  TemporaryDirectory root_;
  std::string program_;
};

TEST_F(SymbolsTest, NamesAPlace) {
  const Outcome outcome = Symbols(PlaceFlags());
  EXPECT_EQ(outcome.status, 0) << outcome.out;
  EXPECT_TRUE(Has(outcome, "  vakt::CallFromHere(")) << outcome.out;
  EXPECT_TRUE(Has(outcome, Into())) << outcome.out << Into();
  EXPECT_TRUE(Has(outcome, program_)) << outcome.out;
}

TEST_F(SymbolsTest, NamesTheFramesOfAnAlert) {
  const std::string alert = root_.path() + "/alert.json";
  const std::string text =
      StrCat(R"({"event":{"user_stack":{"frames":[{"build_id":")", Hex(place_.build_id),
             R"(","offset":)", place_.offset, R"(},{"build_id":"","offset":140737488355328}]}}})");
  ASSERT_TRUE(WriteFileAtomically(alert, text, 0600).ok());
  const Outcome as_text = Symbols(alert);
  EXPECT_EQ(as_text.status, 1) << as_text.out;  // the second has no name
  EXPECT_TRUE(as_text.out.starts_with("#0  ")) << as_text.out;
  EXPECT_TRUE(Has(as_text, "\n#1  0x800000000000  ?  (an address without a file")) << as_text.out;
  const Outcome as_json = Symbols(StrCat("--output json < ", alert));
  EXPECT_EQ(as_json.status, 1);
  EXPECT_TRUE(Has(as_json, R"("function":"vakt::CallFromHere()")) << as_json.out;
  EXPECT_TRUE(Has(as_json, R"("offset":140737488355328,"file":"","unnamed":)")) << as_json.out;
}

// Names of neighbours are not made up; what the distribution keeps apart is found.
TEST_F(SymbolsTest, AStrippedProgramNeedsItsDebugFile) {
  const std::string id = Hex(place_.build_id);
  const std::string directory = StrCat(root_.path(), "/usr/lib/debug/.build-id/", id.substr(0, 2));
  fs::create_directories(directory);
  const std::string debug_file = StrCat(directory, "/", id.substr(2), ".debug");
  ASSERT_EQ(Shell(StrCat("objcopy --only-keep-debug ", program_, " ", debug_file)).status, 0);
  ASSERT_EQ(Shell(StrCat("strip ", program_)).status, 0);
  const Outcome with = Symbols(PlaceFlags());
  EXPECT_EQ(with.status, 0) << with.out;
  EXPECT_TRUE(Has(with, "  vakt::CallFromHere(")) << with.out;
  EXPECT_TRUE(Has(with, program_)) << with.out;

  fs::remove(debug_file);
  const Outcome without = Symbols(PlaceFlags());
  EXPECT_EQ(without.status, 1);
  EXPECT_TRUE(Has(without, "?  (no symbol covers it")) << without.out;
}

// It lays the code out otherwise, so its offsets say nothing.
TEST_F(SymbolsTest, ADebugFileAloneNamesNothing) {
  ASSERT_EQ(Shell(StrCat("objcopy --only-keep-debug ", program_, " ", program_, ".debug")).status,
            0);
  fs::remove(program_);
  const Outcome outcome = Symbols(PlaceFlags());
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(Has(outcome, "no file with this build id")) << outcome.out;
}

TEST_F(SymbolsTest, AFileElsewhereIsFoundByPath) {
  const std::string elsewhere = root_.path() + "/elsewhere";
  fs::rename(program_, elsewhere);
  EXPECT_EQ(Symbols(PlaceFlags()).status, 1);
  EXPECT_EQ(Symbols(StrCat(PlaceFlags(), " --path ", elsewhere)).status, 0);
  EXPECT_EQ(Symbols(StrCat(PlaceFlags(), " --path ", root_.path())).status, 0);
}

TEST_F(SymbolsTest, WrongUsageAndWrongInput) {
  const auto status = [&](const std::string& arguments) { return Symbols(arguments).status; };
  EXPECT_EQ(status("--help"), 0);
  EXPECT_EQ(status("--version"), 0);
  EXPECT_EQ(status("--offset 3"), 2);
  EXPECT_EQ(status("--build-id xyz --offset 3"), 2);
  EXPECT_EQ(status("--build-id 00ff --offset 3x"), 2);
  EXPECT_EQ(status("--build-id"), 2);
  EXPECT_EQ(status("--colour"), 2);
  EXPECT_EQ(status("--output xml < /dev/null"), 2);
  EXPECT_EQ(status("/no/such/file"), 2);
  EXPECT_EQ(status("< /dev/null"), 2);
  EXPECT_EQ(status("a b"), 2);
  EXPECT_EQ(Shell(StrCat("echo '{\"event\":{}}' | " VAKT_BINARY_DIR "/bin/vakt-symbols")).status,
            1);
}

}  // namespace
}  // namespace vakt
