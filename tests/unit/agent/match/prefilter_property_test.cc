// SPDX-License-Identifier: Apache-2.0
// What the prefilter leaves out matches no rule: on random rules and random events, with the masks
// of the event's process and without.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "agent/match/prefilter.h"
#include "common/base/strings.h"
#include "common/event/fields.h"
#include "common/rulelang/eval.h"
#include "common/rulelang/load.h"
#include "tests/support/sample_events.h"
#include "tests/unit/agent/match/random_rules.h"

namespace vakt {
namespace {

constexpr ProcessMasks kAllMasks = [] {
  ProcessMasks masks;
  masks.fill(~uint64_t{0});
  return masks;
}();

std::shared_ptr<const RuleSet> Load(const std::string& text) {
  const LoadResult result = LoadRules({{{"random.yaml", text}}});
  for (const LoadMessage& error : result.files[0].errors) {
    ADD_FAILURE() << error.line << ": " << error.message << "\n" << text;
    break;
  }
  return result.rules;
}

// Conditions as rules about files have them: each look-up of the prefilter has its part.
std::string FileRules(RandomRules& random, int count) {
  constexpr std::string_view kHow[] = {
      "evt.is_open_read = true",   "evt.is_open_write = true", "fd.num >= 0",
      "evt.failed = true",         "fd.typechar = d",          "evt.type in (open, creat)",
      "evt.is_open_create = true", "evt.res startswith E",     "evt.rawres > 4",
      "fd.arg_mismatch != none",   "fd.arg_mismatch = link",   "fd.arg_mismatch = unreadable"};
  std::string file;
  for (int i = 0; i < count; ++i) {
    file += StrCat("- rule: f", i, "\n  desc: d\n  priority: ERROR\n  output: o\n  condition: >\n",
                   "    ", kHow[random.Number(std::size(kHow))], " and ", random.PathCheck(),
                   random.Number(2) == 0 ? " and not " : " or ", random.PathCheck(), " and ",
                   random.Condition(1), "\n");
  }
  return file;
}

// Conditions as rules about connections have them.
std::string ConnectionRules(RandomRules& random, int count) {
  constexpr std::string_view kEnds[] = {"fd.sport = 22",
                                        "fd.sport in (53, 8080)",
                                        "fd.cport > 400",
                                        "fd.lport != 80",
                                        "fd.rport <= 80",
                                        "fd.port = 443",
                                        "fd.sip = 10.0.0.1",
                                        "fd.snet in (127.0.0.0/8)",
                                        "fd.cip in (10.0.0.1, 10.0.0.3)",
                                        "fd.rnet = fd00::/16",
                                        "fd.lip exists",
                                        "fd.net = 10.0.0.0/30",
                                        "fd.typechar = 4",
                                        "fd.sockfamily = ip",
                                        "fd.type in (ipv6, unix)",
                                        "fd.rip != 10.0.0.2",
                                        "fd.sproto = 22",
                                        "fd.cnet = 10.0.0.0/31",
                                        "fd.l4proto = tcp",
                                        "fd.lnet in (fd00::/30, 10.0.0.2/31)"};
  constexpr std::string_view kJoints[] = {" and ", " and ", " and not ", " or ", " or not "};
  constexpr std::string_view kCalls = "(connect, accept, accept4, bind, listen, sendto, recvfrom)";
  const auto end = [&] { return kEnds[random.Number(std::size(kEnds))]; };
  const auto joint = [&] { return kJoints[random.Number(std::size(kJoints))]; };
  std::string file;
  for (int i = 0; i < count; ++i) {
    file += StrCat("- rule: c", i, "\n  desc: d\n  priority: ERROR\n  output: o\n  condition: >\n",
                   "    evt.type in ", kCalls, " and (", end(), joint(), end(), ") and (", end(),
                   joint(), end(), ")\n");
  }
  return file;
}

class PrefilterProperty : public testing::TestWithParam<int> {
 protected:
  void Check(const std::shared_ptr<const RuleSet>& rules, uint64_t seed) {
    ASSERT_NE(rules, nullptr);
    Prefilter prefilter(rules);
    SampleEvents events(seed);
    for (int i = 0; i < 1000; ++i) CheckEvent(*rules, prefilter, events.Next());
  }

  // How many connections were left out.
  int CheckConnections(const std::shared_ptr<const RuleSet>& rules, uint64_t seed) {
    Prefilter prefilter(rules);
    SampleEvents events(seed);
    const int before = left_out_;
    for (int i = 0; i < 1000; ++i) CheckEvent(*rules, prefilter, events.NextConnection());
    return left_out_ - before;
  }

  void CheckEvent(const RuleSet& rules, Prefilter& prefilter, const Event& event) {
    ProcessMasks masks;
    prefilter.MasksOf(event, &masks);
    const bool may_send = prefilter.MaySend(event, masks);
    left_out_ += may_send ? 0 : 1;
    ASSERT_TRUE(!may_send || prefilter.MaySend(event, kAllMasks));
    if (may_send) return;
    for (const Rule& rule : rules.rules) {
      if ((rule.kinds & KindBit(event.kind)) == 0) continue;  // the engine does not ask it
      ASSERT_FALSE(Evaluate(*rule.condition, event, scratch_))
          << "left out, though this matches:\n"
          << rule.condition_text << "\npath " << event.file_open.file.path << " asked for "
          << event.file_open.name_raw << " flags " << event.file_open.flags << " result "
          << event.result << " kind " << KindStem(event.kind) << " ends "
          << EndpointName(event.network.local, event.network.ipv6) << " "
          << EndpointName(event.network.remote, event.network.ipv6);
    }
  }

  Extractor scratch_;
  int left_out_ = 0;
};

TEST_P(PrefilterProperty, AnyRules) {
  const auto seed = static_cast<uint64_t>(GetParam());
  for (const int count : {1, 2, 5, 100}) Check(Load(RandomRules(seed).File(count)), seed);
}

TEST_P(PrefilterProperty, RulesAboutFiles) {
  const auto seed = static_cast<uint64_t>(GetParam());
  RandomRules random(seed);
  for (const int count : {1, 1, 1, 1, 1, 3, 200}) Check(Load(FileRules(random, count)), seed);
  EXPECT_GT(left_out_, 0);  // or the test would say nothing
}

TEST_P(PrefilterProperty, RulesAboutConnections) {
  const auto seed = static_cast<uint64_t>(GetParam());
  RandomRules random(seed);
  int connections = 0;
  for (const int count : {1, 1, 1, 1, 3, 100}) {
    connections += CheckConnections(Load(ConnectionRules(random, count)), seed);
  }
  EXPECT_GT(connections, 0);
}

INSTANTIATE_TEST_SUITE_P(Seeds, PrefilterProperty, testing::Range(1, 41));

}  // namespace
}  // namespace vakt
