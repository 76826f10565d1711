// SPDX-License-Identifier: Apache-2.0
// Filters come from the network: whatever the bytes, compiling a condition ends with a result, and
// what compiles can be asked of alerts. The full-text index is tried against it: each alert for
// which the condition holds is among those that the index finds for it.
//
// The first byte says how much of the rest is the words of the filter; the remainder is a
// condition.
//
//   filter_fuzz -max_len=2048 -dict=tests/fuzz/filter.dict corpus/
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collector/filter/alert_condition.h"
#include "collector/filter/search_terms.h"
#include "collector/store/sqlite.h"
#include "tests/fuzz/quiet.h"
#include "tests/support/sample_records.h"

namespace vakt {
namespace {

void Expect(bool condition) {
  if (!condition) __builtin_trap();
}

void AddText(const char* name, const char* value, v1::Alert* alert) {
  v1::OutputField* field = alert->add_output_fields();
  field->set_name(name);
  field->set_string_value(value);
}

std::vector<v1::StoredRecord> MakeAlerts() {
  std::vector<v1::StoredRecord> alerts(3);
  for (uint64_t i = 0; i < alerts.size(); ++i) {
    alerts[i].set_node(i == 0 ? "n1" : "n2");
    alerts[i].set_cluster("c1");
    *alerts[i].mutable_record() =
        MakeAlertRecord({.seq = i + 1}, {.rule = i == 2 ? "Other" : "Read sensitive file",
                                         .output = i == 1 ? "a shell \xc3\xa9 in payments" : "x"});
  }
  v1::Alert* alert = alerts[0].mutable_record()->mutable_alert();
  AddText("k8s.ns.name", "payments", alert);
  AddText("k8s.pod.name", "api-7f9", alert);
  AddText("container.image.repository", "registry/api", alert);
  AddText("proc.name", "cat", alert);
  AddText("fd.sip", "10.0.0.7", alert);
  alert->add_tags("mitre");
  alert->mutable_attack()->add_techniques("T1003.008");
  v1::Control* control = alert->add_controls();
  control->set_framework("PCI-DSS");
  control->set_id("10.2.1");
  v1::Event* event = alerts[1].mutable_record()->mutable_alert()->mutable_event();
  event->set_type("openat");
  event->mutable_task()->set_comm("cat");
  event->mutable_task()->set_euid(1000);
  event->mutable_file_open()->mutable_file()->set_path("/etc/shadow");
  return alerts;
}

// The alerts, indexed as the store does it.
struct World {
  World()
      : alerts(MakeAlerts()),
        database(Database::Open(":memory:", Database::Mode::kReadWrite).value()) {
    Expect(database
               ->Execute("CREATE VIRTUAL TABLE search USING fts5(terms, content = '', detail = "
                         "none, columnsize = 0, tokenize = 'ascii')")
               .ok());
    Statement insert =
        database->Prepare("INSERT INTO search (rowid, terms) VALUES (?1, ?2)").value();
    for (size_t i = 0; i < alerts.size(); ++i) {
      const std::string terms = SearchTermsOf(alerts[i].record().alert());
      Expect(insert.Run(static_cast<int64_t>(i), terms).ok());
    }
    find = database->Prepare("SELECT rowid FROM search WHERE search MATCH ?1").value();
  }
  std::vector<int64_t> Find(const std::string& expression) {
    std::vector<int64_t> found;
    Expect(find.Start(expression).ok());
    while (true) {
      const auto has_row = find.Step();
      Expect(has_row.ok());
      if (!*has_row) return found;
      found.push_back(find.Int(0));
    }
  }

  const std::vector<v1::StoredRecord> alerts;
  const std::unique_ptr<Database> database;
  Statement find;
};

}  // namespace
}  // namespace vakt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  vakt::SilenceLibraries();
  static vakt::World& world = *new vakt::World();
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string_view words = bytes.substr(0, std::min<size_t>(data[0] & 15, bytes.size()));
  const std::string_view text = bytes.substr(words.size());
  const auto condition = vakt::AlertCondition::Compile(text);
  const vakt::Expr* expr = condition.ok() ? &(*condition)->expr() : nullptr;
  const std::vector<std::string> wanted = vakt::WordsOf(words);
  const std::string expression = vakt::SearchExpression(expr, wanted);
  const std::vector<int64_t> found =
      expression.empty() ? std::vector<int64_t>() : world.Find(expression);
  for (size_t i = 0; i < world.alerts.size(); ++i) {
    const vakt::v1::StoredRecord& alert = world.alerts[i];
    const std::vector<std::string> has = vakt::WordsOf(alert.record().alert().output());
    bool matches = !condition.ok() || (*condition)->Matches(alert);
    for (const std::string& word : wanted) {
      matches = matches && std::find(has.begin(), has.end(), word) != has.end();
    }
    if (!matches || expression.empty()) continue;
    vakt::Expect(std::find(found.begin(), found.end(), static_cast<int64_t>(i)) != found.end());
  }
  return 0;
}
