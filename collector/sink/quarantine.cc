// SPDX-License-Identifier: Apache-2.0
#include "collector/sink/quarantine.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/alert/falco_json.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/base/unique_fd.h"

namespace vakt {

absl::Status Quarantine::Add(const v1::StoredRecord& record, const std::string& reason) {
  struct stat info;
  if (stat(path_.c_str(), &info) == 0 && static_cast<size_t>(info.st_size) >= max_bytes_ &&
      rename(path_.c_str(), (path_ + ".1").c_str()) != 0) {
    return ErrnoStatus(errno, StrCat("rename ", path_));
  }
  const UniqueFd file(open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return ErrnoStatus(errno, StrCat("open ", path_));
  const std::string now = absl::FormatTime(absl::RFC3339_full, absl::Now(), absl::UTCTimeZone());
  std::string line =
      StrCat("{\"time\":", JsonQuote(now), ",\"reason\":", JsonQuote(EscapeUtf8(reason)),
             ",\"cursor\":", JsonQuote(record.cursor()), ",\"alert\":");
  AppendFalcoJson(record.record().alert(), &line);
  line += "}\n";
  const ssize_t written = write(file.get(), line.data(), line.size());
  if (written < 0) return ErrnoStatus(errno, StrCat("write ", path_));
  if (static_cast<size_t>(written) < line.size()) {
    return absl::ResourceExhaustedError(StrCat("write ", path_, ": the disk is full"));
  }
  if (fsync(file.get()) != 0) return ErrnoStatus(errno, StrCat("sync ", path_));
  return absl::OkStatus();
}

}  // namespace vakt
