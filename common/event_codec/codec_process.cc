// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>

#include "common/event_codec/codec_parts.h"

namespace vakt {
namespace {

void ExecToProto(const ProcessExec& exec, v1::ProcessExec* out) {
  FileToProto(exec.exe, out->mutable_exe());
  Set(exec.filename, out->mutable_filename());
  Set(exec.interpreter, out->mutable_interpreter());
  for (std::string_view rest = exec.argv; !rest.empty();) {
    const size_t end = std::min(rest.find('\0'), rest.size());
    out->add_argv(rest.data(), end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  out->set_argv_truncated(exec.argv_truncated);
  Set(exec.env, out->mutable_env());
  Set(exec.cwd, out->mutable_cwd());
  out->set_exe_upper_layer(exec.exe_upper_layer);
  out->set_exe_memfd(exec.exe_memfd);
  out->set_exe_unlinked(exec.exe_unlinked);
  out->set_exe_writable(exec.exe_writable);
  FactsToProto(exec.facts, out->mutable_facts());
}

ProcessExec ExecFromProto(const v1::ProcessExec& in, std::string* argv_storage) {
  argv_storage->clear();
  for (const std::string& arg : in.argv()) {
    argv_storage->append(arg);
    argv_storage->push_back('\0');
  }
  return {
      .exe = FileFromProto(in.exe()),
      .filename = in.filename(),
      .interpreter = in.interpreter(),
      .argv = *argv_storage,
      .env = in.env(),
      .cwd = in.cwd(),
      .argv_truncated = in.argv_truncated(),
      .exe_upper_layer = in.exe_upper_layer(),
      .exe_memfd = in.exe_memfd(),
      .exe_unlinked = in.exe_unlinked(),
      .exe_writable = in.exe_writable(),
      .facts = FactsFromProto(in.facts()),
  };
}

}  // namespace

void ToProto_process_fork(const Event& event, v1::ProcessFork* out) {
  TaskToProto(event.process_fork.child, out->mutable_child());
  FactsToProto(event.process_fork.facts, out->mutable_child_facts());
  out->set_clone_flags(event.process_fork.clone_flags);
}

bool FromProto_process_fork(const v1::ProcessFork& in, std::string*, Event* out) {
  out->process_fork = {.child = TaskFromProto(in.child()),
                       .facts = FactsFromProto(in.child_facts()),
                       .clone_flags = in.clone_flags()};
  return true;
}

void ToProto_process_exec(const Event& event, v1::ProcessExec* out) {
  ExecToProto(event.process_exec, out);
}

bool FromProto_process_exec(const v1::ProcessExec& in, std::string* storage, Event* out) {
  out->process_exec = ExecFromProto(in, storage);
  return true;
}

void ToProto_process_exit(const Event& event, v1::ProcessExit* out) {
  out->set_exit_code(event.process_exit.exit_code);
  out->set_signal(event.process_exit.signal);
  out->set_core_dumped(event.process_exit.core_dumped);
}

bool FromProto_process_exit(const v1::ProcessExit& in, std::string*, Event* out) {
  out->process_exit = {
      .exit_code = in.exit_code(), .signal = in.signal(), .core_dumped = in.core_dumped()};
  return true;
}

void ToProto_process_seed(const Event& event, v1::ProcessSeed* out) {
  ExecToProto(event.process_exec, out->mutable_image());
}

bool FromProto_process_seed(const v1::ProcessSeed& in, std::string* storage, Event* out) {
  out->process_exec = ExecFromProto(in.image(), storage);
  return true;
}

}  // namespace vakt
