// SPDX-License-Identifier: Apache-2.0
#include "collector/sink/sink_cursor.h"

#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr size_t kMaxBytes = 4096;

}  // namespace

absl::StatusOr<int64_t> SinkCursor::Load(int64_t first) {
  absl::StatusOr<std::string> text = ReadFile(path_, kMaxBytes);
  if (absl::IsNotFound(text.status())) {
    VAKT_RETURN_IF_ERROR(Save(first));
    return first;
  }
  VAKT_RETURN_IF_ERROR(text.status());
  text->erase(text->find_last_not_of('\n') + 1);
  const absl::StatusOr<int64_t> id = store_.IdOf(*text);
  if (!id.ok()) {
    LogWarning(StrCat(path_, ": ", Message(id.status()),
                      "; the sink gets everything that this store has"));
    VAKT_RETURN_IF_ERROR(Save(0));
    return 0;
  }
  const int64_t last = store_.last_id();
  if (*id <= last) return *id;
  LogWarning(StrCat(path_,
                    ": is ahead of the store, which was restored from a backup: the sink "
                    "goes on with what is stored from now on"));
  VAKT_RETURN_IF_ERROR(Save(last));
  return last;
}

absl::Status SinkCursor::Save(int64_t record_id) {
  return WriteFileAtomically(path_, StrCat(store_.CursorOf(record_id), "\n"), 0600);
}

}  // namespace vakt
