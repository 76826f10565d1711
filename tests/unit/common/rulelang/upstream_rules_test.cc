// SPDX-License-Identifier: Apache-2.0
// Falco's own rule files load unmodified. They are not part of this repository: the folder that
// holds them is VAKT_FALCO_RULES_DIR, or shared/data/falco-rules beside the source tree.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "common/rulelang/load.h"

namespace vakt {
namespace {

std::string RulesFolder() {
  const char* folder = std::getenv("VAKT_FALCO_RULES_DIR");
  return folder != nullptr ? folder : VAKT_SOURCE_DIR "/../shared/data/falco-rules";
}

void ExpectLoads(const std::vector<std::string>& paths, size_t enabled_rules) {
  auto files = ReadRuleFiles(paths);
  ASSERT_TRUE(files.ok()) << files.status();
  const LoadResult result = LoadRules(*files);
  for (const FileResult& file : result.files) {
    for (const LoadMessage& error : file.errors) {
      ADD_FAILURE() << file.path << ":" << error.line << ":" << error.column << ": " << error.code
                    << ": " << error.item_kind << " " << error.item_name << ": " << error.message;
    }
  }
  ASSERT_TRUE(result.ok);
  EXPECT_EQ(result.rules->rules.size(), enabled_rules);
  for (const Rule& rule : result.rules->rules) EXPECT_FALSE(rule.event_types.is_all()) << rule.name;
}

class UpstreamRules : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(RulesFolder())) {
      GTEST_SKIP() << RulesFolder() << " is absent; set VAKT_FALCO_RULES_DIR";
    }
  }
  std::string stable_ = RulesFolder() + "/falco_rules.yaml";
  std::string incubating_ = RulesFolder() + "/falco-incubating_rules.yaml";
};

TEST_F(UpstreamRules, StableLoads) { ExpectLoads({stable_}, 25); }

TEST_F(UpstreamRules, IncubatingLoads) { ExpectLoads({incubating_}, 31); }

TEST_F(UpstreamRules, BothLoadInEitherOrder) {
  ExpectLoads({stable_, incubating_}, 56);
  ExpectLoads({incubating_, stable_}, 56);
}

}  // namespace
}  // namespace vakt
