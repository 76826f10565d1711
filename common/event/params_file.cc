// SPDX-License-Identifier: Apache-2.0
// Parameters of calls on files.
#include <fcntl.h>

#include <cstdint>

#include "absl/strings/str_format.h"
#include "common/event/event_names.h"
#include "common/event/params.h"

namespace vakt {
namespace {

// ---- open and its relatives

ParamValue OpenedFd(const Event& event, Extractor& out) {
  if (event.result < 0) return Error(event.result, out);
  return Signed(event.file_open.fd, out, DescribeFd(event, out));
}

ParamValue DirFd(const Event& event, Extractor& out) {
  const int32_t fd = event.file_open.dirfd;
  return Signed(fd, out, fd == AT_FDCWD ? "AT_FDCWD" : "");
}

ParamValue OpenName(const Event& event, Extractor&) {
  const std::string_view raw = event.file_open.name_raw;
  return Text(raw, raw.starts_with('/') ? std::string_view() : event.file_open.file.path);
}

ParamValue OpenPath(const Event& event, Extractor&) { return Text(event.file_open.file.path); }

ParamValue OpenFlags(const Event& event, Extractor& out) {
  const uint32_t flags = event.file_open.flags;
  return Unsigned(OpenFlagsFalco(flags), out, out.Keep(OpenFlagNames(flags)));
}

ParamValue OpenMode(const Event& event, Extractor& out) {
  const uint32_t mode = event.file_open.create_mode;
  return {Value::Uint(mode), out.Keep(absl::StrFormat("%#o", mode)), {}};
}

ParamValue OpenDev(const Event& event, Extractor& out) {
  const uint32_t dev = EncodeDevice(event.file_open.file.dev);
  return {Value::Uint(dev), out.Keep(absl::StrFormat("%X", dev)), {}};
}

ParamValue OpenIno(const Event& event, Extractor& out) {
  return Unsigned(event.file_open.file.ino, out);
}

ParamValue OpenResolve(const Event& event, Extractor& out) {
  const uint64_t resolve = event.file_open.resolve;
  return Unsigned(resolve, out, out.Keep(ResolveFlagNames(resolve)));
}

// ---- the tables

constexpr ParamRow kOpen[] = {{"fd", OpenedFd},   {"name", OpenName}, {"flags", OpenFlags},
                              {"mode", OpenMode}, {"dev", OpenDev},   {"ino", OpenIno}};

constexpr ParamRow kOpenat[] = {{"fd", OpenedFd},     {"dirfd", DirFd},   {"name", OpenName},
                                {"flags", OpenFlags}, {"mode", OpenMode}, {"dev", OpenDev},
                                {"ino", OpenIno}};

constexpr ParamRow kOpenat2[] = {{"fd", OpenedFd},     {"dirfd", DirFd},   {"name", OpenName},
                                 {"flags", OpenFlags}, {"mode", OpenMode}, {"resolve", OpenResolve},
                                 {"dev", OpenDev},     {"ino", OpenIno}};

constexpr ParamRow kOpenByHandleAt[] = {{"fd", OpenedFd},     {"mountfd", DirFd},
                                        {"flags", OpenFlags}, {"path", OpenPath},
                                        {"dev", OpenDev},     {"ino", OpenIno}};

// creat has no flags parameter; its creat_flags tell about overlay layers.
constexpr ParamRow kCreat[] = {{"fd", OpenedFd}, {"name", OpenName}, {"mode", OpenMode},
                               {"dev", OpenDev}, {"ino", OpenIno},   {"creat_flags", UnknownParam}};

const TypeParams kTypes[] = {
    {"open", kOpen},       {"openat", kOpenat},
    {"openat2", kOpenat2}, {"open_by_handle_at", kOpenByHandleAt},
    {"creat", kCreat},
};

}  // namespace

absl::Span<const TypeParams> FileParams() { return kTypes; }

}  // namespace vakt
