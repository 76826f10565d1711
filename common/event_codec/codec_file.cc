// SPDX-License-Identifier: Apache-2.0
#include "common/event_codec/codec_parts.h"

namespace vakt {

void ToProto_file_open(const Event& event, v1::FileOpen* out) {
  const FileOpen& open = event.file_open;
  FileToProto(open.file, out->mutable_file());
  Set(open.name_raw, out->mutable_name_raw());
  out->set_flags(open.flags);
  out->set_create_mode(open.create_mode);
  out->set_dirfd(open.dirfd);
  out->set_fd(open.fd);
  out->set_resolve(open.resolve);
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
  };
  return true;
}

}  // namespace vakt
