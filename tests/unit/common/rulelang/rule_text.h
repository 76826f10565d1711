// SPDX-License-Identifier: Apache-2.0
// Rules from texts, and events to try them on.
#ifndef VAKT_TESTS_UNIT_COMMON_RULELANG_RULE_TEXT_H_
#define VAKT_TESTS_UNIT_COMMON_RULELANG_RULE_TEXT_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/event/event.h"
#include "common/event/process.h"
#include "common/rulelang/load.h"

namespace vakt {

// Each text is one file: a.yaml, b.yaml, ...
LoadResult LoadTexts(const std::vector<std::string>& texts);

// A rule file with one rule, named "r".
std::string RuleWith(std::string_view condition);

// "CODE: message" of all errors, or warnings, of all files.
std::vector<std::string> ErrorsOf(const LoadResult& result);
std::vector<std::string> WarningsOf(const LoadResult& result);
// The errors of a file with one rule with the condition.
std::vector<std::string> ConditionErrors(std::string_view condition);

// Some processes: systemd (pid 1) > sshd (pid 10) > bash (pid 20).
struct SampleProcesses {
  SampleProcesses();
  Process systemd;
  Process sshd;
  Process bash;
};

// bash opens /etc/shadow for reading as fd 3.
Event OpenEvent(const SampleProcesses& processes);
// bash connects from 10.0.0.5:40000 to 192.168.1.9:443.
Event ConnectEvent(const SampleProcesses& processes);

// Whether the condition holds for the event; a failure of the test when it does not load.
bool Holds(std::string_view condition, const Event& event);

}  // namespace vakt

#endif  // VAKT_TESTS_UNIT_COMMON_RULELANG_RULE_TEXT_H_
