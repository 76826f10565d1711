// SPDX-License-Identifier: Apache-2.0
#include "agent/decode/claimed_path.h"
#include "agent/decode/decode_parts.h"
#include "agent/decode/decoder.h"

namespace vakt {
namespace {

// How far a path that is made from an argument can be trusted: the kernel tells the directory that
// a relative one starts from, so of a plain name only the name itself is a claim.
PathStatus ClaimStatus(PathStatus base, std::string_view raw) {
  const bool plain = !raw.empty() && raw != "." && raw != ".." && raw.find('/') == raw.npos;
  return plain && base == PathStatus::kOk ? PathStatus::kAnchored : PathStatus::kClaimed;
}

}  // namespace

void Decoder::Decode_file_open(WireRecord& record, Event* out) {
  const auto wire = record.Read<vakt_file_open>();
  out->type = TypeOf(Kind::file_open, static_cast<int>(wire.syscall_nr));
  out->result = wire.result;
  DecodeActor(wire, record, out);
  FileOpen& open = out->file_open;
  open.file = DecodeFile(wire.file, record);
  open.name_raw = record.String(wire.name_raw);
  open.flags = wire.flags;
  open.create_mode = wire.create_mode;
  open.dirfd = wire.dirfd;
  open.fd = wire.result >= 0 && (wire.facts & VAKT_UNFINISHED) == 0 ? wire.result : -1;
  open.resolve = wire.resolve;
  open.created = (wire.facts & VAKT_OPEN_CREATED) != 0;
  open.name_unreadable = (wire.facts & VAKT_NAME_UNREADABLE) != 0;
  // Failed, or closed by another thread before the probe could look: there is the argument alone,
  // and the directory that it started from.
  if (wire.file.mode == 0) {
    const PathStatus base = open.file.path_status;
    open.file.path = ClaimedPath(open.file.path, open.name_raw, &scratch_);
    open.file.path_status = ClaimStatus(base, open.name_raw);
  }
}

void Decoder::DecodeFileChange(Kind kind, WireRecord& record, Event* out) {
  const auto wire = record.Read<vakt_file_change>();
  out->type = TypeOf(kind, static_cast<int>(wire.syscall_nr));
  out->result = wire.result;
  DecodeActor(wire, record, out);
  FileChange& change = out->file_change;
  change.file = DecodeFile(wire.file, record);
  change.name_raw = record.String(wire.name_raw);
  change.other_raw = record.String(wire.other_raw);
  change.text = record.String(wire.text);
  change.name_unreadable = (wire.facts & (VAKT_NAME_UNREADABLE | VAKT_OTHER_UNREADABLE)) != 0;
  change.fd = wire.fd;
  change.dirfd = wire.dirfd;
  change.other_dirfd = wire.other_dirfd;
  change.flags = wire.flags;
  change.mode = wire.mode;
  change.uid = wire.uid;
  change.gid = wire.gid;
  change.number = wire.number;
  if (change.file.mode == 0 && !change.name_raw.empty()) {
    const PathStatus base = change.file.path_status;
    change.file.path = ClaimedPath(change.file.path, change.name_raw, &scratch_);
    change.file.path_status = ClaimStatus(base, change.name_raw);
  }
  if (!change.other_raw.empty()) {
    change.other_path =
        ClaimedPath(record.String(wire.other_base), change.other_raw, &other_scratch_);
    change.other_status = ClaimStatus(DecodePathStatus(wire.other_status), change.other_raw);
  }
}

#define VAKT_FILE_CHANGE(stem)                                  \
  void Decoder::Decode_##stem(WireRecord& record, Event* out) { \
    DecodeFileChange(Kind::stem, record, out);                  \
  }
VAKT_FILE_CHANGE(file_unlink)    // Decode_file_unlink
VAKT_FILE_CHANGE(file_rename)    // Decode_file_rename
VAKT_FILE_CHANGE(file_link)      // Decode_file_link
VAKT_FILE_CHANGE(file_symlink)   // Decode_file_symlink
VAKT_FILE_CHANGE(file_mkdir)     // Decode_file_mkdir
VAKT_FILE_CHANGE(file_mknod)     // Decode_file_mknod
VAKT_FILE_CHANGE(file_chmod)     // Decode_file_chmod
VAKT_FILE_CHANGE(file_chown)     // Decode_file_chown
VAKT_FILE_CHANGE(file_setxattr)  // Decode_file_setxattr
VAKT_FILE_CHANGE(file_truncate)  // Decode_file_truncate
VAKT_FILE_CHANGE(file_mount)     // Decode_file_mount
VAKT_FILE_CHANGE(file_umount)    // Decode_file_umount
VAKT_FILE_CHANGE(file_chroot)    // Decode_file_chroot
#undef VAKT_FILE_CHANGE

}  // namespace vakt
