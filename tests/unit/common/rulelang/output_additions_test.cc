// SPDX-License-Identifier: Apache-2.0
// What the operator adds to rules: static fields in conditions and outputs, and append_output.
#include "common/rulelang/output_additions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/rulelang/eval.h"
#include "common/rulelang/load.h"
#include "tests/unit/common/rulelang/rule_text.h"

namespace vakt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class OutputAdditionsTest : public testing::Test {
 protected:
  LoadResult Load(std::string_view text) {
    return LoadRules({{{"a.yaml", std::string(text)}}}, options_);
  }
  std::string Rendered(const Rule& rule) { return rule.output.Render(event_, scratch_); }

  SampleProcesses processes_;
  Event event_ = OpenEvent(processes_);
  Extractor scratch_;
  LoadOptions options_{.static_fields = {{"cluster", "prod"}, {"cluster.zone", "a 1"}}};
};

constexpr std::string_view kRules = R"yaml(
- rule: one
  desc: d
  priority: INFO
  condition: evt.type = openat and static.cluster = prod and proc.name != val(static.cluster)
  output: "one %static.cluster %static.cluster.zone %static.cluster.x %toupper(static.cluster)"
  tags: [a, b]
- rule: two
  desc: d
  priority: INFO
  condition: evt.type = openat and (static.cluster in (test) or len(static.cluster) != 4)
  output: two
)yaml";

TEST_F(OutputAdditionsTest, StaticFieldsAreConstants) {
  const LoadResult result = Load(kRules);
  ASSERT_TRUE(result.ok) << testing::PrintToString(ErrorsOf(result));
  const std::vector<Rule>& rules = result.rules->rules;
  EXPECT_TRUE(Evaluate(*rules[0].condition, event_, scratch_));
  EXPECT_FALSE(Evaluate(*rules[1].condition, event_, scratch_));
  EXPECT_EQ(Rendered(rules[0]), "one prod a 1 prod.x PROD");
  EXPECT_EQ(rules[0].output.tokens()[1].name, "static.cluster");
}

TEST_F(OutputAdditionsTest, UnknownStaticFieldsAreErrors) {
  options_.static_fields = {{"zone", "x"}};
  EXPECT_THAT(ErrorsOf(Load(RuleWith("evt.type = openat and static.cluster = prod"))),
              ElementsAre(HasSubstr("no field static.cluster")));
  options_.additions = {{.output = "%static.nowhere"}};
  EXPECT_THAT(ErrorsOf(Load(RuleWith("evt.type = openat"))),
              ElementsAre(HasSubstr("LOAD_ERR_COMPILE_OUTPUT: there is no field static.nowhere")));
}

TEST_F(OutputAdditionsTest, AreForTheRulesThatTheyMatch) {
  options_.additions = {{.output = "all"},
                        {.rule = "two", .output = "of two %proc.name"},
                        {.tags = {"a"}, .output = "tagged", .suggested = false},
                        {.tags = {"a", "c"}, .output = "never"},
                        {.source = "k8s_audit", .output = "never"},
                        {.source = "syscall",
                         .fields = {{"proc.aname[2]", ""}, {"zone", "in %static.cluster.zone"}}}};
  const LoadResult result = Load(kRules);
  ASSERT_TRUE(result.ok) << testing::PrintToString(ErrorsOf(result));
  const Rule& one = result.rules->rules[0];
  const Rule& two = result.rules->rules[1];
  EXPECT_THAT(Rendered(one), testing::EndsWith(" PROD all tagged"));
  EXPECT_EQ(Rendered(two), "two all of two bash");
  EXPECT_FALSE(one.suggested_output);
  EXPECT_TRUE(two.suggested_output);
  ASSERT_EQ(two.extra_fields.size(), 2u);
  EXPECT_EQ(two.extra_fields[0].first, "proc.aname[2]");
  EXPECT_EQ(two.extra_fields[1].second.Render(event_, scratch_), "in a 1");
  EXPECT_EQ(two.output_text, "two");
}

TEST_F(OutputAdditionsTest, EnvironmentsAreAskedForWhereverTheyAreShown) {
  for (const std::string_view format : {"", "in %proc.env[HOME]", "%tolower(proc.env[HOME])"}) {
    options_.additions = {{.fields = {{"proc.env[HOME]", std::string(format)}}}};
    const LoadResult result = Load(RuleWith("evt.type = execve"));
    ASSERT_TRUE(result.ok) << format;
    EXPECT_TRUE(result.rules->rules[0].reads_environment) << format;
  }
  options_.additions = {};
  EXPECT_FALSE(Load(RuleWith("evt.type = execve")).rules->rules[0].reads_environment);
}

}  // namespace
}  // namespace vakt
