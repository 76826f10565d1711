// SPDX-License-Identifier: Apache-2.0
// Random streams of seeds, forks, execs, exits and other events, in good order and in bad, with
// forged cookies and tables of all sizes. Run with the address sanitizer, this is the proof that no
// pointer dangles.
#include <map>
#include <random>
#include <string>
#include <vector>

#include "agent/enrich/enricher.h"
#include "common/event/field_table.h"
#include "gtest/gtest.h"
#include "tests/unit/agent/enrich/process_events.h"

namespace vakt {
namespace {

class RandomStream {
 public:
  // `calm`: most events are opens by a process in the state in which it was before.
  RandomStream(uint32_t seed, uint32_t pids, bool calm = false)
      : random_(seed), pids_(pids), calm_(calm) {}

  Event Next() {
    now_ns_ += Pick(3) == 0 ? Pick(8) * kSecondNs : Pick(1000);
    // A little out of order, as the merge of several CPUs may be.
    const uint64_t boot_ns = now_ns_ - Pick(5);
    if (calm_ && !tasks_.empty() && Pick(10) != 0) {
      return EventOf(Kind::file_open, tasks_[Pick(static_cast<uint32_t>(tasks_.size()))], boot_ns);
    }
    const Task task = RandomTask();
    if (tasks_.size() < pids_) tasks_.push_back(task);
    tasks_[Pick(static_cast<uint32_t>(tasks_.size()))] = task;
    switch (Pick(8)) {
      case 0:
        return SeedOf(task, "/seed", boot_ns);
      case 1:
      case 2: {
        Event fork = ForkOf(task, RandomTask().pid, boot_ns);
        fork.process_fork.child = RandomTask();
        fork.process_fork.facts.session_id = Pick(pids_);
        return fork;
      }
      case 3: {
        Event exec = ExecOf(task, "/bin/x", std::string_view("x\0y\0", 4), boot_ns);
        exec.process_exec.facts.session_id = Pick(3) == 0 ? task.pid : Pick(pids_);
        return exec;
      }
      case 4:
      case 5:
        return EventOf(Kind::process_exit, task, boot_ns);
      default:
        return EventOf(Kind::file_open, task, boot_ns);
    }
  }

 private:
  uint32_t Pick(uint32_t below) { return static_cast<uint32_t>(random_() % below); }

  // Few pids with a few lives each; any parent, itself and its own descendants included.
  Task RandomTask() {
    Task task = TaskOf(Pick(pids_), Pick(pids_), Pick(2) == 0 ? "one" : "two");
    task.cookie = vakt_cookie(Pick(4) * kSecondNs, task.pid);
    task.parent_cookie = Pick(10) == 0 ? 0 : vakt_cookie(Pick(4) * kSecondNs, task.ppid);
    task.cgroup_id = Pick(3);
    task.euid = Pick(2) * 1000;
    if (Pick(4) == 0) task.tid = task.pid + 1;
    return task;
  }

  std::mt19937 random_;
  const uint32_t pids_;
  const bool calm_;
  std::vector<Task> tasks_;  // of calm streams
  uint64_t now_ns_ = 1000 * kSecondNs;
};

// Every pointer of every process in the table leads to the process in the table that it should.
void CheckTree(const ProcessTable& table, uint32_t pids) {
  size_t found = 0;
  for (uint32_t pid = 0; pid < pids; ++pid) {
    for (uint64_t life = 0; life < 4; ++life) {
      const Process* process = table.Find(vakt_cookie(life * kSecondNs, pid));
      if (process == nullptr) continue;
      ++found;
      const bool own_parent = process->parent_cookie == process->cookie;
      ASSERT_EQ(process->parent, own_parent || process->parent_cookie == 0
                                     ? nullptr
                                     : table.Find(process->parent_cookie));
      if (process->session_leader != nullptr) {
        const Process* leader = process->session_leader;
        ASSERT_EQ(table.Find(leader->cookie), leader);
        ASSERT_EQ(leader->pid, process->session_id);
      }
      const Process* live = table.FindLive(pid);
      ASSERT_TRUE(live == nullptr || (!live->exited && table.Find(live->cookie) == live));
      ASSERT_TRUE(process->exited || live == process);
    }
  }
  ASSERT_EQ(found, table.size());
}

TEST(ProcessTreePropertyTest, NoPointerDangles) {
  v1::NodeFacts no_accounts;
  for (const uint32_t pids : {3u, 8u, 40u}) {
    for (const size_t max_processes : {2u, 5u, 30u, 1000u}) {
      AccountTable accounts(no_accounts);
      EnrichOptions options;
      options.max_processes = max_processes;
      Enricher enricher(options, &accounts);
      RandomStream stream(pids * 1000 + static_cast<uint32_t>(max_processes), pids);
      for (int i = 0; i < 3000; ++i) {
        Event event = stream.Next();
        enricher.Apply(event);
        ASSERT_NE(event.process, nullptr);
        ASSERT_EQ(event.process->cookie, event.task.cookie);
        ASSERT_EQ(enricher.processes().Find(event.task.cookie), event.process);
        ASSERT_LE(enricher.processes().size(), max_processes);
        if (i % 7 == 0) CheckTree(enricher.processes(), pids);
        if (HasFatalFailure()) return;
      }
    }
  }
}

// The values of all fields that the field table says to be the same while Process::change is.
std::string ProcessFields(const Event& event) {
  std::string text;
  Extractor values;
  for (const FieldRow& row : AllFields()) {
    if ((row.flags & kFieldProcessState) == 0) continue;
    for (int64_t index : {-1, 0, 1, 2}) {
      const FieldArg arg{.present = index >= 0, .text = std::to_string(index), .index = index};
      if (arg.present && row.arg == ArgRule::kNone) continue;
      values.Reset();
      row.extract(event, arg, values);
      text.append(row.name).append(std::to_string(index)).append(":");
      for (const Value& value : values.values()) {
        text.append(value.string).append(" ");
        text.append(std::to_string(value.int_value + static_cast<int64_t>(value.uint_value)));
        text.append(value.bool_value ? " true," : ",");
      }
    }
  }
  return text;
}

TEST(ProcessTreePropertyTest, TheSameNumberMeansTheSameValues) {
  v1::NodeFacts no_accounts;
  for (const uint32_t pids : {3u, 8u, 40u}) {
    for (const size_t max_processes : {2u, 5u, 1000u}) {
      AccountTable accounts(no_accounts);
      Enricher enricher(EnrichOptions{.max_processes = max_processes}, &accounts);
      RandomStream stream(pids * 77 + static_cast<uint32_t>(max_processes), pids, /*calm=*/true);
      std::map<uint64_t, std::string> values;
      size_t repeated = 0;
      for (int i = 0; i < 3000; ++i) {
        Event event = stream.Next();
        enricher.Apply(event);
        ASSERT_NE(event.process->change, 0u);
        const auto [entry, is_new] = values.try_emplace(event.process->change);
        const std::string now = ProcessFields(event);
        if (is_new) entry->second = now;
        ASSERT_EQ(entry->second, now) << "event " << i;
        repeated += is_new ? 0 : 1;
      }
      EXPECT_GT(repeated, 0u);
    }
  }
}

TEST(ProcessTreePropertyTest, TheSameStreamGivesTheSameTree) {
  const auto run = [] {
    AccountTable accounts((v1::NodeFacts()));
    Enricher enricher(EnrichOptions{.max_processes = 30}, &accounts);
    RandomStream stream(5, 40);
    std::string trace;
    for (int i = 0; i < 2000; ++i) {
      Event event = stream.Next();
      enricher.Apply(event);
      for (const Process* p = event.process; p != nullptr && trace.size() % 97 != 0;
           p = p->parent) {
        trace.append(p->cmdline.view()).append(std::to_string(p->cookie));
      }
      trace.push_back(event.process->exited ? '-' : '+');
    }
    return trace;
  };
  EXPECT_EQ(run(), run());
}

}  // namespace
}  // namespace vakt
