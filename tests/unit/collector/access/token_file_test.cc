// SPDX-License-Identifier: Apache-2.0
#include "collector/access/token_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace vakt {
namespace {

using ::testing::HasSubstr;

const std::string kHash(64, 'a');

TEST(TokenFileTest, ReadsLinesWithAndWithoutAnEnd) {
  const auto tokens = ParseTokens("# who\n\n siem viewer " + kHash + "\r\nbob\tadmin " +
                                  std::string(64, 'B') + " 2027-01-01T00:00:00Z");
  ASSERT_TRUE(tokens.ok()) << tokens.status();
  ASSERT_EQ(tokens->size(), 2u);
  EXPECT_EQ(tokens->at(kHash).name, "siem");
  EXPECT_EQ(tokens->at(kHash).role, Role::kViewer);
  EXPECT_EQ(tokens->at(kHash).until, absl::InfiniteFuture());
  const TokenRow& bob = tokens->at(std::string(64, 'b'));  // in either case
  EXPECT_EQ(bob.role, Role::kAdmin);
  EXPECT_EQ(absl::ToUnixSeconds(bob.until), 1798761600);
}

TEST(TokenFileTest, RefusesOtherLinesAndNamesThem) {
  for (const std::string& line :
       {std::string("siem viewer"), "siem viewer " + kHash + " soon", "siem root " + kHash,
        "s/m viewer " + kHash, "siem viewer " + kHash.substr(1), "siem viewer " + kHash + "a",
        "siem viewer " + kHash + " 2027-01-01T00:00:00Z more",
        "a viewer " + kHash + "\nb viewer " + kHash}) {
    const auto tokens = ParseTokens("# first\n" + line);
    ASSERT_FALSE(tokens.ok()) << line;
    EXPECT_THAT(tokens.status().ToString(), HasSubstr("line ")) << line;
  }
}

}  // namespace
}  // namespace vakt
