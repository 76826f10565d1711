// SPDX-License-Identifier: Apache-2.0
// Lines appended to a file, each batch synced. The file may be renamed, removed or cut at any time
// (log rotation): it is looked up by its name before each batch. Threads: as Destination.
#ifndef VAKT_COLLECTOR_SINK_FILE_DESTINATION_H_
#define VAKT_COLLECTOR_SINK_FILE_DESTINATION_H_

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "collector/sink/destination.h"
#include "common/base/unique_fd.h"

namespace vakt {

class FileDestination final : public Destination {
 public:
  static absl::StatusOr<std::unique_ptr<Destination>> Create(const SinkConfig& config);

  std::vector<Delivery> Deliver(absl::Span<const v1::StoredRecord> records) override;
  void Cancel() override { cancelled_ = true; }
  void Reopen() override { reopen_ = true; }

 private:
  FileDestination(std::string path, bool as_text) : path_(std::move(path)), as_text_(as_text) {}

  absl::Status OpenIfMoved();
  absl::Status Open();
  bool AwaitRoom(absl::Time deadline) const;
  absl::Status Write(const std::string& lines);

  const std::string path_;
  const bool as_text_;
  UniqueFd file_;
  bool torn_ = false;  // the file may end within a line
  std::atomic<bool> reopen_{false};
  std::atomic<bool> cancelled_{false};
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_SINK_FILE_DESTINATION_H_
