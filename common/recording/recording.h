// SPDX-License-Identifier: Apache-2.0
// Recordings: decoded events as they came, before enrichment, with the facts about the node that a
// replay needs (docs/formats/recording.md). One recording serves rule tests, benchmarks, fuzz seeds
// and bug reports.
//
//   auto reader = RecordingReader::Open("incident.vakt");
//   v1::RecordingEntry entry;
//   for (;;) {
//     absl::StatusOr<bool> more = (*reader)->Next(&entry);
//     if (!more.ok() || !*more) break;
//
// Threads: thread-compatible; each object belongs to one thread.
#ifndef VAKT_COMMON_RECORDING_RECORDING_H_
#define VAKT_COMMON_RECORDING_RECORDING_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/event/event.h"
#include "common/recordlog/record_log_reader.h"
#include "common/recordlog/record_log_writer.h"
#include "vakt/v1/recording.pb.h"

namespace vakt {

class RecordingWriter {
 public:
  // Creates `path`, which must not exist; mode 0600, since recordings hold command lines.
  static absl::StatusOr<std::unique_ptr<RecordingWriter>> Create(const std::string& path,
                                                                 const v1::NodeFacts& node);

  // Errors are final: what was written before stays readable.
  absl::Status Add(const Event& event);
  absl::Status AddGap(const v1::Gap& gap);
  absl::Status AddContainer(const v1::Container& container);
  absl::Status AddAccounts(const v1::ContainerAccounts& accounts);
  // Makes everything durable. No calls after this.
  absl::Status Close();

 private:
  explicit RecordingWriter(std::unique_ptr<RecordLogWriter> log) : log_(std::move(log)) {}
  absl::Status AddEntry();

  std::unique_ptr<RecordLogWriter> log_;
  v1::RecordingEntry entry_;  // kept, so that its strings keep their memory
  std::string bytes_;
};

class RecordingReader {
 public:
  static absl::StatusOr<std::unique_ptr<RecordingReader>> Open(const std::string& path);

  const v1::NodeFacts& node() const { return node_; }

  // The next event, gap or container; false at the end. Where the file is damaged: DataLoss, with
  // the offset and how many bytes are affected; call again to go on behind the damage. Other errors
  // are final.
  absl::StatusOr<bool> Next(v1::RecordingEntry* entry);

 private:
  RecordingReader(std::string path, std::unique_ptr<RecordLogReader> log)
      : path_(std::move(path)), log_(std::move(log)) {}
  absl::StatusOr<bool> NextEntry(v1::RecordingEntry* entry);

  const std::string path_;
  std::unique_ptr<RecordLogReader> log_;
  v1::NodeFacts node_;
  std::string bytes_;
};

}  // namespace vakt

#endif  // VAKT_COMMON_RECORDING_RECORDING_H_
