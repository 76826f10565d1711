// SPDX-License-Identifier: Apache-2.0
#include "agent/decode/claimed_path.h"

#include <string>

#include "gtest/gtest.h"

namespace vakt {
namespace {

TEST(ClaimedPathTest, JoinsAndNormalises) {
  struct Case {
    std::string_view base, raw, path;
  };
  constexpr Case kCases[] = {
      {"/home/eve", "notes", "/home/eve/notes"},
      {"/home/eve", "./a//b/./c", "/home/eve/a/b/c"},
      {"/home/eve", "../../etc/shadow", "/etc/shadow"},
      {"/home", "../../../../etc", "/etc"},
      {"/", "etc/passwd", "/etc/passwd"},
      {"/a", "..", "/"},
      {"/a", ".", "/a"},
      {"/a", "...", "/a/..."},
      {"/a", "b/", "/a/b"},
      {"/a/", "b", "/a/b"},
      {"/ignored", "/etc//passwd", "/etc/passwd"},
      {"/ignored", "/etc/../etc/./shadow", "/etc/shadow"},
      {"/ignored", "/..", "/"},
      {"", "/abs", "/abs"},
      {"", "relative/../x", "relative/../x"},  // nothing to start from: as it is
      {"/a", "", ""},
      {"", "", ""},
  };
  std::string scratch;
  for (const Case& c : kCases) {
    EXPECT_EQ(ClaimedPath(c.base, c.raw, &scratch), c.path) << c.base << " + " << c.raw;
  }
}

}  // namespace
}  // namespace vakt
