// SPDX-License-Identifier: Apache-2.0
// evt.*: the event itself, its time, result and parameters.
#include <fcntl.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "common/base/strings.h"
#include "common/event/event_names.h"
#include "common/event/event_params.h"
#include "common/event/fields.h"
#include "common/event/node_facts.h"

namespace vakt {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr uint32_t kAnyExecute = 0111;

// UTC, so that a replay prints the same on every machine.
void PutTime(const char* format, const Event& event, Extractor& out) {
  out.Add(Value::String(
      out.Keep(absl::FormatTime(format, absl::FromUnixNanos(event.wall_ns), absl::UTCTimeZone()))));
}

const EventTypeRow* TypeRow(const Event& event) {
  return event.type < AllEventTypes().size() ? &AllEventTypes()[event.type] : nullptr;
}

bool HasResult(const Event& event) {
  return event.kind != Kind::none && event.kind != Kind::process_exit &&
         event.kind != Kind::process_seed;
}

bool Failed(const Event& event) { return HasResult(event) && event.result < 0; }
bool IsNetwork(const Event& event) { return In(kNetworkKinds, event.kind); }
bool IsFile(const Event& event) {
  return event.kind == Kind::file_open || In(kFileChangeKinds, event.kind);
}

bool IsCreat(const Event& event) {
  static const EventTypeId creat = FindEventType("creat")->id;
  return event.type == creat;
}

uint32_t AccessMode(const Event& event) { return event.file_open.flags & O_ACCMODE; }

bool MayCreate(const Event& event) {
  const uint32_t flags = event.file_open.flags;
  return IsCreat(event) || (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

// By name or, when the argument is a number, by place. Null when this event has no such parameter.
const ParamRow* FindParam(const Event& event, const FieldArg& arg) {
  const absl::Span<const ParamRow> params = EventParams(event);
  if (arg.index >= 0) {
    return static_cast<uint64_t>(arg.index) < params.size() ? &params[arg.index] : nullptr;
  }
  for (const ParamRow& param : params) {
    if (param.name == arg.text) return &param;
  }
  return nullptr;
}

void PutFlag(bool holds, Extractor& out) { out.Add(Value::Bool(holds)); }

}  // namespace

void EvtNum(const Event& event, const FieldArg&, Extractor& out) {
  out.Add(Value::Uint(event.num));
}
void EvtTime(const Event& event, const FieldArg&, Extractor& out) {
  PutTime("%H:%M:%E9S", event, out);
}
void EvtTimeSeconds(const Event& event, const FieldArg&, Extractor& out) {
  PutTime("%H:%M:%S", event, out);
}
void EvtTimeIso8601(const Event& event, const FieldArg&, Extractor& out) {
  PutTime("%Y-%m-%dT%H:%M:%E9S%z", event, out);
}
void EvtDatetime(const Event& event, const FieldArg&, Extractor& out) {
  PutTime("%Y-%m-%d %H:%M:%E9S", event, out);
}
void EvtDatetimeSeconds(const Event& event, const FieldArg&, Extractor& out) {
  PutTime("%Y-%m-%d %H:%M:%S", event, out);
}
void EvtRawtime(const Event& event, const FieldArg&, Extractor& out) {
  out.Add(Value::Int(event.wall_ns));
}
void EvtRawtimeSeconds(const Event& event, const FieldArg&, Extractor& out) {
  out.Add(Value::Int(event.wall_ns / kNsPerSecond));
}

void EvtSource(const Event&, const FieldArg&, Extractor& out) { out.Add(Value::String("syscall")); }

void EvtHostname(const Event& event, const FieldArg&, Extractor& out) {
  if (event.node != nullptr) out.Add(Value::String(event.node->hostname));
}

void EvtDir(const Event&, const FieldArg&, Extractor& out) { out.Add(Value::String("<")); }

void EvtType(const Event& event, const FieldArg&, Extractor& out) {
  const EventTypeRow* row = TypeRow(event);
  if (row != nullptr) out.Add(Value::String(row->name));
}

void EvtTypeIs(const Event& event, const FieldArg& arg, Extractor& out) {
  const EventTypeRow* row = TypeRow(event);
  out.Add(Value::Uint(row != nullptr && row->name == arg.text ? 1 : 0));
}

void SyscallType(const Event& event, const FieldArg&, Extractor& out) {
  const EventTypeRow* row = TypeRow(event);
  if (row != nullptr && row->x86_64_nr >= 0) out.Add(Value::String(row->name));
}

void EvtCategory(const Event& event, const FieldArg&, Extractor& out) {
  const EventTypeRow* row = TypeRow(event);
  if (row != nullptr && !row->category.empty()) out.Add(Value::String(row->category));
}

void EvtCpu(const Event& event, const FieldArg&, Extractor& out) { out.Add(Value::Int(event.cpu)); }

// "fd=3(<f>/etc/passwd) name=/etc/passwd flags=4097(O_RDONLY|O_CLOEXEC) mode=0 ..."
void EvtArgs(const Event& event, const FieldArg&, Extractor& out) {
  std::string text;
  for (const ParamRow& param : EventParams(event)) {
    const ParamValue value = param.get(event, out);
    if (value.raw.is_null()) continue;
    if (!text.empty()) text += ' ';
    text += StrCat(param.name, "=", value.text);
    if (!value.resolved.empty()) text += StrCat("(", value.resolved, ")");
  }
  if (!text.empty()) out.Add(Value::String(out.Keep(std::move(text))));
}

void EvtArg(const Event& event, const FieldArg& arg, Extractor& out) {
  const ParamRow* param = FindParam(event, arg);
  if (param == nullptr) return;
  const ParamValue value = param->get(event, out);
  if (!value.raw.is_null()) out.Add(Value::String(value.readable()));
}

void EvtRawArg(const Event& event, const FieldArg& arg, Extractor& out) {
  const ParamRow* param = FindParam(event, arg);
  if (param != nullptr) Put(param->get(event, out).raw, out);
}

void EvtRes(const Event& event, const FieldArg&, Extractor& out) {
  if (!HasResult(event)) return;
  if (event.result >= 0) return out.Add(Value::String("SUCCESS"));
  const std::string_view name = ErrnoName(-event.result);
  out.Add(Value::String(name.empty() ? out.Keep(StrCat(event.result)) : name));
}

void EvtRawres(const Event& event, const FieldArg&, Extractor& out) {
  if (HasResult(event)) out.Add(Value::Int(event.result));
}

void EvtFailed(const Event& event, const FieldArg&, Extractor& out) { PutFlag(Failed(event), out); }
void EvtFalse(const Event&, const FieldArg&, Extractor& out) { PutFlag(false, out); }
void EvtOne(const Event&, const FieldArg&, Extractor& out) { out.Add(Value::Uint(1)); }

void EvtCountError(const Event& event, const FieldArg&, Extractor& out) {
  if (Failed(event)) out.Add(Value::Uint(1));
}
void EvtCountErrorFile(const Event& event, const FieldArg&, Extractor& out) {
  if (Failed(event) && IsFile(event)) out.Add(Value::Uint(1));
}
void EvtCountErrorNet(const Event& event, const FieldArg&, Extractor& out) {
  if (Failed(event) && IsNetwork(event)) out.Add(Value::Uint(1));
}

void EvtAbspath(const Event& event, const FieldArg&, Extractor& out) {
  if (!IsFile(event)) return;
  const std::string_view path =
      event.kind == Kind::file_open ? event.file_open.file.path : event.file_change.file.path;
  if (!path.empty()) out.Add(Value::String(path));
}

// These four are false, not null, on other events: rules negate them.
void EvtIsOpenRead(const Event& event, const FieldArg&, Extractor& out) {
  const bool reads = AccessMode(event) == O_RDONLY || AccessMode(event) == O_RDWR;
  PutFlag(event.kind == Kind::file_open && !IsCreat(event) && reads, out);
}
void EvtIsOpenWrite(const Event& event, const FieldArg&, Extractor& out) {
  const bool writes = AccessMode(event) == O_WRONLY || AccessMode(event) == O_RDWR;
  PutFlag(event.kind == Kind::file_open && (IsCreat(event) || writes), out);
}
void EvtIsOpenExec(const Event& event, const FieldArg&, Extractor& out) {
  PutFlag(event.kind == Kind::file_open && MayCreate(event) &&
              (event.file_open.create_mode & kAnyExecute) != 0,
          out);
}
void EvtIsOpenCreate(const Event& event, const FieldArg&, Extractor& out) {
  PutFlag(event.kind == Kind::file_open && event.file_open.created, out);
}

void EvtKind(const Event& event, const FieldArg&, Extractor& out) {
  if (event.kind != Kind::none) out.Add(Value::String(KindStem(event.kind)));
}

void EvtCallOrigin(const Event& event, const FieldArg&, Extractor& out) {
  if (!event.user_stack.captured) return;
  switch (event.user_stack.origin) {
    case CallOrigin::kUnknown:
      return out.Add(Value::String("unknown"));
    case CallOrigin::kFile:
      return out.Add(Value::String("file"));
    case CallOrigin::kAnonymous:
      return out.Add(Value::String("anonymous"));
  }
}

void EvtCallFile(const Event& event, const FieldArg&, Extractor& out) {
  const std::string_view name = event.user_stack.origin_name;
  if (!name.empty()) out.Add(Value::String(name));
}

void EvtAbi(const Event& event, const FieldArg&, Extractor& out) {
  switch (event.abi) {
    case Abi::kX86_64:
      return out.Add(Value::String("x86_64"));
    case Abi::kI386:
      return out.Add(Value::String("i386"));
    case Abi::kX32:
      return out.Add(Value::String("x32"));
    case Abi::kIoUring:
      return out.Add(Value::String("io_uring"));
    case Abi::kUnknown:
      return;
  }
}

}  // namespace vakt
