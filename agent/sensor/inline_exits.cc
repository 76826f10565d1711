// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor/inline_exits.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/bpf.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <memory>
#include <utility>

#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr std::string_view kPrefix = "__x64_sys_";
constexpr std::string_view kFprobes = " register_fprobe_syms";
constexpr std::string_view kTracepointPrefix = "sys_exit_";
// What the bodies are loaded for (SYSCALL_EXIT): the kernel lets a program jump only to one that is
// for a function of the same prototype.
constexpr std::string_view kModel = "__x64_sys_close";

struct BtfDeleter {
  void operator()(btf* types) const { btf__free(types); }
};

// "openat" of "sys_exit_openat".
std::string_view CallOf(std::string_view tracepoint) {
  return tracepoint.substr(tracepoint.starts_with(kTracepointPrefix) ? kTracepointPrefix.size()
                                                                     : 0);
}

constexpr bpf_insn Instruction(int code, uint8_t dst, uint8_t src, int32_t imm) {
  bpf_insn i = {};
  i.code = static_cast<uint8_t>(code);
  i.dst_reg = dst & 0xf;
  i.src_reg = src & 0xf;
  i.imm = imm;
  return i;
}

int LoadExit(const std::string& name, uint32_t function, const bpf_insn* code, size_t count) {
  LIBBPF_OPTS(bpf_prog_load_opts, options);
  options.expected_attach_type = BPF_TRACE_FEXIT;
  options.attach_btf_id = function;
  return bpf_prog_load(BPF_PROG_TYPE_TRACING, name.c_str(), "Dual BSD/GPL", code, count, &options);
}

}  // namespace

std::string FunctionOf(std::string_view tracepoint) { return StrCat(kPrefix, CallOf(tracepoint)); }

bool InlineExits::Allowed() {
  const bpf_insn code[] = {
      Instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0),
      Instruction(BPF_JMP | BPF_EXIT, 0, 0, 0),
  };
  // Type 1 is no function: a kernel that gets as far as looking says so by EINVAL.
  const UniqueFd program(LoadExit("vakt_allowed", 1, code, std::size(code)));
  return program || (errno != EPERM && errno != EACCES);
}

InlineExits InlineExits::Find(const std::string& btf_path, const std::string& symbols_path) {
  InlineExits exits;
  const std::unique_ptr<btf, BtfDeleter> types(btf__parse(btf_path.c_str(), nullptr));
  if (!types) return exits;
  exits.FindFunctions(types.get());
  exits.FindSymbols(symbols_path);
  return exits;
}

void InlineExits::FindFunctions(const btf* types) {
  const int32_t model = btf__find_by_name_kind(types, std::string(kModel).c_str(), BTF_KIND_FUNC);
  if (model < 0) return;
  const uint32_t prototype = btf__type_by_id(types, static_cast<uint32_t>(model))->type;
  const uint32_t count = btf__type_cnt(types);
  for (uint32_t id = 1; id < count; ++id) {
    const btf_type* type = btf__type_by_id(types, id);
    if (!btf_is_func(type) || type->type != prototype) continue;
    const std::string_view name = btf__name_by_offset(types, type->name_off);
    if (name.starts_with(kPrefix)) functions_.emplace(name.substr(kPrefix.size()), id);
  }
}

// Lines of "<address> <type> <name>"; those of modules have a fourth word.
void InlineExits::FindSymbols(const std::string& path) {
  std::ifstream lines(path);
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with(kFprobes)) has_fprobes_ = true;
    const size_t at = line.find(kPrefix);
    if (at == std::string::npos || at == 0 || line[at - 1] != ' ') continue;
    symbols_.emplace(line.substr(at + kPrefix.size()));
  }
}

InlineExits::Form InlineExits::FormOf(std::string_view tracepoint) const {
  const std::string call(CallOf(tracepoint));
  if (functions_.contains(call)) return Form::kFunction;
  return symbols_.contains(call) ? Form::kSymbol : Form::kNone;
}

absl::StatusOr<InlineExit> InlineExits::Attach(std::string_view tracepoint, int exits_fd,
                                               uint32_t slot) const {
  const auto function = functions_.find(std::string(CallOf(tracepoint)));
  if (function == functions_.end()) {
    return absl::NotFoundError(StrCat("no function of ", tracepoint));
  }
  // r1 is the context still.
  const bpf_insn code[] = {
      Instruction(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_2, BPF_PSEUDO_MAP_FD, exits_fd),
      Instruction(0, 0, 0, 0),  // second half of the map's address
      Instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_3, 0, static_cast<int32_t>(slot)),
      Instruction(BPF_JMP | BPF_CALL, 0, 0, BPF_FUNC_tail_call),
      Instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0),
      Instruction(BPF_JMP | BPF_EXIT, 0, 0, 0),
  };
  const std::string name = StrCat("vakt_", CallOf(tracepoint)).substr(0, BPF_OBJ_NAME_LEN - 1);
  InlineExit exit;
  exit.program.reset(LoadExit(name, function->second, code, std::size(code)));
  if (!exit.program) {
    return ErrnoStatus(errno, StrCat("loading a hook on the function of ", tracepoint));
  }
  exit.link.reset(
      bpf_raw_tracepoint_open(nullptr, exit.program.get()));  // how such programs attach
  if (!exit.link) return ErrnoStatus(errno, StrCat("hooking the function of ", tracepoint));
  return exit;
}

}  // namespace vakt
