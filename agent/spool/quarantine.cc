// SPDX-License-Identifier: Apache-2.0
#include "agent/spool/quarantine.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace vakt {
namespace {

constexpr size_t kMaxFiles = 64;
constexpr uint64_t kMaxPieceBytes = 1u << 20;

std::string Directory(const std::string& dir) { return dir + "/quarantine"; }

absl::StatusOr<bool> HasRoom(FileSystem& file_system, const std::string& dir) {
  VAKT_RETURN_IF_ERROR(file_system.MakeDirectory(Directory(dir)));
  VAKT_ASSIGN_OR_RETURN(const std::vector<std::string> kept, file_system.List(Directory(dir)));
  return kept.size() < kMaxFiles;
}

}  // namespace

absl::Status QuarantineSegment(FileSystem& file_system, const std::string& dir, SegmentName name) {
  const std::string path = SegmentPath(dir, name);
  VAKT_ASSIGN_OR_RETURN(const bool has_room, HasRoom(file_system, dir));
  return has_room ? file_system.Rename(path, SegmentPath(Directory(dir), name))
                  : file_system.Unlink(path);
}

absl::Status QuarantineBytes(FileSystem& file_system, const std::string& dir,
                             const DamagedBytes& damage) {
  VAKT_ASSIGN_OR_RETURN(const bool has_room, HasRoom(file_system, dir));
  if (!has_room) return absl::OkStatus();
  VAKT_ASSIGN_OR_RETURN(const std::unique_ptr<ReadableFile> from,
                        file_system.Open(SegmentPath(dir, damage.name)));
  std::string bytes(std::min(damage.bytes, kMaxPieceBytes), '\0');
  VAKT_ASSIGN_OR_RETURN(const size_t got, from->ReadAt(damage.offset, bytes.size(), bytes.data()));
  bytes.resize(got);
  const auto to = file_system.Create(
      absl::StrCat(SegmentPath(Directory(dir), damage.name), "-", damage.offset), 0);
  if (absl::IsAlreadyExists(to.status())) return absl::OkStatus();
  VAKT_RETURN_IF_ERROR(to.status());
  return (*to)->Append(bytes);
}

}  // namespace vakt
