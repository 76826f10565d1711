// SPDX-License-Identifier: Apache-2.0
// Parameters of calls on files.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/xattr.h>

#include <cstdint>
#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/event/event_names.h"
#include "common/event/params.h"

namespace vakt {
namespace {

ParamValue Directory(int32_t fd, Extractor& out) {
  return Signed(fd, out, fd == AT_FDCWD ? "AT_FDCWD" : "");
}

ParamValue Octal(uint32_t mode, Extractor& out, std::string_view resolved = {}) {
  return {Value::Uint(mode), out.Keep(absl::StrFormat("%#o", mode)), resolved};
}

// ---- open and its relatives

ParamValue OpenedFd(const Event& event, Extractor& out) {
  if (event.result < 0) return Error(event.result, out);
  return Signed(event.file_open.fd, out, DescribeFd(event, out));
}

ParamValue DirFd(const Event& event, Extractor& out) {
  return Directory(event.file_open.dirfd, out);
}

ParamValue OpenName(const Event& event, Extractor&) {
  const std::string_view raw = event.file_open.name_raw;
  return Text(raw, raw.starts_with('/') ? std::string_view() : event.file_open.file.path);
}

ParamValue OpenPath(const Event& event, Extractor&) { return Text(event.file_open.file.path); }

ParamValue OpenFlags(const Event& event, Extractor& out) {
  const uint32_t flags = event.file_open.flags;
  uint32_t falco = OpenFlagsFalco(flags);
  std::string names = OpenFlagNames(flags);
  if (event.file_open.created) {
    falco |= kFalcoCreated;
    names += names.empty() ? "O_F_CREATED" : "|O_F_CREATED";
  }
  return Unsigned(falco, out, out.Keep(std::move(names)));
}

ParamValue OpenMode(const Event& event, Extractor& out) {
  return Octal(event.file_open.create_mode, out);
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

// ---- changes of names, attributes and mounts

// The raw argument, and what it stands for when it is relative.
ParamValue PathText(std::string_view raw, std::string_view path) {
  return Text(raw, raw.starts_with('/') ? std::string_view() : path);
}

ParamValue Name(const Event& event, Extractor&) {
  return PathText(event.file_change.name_raw, event.file_change.file.path);
}
ParamValue Other(const Event& event, Extractor&) {
  return PathText(event.file_change.other_raw, event.file_change.other_path);
}
ParamValue OtherRaw(const Event& event, Extractor&) { return Text(event.file_change.other_raw); }
ParamValue ChangeText(const Event& event, Extractor&) { return Text(event.file_change.text); }

ParamValue ChangeDirFd(const Event& event, Extractor& out) {
  return Directory(event.file_change.dirfd, out);
}
ParamValue OtherDirFd(const Event& event, Extractor& out) {
  return Directory(event.file_change.other_dirfd, out);
}
ParamValue ChangeFd(const Event& event, Extractor& out) {
  const int32_t fd = event.file_change.fd;
  return Signed(fd, out, fd < 0 ? std::string_view() : DescribeFd(event, out));
}

ParamValue NamedMode(const Event& event, Extractor& out) {
  const uint32_t mode = event.file_change.mode;
  return Octal(mode, out, out.Keep(ModeNames(mode)));
}
ParamValue ChangeMode(const Event& event, Extractor& out) {
  return Octal(event.file_change.mode, out);
}

// 4294967295 leaves the owner as it is.
ParamValue Owner(uint32_t id, Extractor& out) {
  return id == 0xffffffff ? Signed(-1, out, "<NONE>") : Unsigned(id, out);
}
ParamValue ChangeUid(const Event& event, Extractor& out) {
  return Owner(event.file_change.uid, out);
}
ParamValue ChangeGid(const Event& event, Extractor& out) {
  return Owner(event.file_change.gid, out);
}

ParamValue Size(const Event& event, Extractor& out) {
  return Unsigned(event.file_change.number, out);
}
ParamValue Device(const Event& event, Extractor& out) {
  const uint64_t dev = event.file_change.number;
  return {Value::Uint(dev), out.Keep(absl::StrFormat("%X", dev)), {}};
}

constexpr FlagName kAtFlags[] = {{"AT_SYMLINK_NOFOLLOW", AT_SYMLINK_NOFOLLOW},
                                 {"AT_SYMLINK_FOLLOW", AT_SYMLINK_FOLLOW},
                                 {"AT_NO_AUTOMOUNT", AT_NO_AUTOMOUNT},
                                 {"AT_EMPTY_PATH", AT_EMPTY_PATH},
                                 {"AT_RECURSIVE", AT_RECURSIVE}};
constexpr FlagName kUnlinkFlags[] = {{"AT_REMOVEDIR", AT_REMOVEDIR}};
constexpr FlagName kRenameFlags[] = {{"RENAME_NOREPLACE", RENAME_NOREPLACE},
                                     {"RENAME_EXCHANGE", RENAME_EXCHANGE},
                                     {"RENAME_WHITEOUT", RENAME_WHITEOUT}};
constexpr FlagName kMountFlags[] = {{"RDONLY", MS_RDONLY},
                                    {"NOSUID", MS_NOSUID},
                                    {"NODEV", MS_NODEV},
                                    {"NOEXEC", MS_NOEXEC},
                                    {"SYNCHRONOUS", MS_SYNCHRONOUS},
                                    {"REMOUNT", MS_REMOUNT},
                                    {"MANDLOCK", MS_MANDLOCK},
                                    {"DIRSYNC", MS_DIRSYNC},
                                    {"NOATIME", MS_NOATIME},
                                    {"NODIRATIME", MS_NODIRATIME},
                                    {"BIND", MS_BIND},
                                    {"MOVE", MS_MOVE},
                                    {"REC", MS_REC},
                                    {"SILENT", MS_SILENT},
                                    {"POSIXACL", MS_POSIXACL},
                                    {"UNBINDABLE", MS_UNBINDABLE},
                                    {"PRIVATE", MS_PRIVATE},
                                    {"SLAVE", MS_SLAVE},
                                    {"SHARED", MS_SHARED},
                                    {"RELATIME", MS_RELATIME},
                                    {"KERNMOUNT", MS_KERNMOUNT},
                                    {"I_VERSION", MS_I_VERSION},
                                    {"STRICTATIME", MS_STRICTATIME},
                                    {"LAZYTIME", MS_LAZYTIME}};
constexpr FlagName kUmountFlags[] = {{"FORCE", MNT_FORCE},
                                     {"DETACH", MNT_DETACH},
                                     {"EXPIRE", MNT_EXPIRE},
                                     {"NOFOLLOW", UMOUNT_NOFOLLOW}};
constexpr FlagName kXattrFlags[] = {{"XATTR_CREATE", XATTR_CREATE},
                                    {"XATTR_REPLACE", XATTR_REPLACE}};
constexpr FlagName kOpenTreeFlags[] = {{"OPEN_TREE_CLONE", OPEN_TREE_CLONE},
                                       {"AT_EMPTY_PATH", AT_EMPTY_PATH},
                                       {"AT_RECURSIVE", AT_RECURSIVE},
                                       {"OPEN_TREE_CLOEXEC", OPEN_TREE_CLOEXEC}};
constexpr FlagName kMoveMountFlags[] = {{"MOVE_MOUNT_F_SYMLINKS", MOVE_MOUNT_F_SYMLINKS},
                                        {"MOVE_MOUNT_F_EMPTY_PATH", MOVE_MOUNT_F_EMPTY_PATH},
                                        {"MOVE_MOUNT_T_SYMLINKS", MOVE_MOUNT_T_SYMLINKS},
                                        {"MOVE_MOUNT_T_EMPTY_PATH", MOVE_MOUNT_T_EMPTY_PATH}};

template <const auto& names>
ParamValue Flags(const Event& event, Extractor& out) {
  const uint32_t flags = event.file_change.flags;
  return Unsigned(flags, out, out.Keep(FlagNames(flags, names)));
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

constexpr ParamRow kOnePath[] = {{"res", ResParam}, {"path", Name}};
constexpr ParamRow kUnlinkat[] = {
    {"res", ResParam}, {"dirfd", ChangeDirFd}, {"name", Name}, {"flags", Flags<kUnlinkFlags>}};
constexpr ParamRow kTwoPaths[] = {{"res", ResParam}, {"oldpath", Name}, {"newpath", Other}};
constexpr ParamRow kRenameat2[] = {{"res", ResParam},  {"olddirfd", ChangeDirFd},
                                   {"oldpath", Name},  {"newdirfd", OtherDirFd},
                                   {"newpath", Other}, {"flags", Flags<kRenameFlags>}};
constexpr size_t kRenameatCount = std::size(kRenameat2) - 1;
constexpr ParamRow kLinkat[] = {{"res", ResParam},  {"olddir", ChangeDirFd},
                                {"oldpath", Name},  {"newdir", OtherDirFd},
                                {"newpath", Other}, {"flags", Flags<kAtFlags>}};
constexpr ParamRow kSymlink[] = {{"res", ResParam}, {"target", ChangeText}, {"linkpath", Name}};
constexpr ParamRow kSymlinkat[] = {
    {"res", ResParam}, {"target", ChangeText}, {"linkdirfd", ChangeDirFd}, {"linkpath", Name}};
constexpr ParamRow kMkdir[] = {{"res", ResParam}, {"path", Name}, {"mode", ChangeMode}};
constexpr ParamRow kMkdirat[] = {
    {"res", ResParam}, {"dirfd", ChangeDirFd}, {"path", Name}, {"mode", ChangeMode}};
constexpr ParamRow kMknod[] = {
    {"res", ResParam}, {"path", Name}, {"mode", NamedMode}, {"dev", Device}};
constexpr ParamRow kMknodat[] = {{"res", ResParam},
                                 {"dirfd", ChangeDirFd},
                                 {"path", Name},
                                 {"mode", NamedMode},
                                 {"dev", Device}};
constexpr ParamRow kChmod[] = {{"res", ResParam}, {"filename", Name}, {"mode", NamedMode}};
constexpr ParamRow kFchmod[] = {{"res", ResParam}, {"fd", ChangeFd}, {"mode", NamedMode}};
constexpr ParamRow kFchmodat2[] = {{"res", ResParam},
                                   {"dirfd", ChangeDirFd},
                                   {"filename", Name},
                                   {"mode", NamedMode},
                                   {"flags", Flags<kAtFlags>}};
constexpr size_t kFchmodatCount = std::size(kFchmodat2) - 1;
constexpr ParamRow kChown[] = {
    {"res", ResParam}, {"path", Name}, {"uid", ChangeUid}, {"gid", ChangeGid}};
constexpr ParamRow kFchown[] = {
    {"res", ResParam}, {"fd", ChangeFd}, {"uid", ChangeUid}, {"gid", ChangeGid}};
constexpr ParamRow kFchownat[] = {{"res", ResParam},  {"dirfd", ChangeDirFd},
                                  {"pathname", Name}, {"uid", ChangeUid},
                                  {"gid", ChangeGid}, {"flags", Flags<kAtFlags>}};
// From here to ftruncate, and the calls of the new mount interface: Falco shows no parameters.
constexpr ParamRow kSetxattr[] = {{"res", ResParam},
                                  {"path", Name},
                                  {"name", ChangeText},
                                  {"size", Size},
                                  {"flags", Flags<kXattrFlags>}};
constexpr size_t kRemovexattrCount = 3;
constexpr ParamRow kFsetxattr[] = {{"res", ResParam},
                                   {"fd", ChangeFd},
                                   {"name", ChangeText},
                                   {"size", Size},
                                   {"flags", Flags<kXattrFlags>}};
constexpr ParamRow kSetxattrat[] = {{"res", ResParam},
                                    {"dirfd", ChangeDirFd},
                                    {"path", Name},
                                    {"flags", Flags<kAtFlags>},
                                    {"name", ChangeText}};
constexpr ParamRow kTruncate[] = {{"res", ResParam}, {"path", Name}, {"length", Size}};
constexpr ParamRow kFtruncate[] = {{"res", ResParam}, {"fd", ChangeFd}, {"length", Size}};
constexpr ParamRow kMount[] = {{"res", ResParam},
                               {"dev", OtherRaw},
                               {"dir", Name},
                               {"type", ChangeText},
                               {"flags", Flags<kMountFlags>}};
constexpr ParamRow kMoveMount[] = {{"res", ResParam},  {"olddirfd", OtherDirFd},
                                   {"oldpath", Other}, {"newdirfd", ChangeDirFd},
                                   {"newpath", Name},  {"flags", Flags<kMoveMountFlags>}};
constexpr ParamRow kOpenTree[] = {
    {"res", ResParam}, {"dirfd", ChangeDirFd}, {"path", Name}, {"flags", Flags<kOpenTreeFlags>}};
constexpr ParamRow kFsopen[] = {{"res", ResParam}, {"type", ChangeText}};
constexpr ParamRow kFsmount[] = {{"res", ResParam}, {"fd", ChangeFd}};
constexpr ParamRow kMountSetattr[] = {
    {"res", ResParam}, {"dirfd", ChangeDirFd}, {"path", Name}, {"flags", Flags<kAtFlags>}};
constexpr ParamRow kUmount2[] = {{"res", ResParam}, {"name", Name}, {"flags", Flags<kUmountFlags>}};
constexpr ParamRow kPivotRoot[] = {{"res", ResParam}, {"new_root", Name}, {"put_old", Other}};

const TypeParams kTypes[] = {
    {"open", kOpen},
    {"openat", kOpenat},
    {"openat2", kOpenat2},
    {"open_by_handle_at", kOpenByHandleAt},
    {"creat", kCreat},
    {"unlink", kOnePath},
    {"rmdir", kOnePath},
    {"unlinkat", kUnlinkat},
    {"rename", kTwoPaths},
    {"renameat", absl::MakeConstSpan(kRenameat2, kRenameatCount)},
    {"renameat2", kRenameat2},
    {"link", kTwoPaths},
    {"linkat", kLinkat},
    {"symlink", kSymlink},
    {"symlinkat", kSymlinkat},
    {"mkdir", kMkdir},
    {"mkdirat", kMkdirat},
    {"mknod", kMknod},
    {"mknodat", kMknodat},
    {"chmod", kChmod},
    {"fchmod", kFchmod},
    {"fchmodat", absl::MakeConstSpan(kFchmodat2, kFchmodatCount)},
    {"fchmodat2", kFchmodat2},
    {"chown", kChown},
    {"lchown", kChown},
    {"fchown", kFchown},
    {"fchownat", kFchownat},
    {"setxattr", kSetxattr},
    {"lsetxattr", kSetxattr},
    {"fsetxattr", kFsetxattr},
    {"setxattrat", kSetxattrat},
    {"removexattr", absl::MakeConstSpan(kSetxattr, kRemovexattrCount)},
    {"lremovexattr", absl::MakeConstSpan(kSetxattr, kRemovexattrCount)},
    {"fremovexattr", absl::MakeConstSpan(kFsetxattr, kRemovexattrCount)},
    {"removexattrat", kSetxattrat},
    {"truncate", kTruncate},
    {"ftruncate", kFtruncate},
    {"mount", kMount},
    {"move_mount", kMoveMount},
    {"open_tree", kOpenTree},
    {"open_tree_attr", kOpenTree},
    {"fsopen", kFsopen},
    {"fsmount", kFsmount},
    {"mount_setattr", kMountSetattr},
    {"umount2", kUmount2},
    {"chroot", kOnePath},
    {"pivot_root", kPivotRoot},
};

}  // namespace

absl::Span<const TypeParams> FileParams() { return kTypes; }

}  // namespace vakt
