// SPDX-License-Identifier: Apache-2.0
#include "agent/decode/claimed_path.h"
#include "agent/decode/decode_parts.h"
#include "agent/decode/decoder.h"

namespace vakt {

void Decoder::Decode_file_open(WireRecord& record, Event* out) {
  const auto wire = record.Read<vakt_file_open>();
  out->type = TypeOf(Kind::file_open, static_cast<int>(wire.syscall_nr));
  out->result = wire.result;
  out->task = DecodeActor(wire, record);
  FileOpen& open = out->file_open;
  open.file = DecodeFile(wire.file, record);
  open.name_raw = record.String(wire.name_raw);
  open.flags = wire.flags;
  open.create_mode = wire.create_mode;
  open.dirfd = wire.dirfd;
  open.fd = wire.result >= 0 ? wire.result : -1;
  open.resolve = wire.resolve;
  // Failed, or closed by another thread before the probe could look: there is the argument alone,
  // and for a failed open the directory that it started from.
  if (wire.result < 0 || open.file.path.empty()) {
    open.file.path = ClaimedPath(open.file.path, open.name_raw, &scratch_);
    open.file.path_status = PathStatus::kClaimed;
  }
}

}  // namespace vakt
