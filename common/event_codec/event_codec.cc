// SPDX-License-Identifier: Apache-2.0
#include "common/event_codec/event_codec.h"

#include "common/event/kind.h"
#include "common/event_codec/codec_parts.h"

namespace vakt {
namespace {

bool PayloadFromProto(const v1::Event& in, std::string* storage, Event* out) {
#define VAKT_EVENT(stem, id, lane, stack, text)       \
  if (in.has_##stem()) {                              \
    out->kind = Kind::stem;                           \
    return FromProto_##stem(in.stem(), storage, out); \
  }
#include "bpf/wire/events.def"
#undef VAKT_EVENT
  return false;
}

void PayloadToProto(const Event& event, v1::Event* out) {
  switch (event.kind) {
    case Kind::none:
      return;
#define VAKT_EVENT(stem, id, lane, stack, text) \
  case Kind::stem:                              \
    return ToProto_##stem(event, out->mutable_##stem());
#include "bpf/wire/events.def"
#undef VAKT_EVENT
  }
}

}  // namespace

void EventToProto(const Event& event, v1::Event* out) {
  out->Clear();
  out->set_boot_ns(event.boot_ns);
  out->set_seq(event.seq);
  out->set_cpu(event.cpu);
  if (event.type < AllEventTypes().size()) {
    Set(AllEventTypes()[event.type].name, out->mutable_type());
  }
  out->set_abi(static_cast<v1::Abi>(event.abi));
  TaskToProto(event.task, out->mutable_task());
  out->set_result(event.result);
  StackToProto(event.user_stack, out);
  PayloadToProto(event, out);
}

bool EventFromProto(const v1::Event& in, std::string* argv_storage, Event* out) {
  Reset(out);
  if (!PayloadFromProto(in, argv_storage, out)) return false;
  if (!in.type().empty()) {
    const EventTypeRow* type = FindEventType(in.type());
    if (type == nullptr) return false;
    out->type = type->id;
  }
  out->abi = v1::Abi_IsValid(in.abi()) ? static_cast<Abi>(in.abi()) : Abi::kUnknown;
  out->lane = FindKind(static_cast<uint16_t>(out->kind))->lane;
  out->cpu = in.cpu();
  out->seq = in.seq();
  out->boot_ns = in.boot_ns();
  out->result = in.result();
  out->task = TaskFromProto(in.task());
  return StackFromProto(in, &out->user_stack);
}

}  // namespace vakt
