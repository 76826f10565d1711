// SPDX-License-Identifier: Apache-2.0
// What the decoders of all families share; for decode_<family>.cc alone.
//
// Threads: pure functions over a record.
#ifndef VAKT_AGENT_DECODE_DECODE_PARTS_H_
#define VAKT_AGENT_DECODE_DECODE_PARTS_H_

#include <cstddef>
#include <string_view>

#include "agent/decode/wire_record.h"
#include "bpf/wire/wire.h"
#include "common/event/event.h"

namespace vakt {

// The event type of an x86-64 system call that is reported as `kind`, or the kind's type that is no
// system call; kNoEventType without either.
EventTypeId TypeOf(Kind kind, int x86_64_nr);

PathStatus DecodePathStatus(uint32_t status);
// `wire` lies `offset` bytes into the record.
Task DecodeTask(const vakt_task& wire, size_t offset, WireRecord& record);
ProcessFacts DecodeFacts(const vakt_process_facts& wire, WireRecord& record);
File DecodeFile(const vakt_file& wire, WireRecord& record);

// Where the actor made its call, when the record tells.
void DecodeStack(const vakt_span& span, WireRecord& record, UserStack* out);

// The acting task of a record and its stack: `Wire` has it as its member `task`.
template <typename Wire>
void DecodeActor(const Wire& wire, WireRecord& record, Event* out) {
  out->task = DecodeTask(wire.task, offsetof(Wire, task), record);
  DecodeStack(wire.task.stack, record, &out->user_stack);
}

}  // namespace vakt

#endif  // VAKT_AGENT_DECODE_DECODE_PARTS_H_
