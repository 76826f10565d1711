// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/common/rulelang/rule_text.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "common/base/strings.h"
#include "common/rulelang/eval.h"

namespace vakt {
namespace {

EventTypeId TypeId(std::string_view name) { return FindEventType(name)->id; }

Event EventOf(const Process& process, Kind kind, std::string_view type) {
  Event event;
  event.kind = kind;
  event.type = TypeId(type);
  event.num = 1;
  event.process = &process;
  event.task.pid = event.task.tid = process.pid;
  event.task.comm = process.comm;
  event.boot_ns = process.start_boot_ns + 1000;
  return event;
}

void SetUpProcess(std::string_view name, uint32_t pid, const Process* parent, Process* process) {
  process->cookie = process->pid = pid;
  process->parent = parent;
  process->ppid = parent == nullptr ? 0 : parent->pid;
  process->comm = SharedString(name);
  process->exe_path = SharedString(StrCat("/usr/bin/", name));
  process->argv = StringList({name, "-c", "echo Hello"});
  process->args = process->argv.Joined(1);
  process->exeline = process->argv.Joined();
  process->cmdline = SharedString(StrCat(name, " ", process->args));
  process->cwd = "/root/";
  process->container_id = "host";
  process->user_name = "root";
  process->start_boot_ns = 1'000'000;
}

}  // namespace

LoadResult LoadTexts(const std::vector<std::string>& texts) {
  std::vector<RuleFile> files;
  for (const std::string& text : texts) {
    files.push_back({StrCat(std::string(1, static_cast<char>('a' + files.size())), ".yaml"), text});
  }
  return LoadRules(files);
}

std::string RuleWith(std::string_view condition) {
  return StrCat("- rule: r\n  desc: d\n  priority: INFO\n  output: o\n  condition: >\n    ",
                condition, "\n");
}

std::vector<std::string> ErrorsOf(const LoadResult& result) {
  std::vector<std::string> all;
  for (const FileResult& file : result.files) {
    for (const LoadMessage& message : file.errors) {
      all.push_back(StrCat(message.code, ": ", message.message));
    }
  }
  return all;
}

std::vector<std::string> WarningsOf(const LoadResult& result) {
  std::vector<std::string> all;
  for (const FileResult& file : result.files) {
    for (const LoadMessage& message : file.warnings) {
      all.push_back(StrCat(message.code, ": ", message.message));
    }
  }
  return all;
}

std::vector<std::string> ConditionErrors(std::string_view condition) {
  return ErrorsOf(LoadTexts({RuleWith(condition)}));
}

SampleProcesses::SampleProcesses() {
  SetUpProcess("systemd", 1, nullptr, &systemd);
  SetUpProcess("sshd", 10, &systemd, &sshd);
  SetUpProcess("bash", 20, &sshd, &bash);
}

Event OpenEvent(const SampleProcesses& processes) {
  Event event = EventOf(processes.bash, Kind::file_open, "openat");
  event.file_open.file.path = "/etc/shadow";
  event.file_open.file.path_status = PathStatus::kOk;
  event.file_open.file.mode = S_IFREG | 0640;
  event.file_open.name_raw = "../etc/shadow";
  event.file_open.flags = O_RDONLY;
  event.file_open.fd = 3;
  event.result = 3;
  return event;
}

Event ConnectEvent(const SampleProcesses& processes) {
  Event event = EventOf(processes.bash, Kind::network_connect, "connect");
  event.network.local = {{10, 0, 0, 5}, 40000};
  event.network.remote = {{192, 168, 1, 9}, 443};
  event.network.transport = Transport::kTcp;
  event.network.fd = 4;
  event.network.family = AF_INET;
  return event;
}

bool Holds(std::string_view condition, const Event& event) {
  const LoadResult result = LoadTexts({RuleWith(condition)});
  for (const std::string& error : ErrorsOf(result)) {
    ADD_FAILURE() << condition << "\n" << error;
  }
  if (!result.ok) return false;
  Extractor scratch;
  return Evaluate(*result.rules->rules.at(0).condition, event, scratch);
}

}  // namespace vakt
