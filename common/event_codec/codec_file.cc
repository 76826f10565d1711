// SPDX-License-Identifier: Apache-2.0
#include "common/event_codec/codec_parts.h"

namespace vakt {
namespace {

void ChangeToProto(const FileChange& change, v1::FileChange* out) {
  FileToProto(change.file, out->mutable_file());
  Set(change.name_raw, out->mutable_name_raw());
  Set(change.other_path, out->mutable_other_path());
  Set(change.other_raw, out->mutable_other_raw());
  Set(change.text, out->mutable_text());
  out->set_other_status(static_cast<v1::File::PathStatus>(change.other_status));
  out->set_fd(change.fd);
  out->set_dirfd(change.dirfd);
  out->set_other_dirfd(change.other_dirfd);
  out->set_flags(change.flags);
  out->set_mode(change.mode);
  out->set_uid(change.uid);
  out->set_gid(change.gid);
  out->set_number(change.number);
  out->set_name_unreadable(change.name_unreadable);
}

bool ChangeFromProto(const v1::FileChange& in, FileChange* out) {
  *out = {
      .file = FileFromProto(in.file()),
      .name_raw = in.name_raw(),
      .other_path = in.other_path(),
      .other_raw = in.other_raw(),
      .text = in.text(),
      .other_status = PathStatusFromProto(in.other_status()),
      .name_unreadable = in.name_unreadable(),
      .fd = in.fd(),
      .dirfd = in.dirfd(),
      .other_dirfd = in.other_dirfd(),
      .flags = in.flags(),
      .mode = in.mode(),
      .uid = in.uid(),
      .gid = in.gid(),
      .number = in.number(),
  };
  return true;
}

}  // namespace

void ToProto_file_open(const Event& event, v1::FileOpen* out) {
  const FileOpen& open = event.file_open;
  FileToProto(open.file, out->mutable_file());
  Set(open.name_raw, out->mutable_name_raw());
  out->set_flags(open.flags);
  out->set_create_mode(open.create_mode);
  out->set_dirfd(open.dirfd);
  out->set_fd(open.fd);
  out->set_resolve(open.resolve);
  out->set_created(open.created);
  out->set_name_unreadable(open.name_unreadable);
}

bool FromProto_file_open(const v1::FileOpen& in, std::string*, Event* out) {
  out->file_open = {
      .file = FileFromProto(in.file()),
      .name_raw = in.name_raw(),
      .flags = in.flags(),
      .create_mode = in.create_mode(),
      .dirfd = in.dirfd(),
      .fd = in.fd(),
      .resolve = in.resolve(),
      .created = in.created(),
      .name_unreadable = in.name_unreadable(),
  };
  return true;
}

// Kinds that share a shape differ in their names alone.
#define VAKT_FILE_CHANGE(stem)                                                \
  void ToProto_##stem(const Event& event, v1::FileChange* out) {              \
    ChangeToProto(event.file_change, out);                                    \
  }                                                                           \
  bool FromProto_##stem(const v1::FileChange& in, std::string*, Event* out) { \
    return ChangeFromProto(in, &out->file_change);                            \
  }
VAKT_FILE_CHANGE(file_unlink)
VAKT_FILE_CHANGE(file_rename)
VAKT_FILE_CHANGE(file_link)
VAKT_FILE_CHANGE(file_symlink)
VAKT_FILE_CHANGE(file_mkdir)
VAKT_FILE_CHANGE(file_mknod)
VAKT_FILE_CHANGE(file_chmod)
VAKT_FILE_CHANGE(file_chown)
VAKT_FILE_CHANGE(file_setxattr)
VAKT_FILE_CHANGE(file_truncate)
VAKT_FILE_CHANGE(file_mount)
VAKT_FILE_CHANGE(file_umount)
VAKT_FILE_CHANGE(file_chroot)
#undef VAKT_FILE_CHANGE

}  // namespace vakt
