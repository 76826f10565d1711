// SPDX-License-Identifier: Apache-2.0
// fs.path.*: the paths that calls on the file system were given. As in Falco they are null when the
// call failed; evt.arg.* has the paths of those.
#include <string_view>

#include "common/event/fields.h"

namespace vakt {
namespace {

struct Name {
  std::string_view path;
  std::string_view raw;
};

struct Names {
  Name one;  // of a call with one path
  Name source;
  Name target;
};

Names NamesOf(const Event& event) {
  if (event.result < 0) return {};
  if (event.kind == Kind::file_open) {
    return {.one = {event.file_open.file.path, event.file_open.name_raw}};
  }
  if (!In(kFileChangeKinds, event.kind)) return {};
  const FileChange& change = event.file_change;
  const Name name = {change.file.path, change.name_raw};
  const Name other = {change.other_path, change.other_raw};
  switch (event.kind) {
    case Kind::file_rename:  // from the old name to the new
      return {.source = name, .target = other};
    case Kind::file_link:  // the new name points to the old one
    case Kind::file_mount:
      if (other.raw.empty()) return {.one = name};
      return {.source = other, .target = name};
    case Kind::file_symlink:
      return {.source = name, .target = {change.text, change.text}};
    default:
      return {.one = name};
  }
}

void PutText(std::string_view text, Extractor& out) {
  if (!text.empty()) out.Add(Value::String(text));
}

}  // namespace

void FsPathName(const Event& event, const FieldArg&, Extractor& out) {
  PutText(NamesOf(event).one.path, out);
}
void FsPathNameraw(const Event& event, const FieldArg&, Extractor& out) {
  PutText(NamesOf(event).one.raw, out);
}
void FsPathSource(const Event& event, const FieldArg&, Extractor& out) {
  PutText(NamesOf(event).source.path, out);
}
void FsPathSourceraw(const Event& event, const FieldArg&, Extractor& out) {
  PutText(NamesOf(event).source.raw, out);
}
void FsPathTarget(const Event& event, const FieldArg&, Extractor& out) {
  PutText(NamesOf(event).target.path, out);
}
void FsPathTargetraw(const Event& event, const FieldArg&, Extractor& out) {
  PutText(NamesOf(event).target.raw, out);
}

void FsPathStatus(const Event& event, const FieldArg&, Extractor& out) {
  if (In(kFileChangeKinds, event.kind)) {
    PutText(PathStatusName(event.file_change.file.path_status), out);
  } else if (event.kind == Kind::file_open) {
    PutText(PathStatusName(event.file_open.file.path_status), out);
  }
}

}  // namespace vakt
