// SPDX-License-Identifier: Apache-2.0
// Named consumers: who has dealt with the records up to where.
//
// Threads: ConsumerWriter belongs to the writer thread, ConsumerReader to its RecordReader.
#ifndef VAKT_COLLECTOR_STORE_CONSUMER_H_
#define VAKT_COLLECTOR_STORE_CONSUMER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "collector/store/sqlite.h"

namespace vakt {

struct ConsumerKey {
  std::string user;
  std::string name;
};

struct ConsumerRow {
  ConsumerKey key;
  int64_t acknowledged_id = 0;  // all records up to this one
  int64_t created_ns = 0;
  int64_t acknowledged_ns = 0;  // 0: not yet
};

class ConsumerWriter {
 public:
  absl::Status Prepare(Database& database);
  // Where the consumer stands; a new one stands at `start_id`. FAILED_PRECONDITION when the user
  // has too many.
  absl::StatusOr<int64_t> Open(const ConsumerKey& key, int64_t start_id, int64_t now_ns);
  // Moves it forward, never back; returns where it stands. NOT_FOUND.
  absl::StatusOr<int64_t> Acknowledge(const ConsumerKey& key, int64_t id, int64_t now_ns);
  absl::Status Delete(const ConsumerKey& key);  // NOT_FOUND

 private:
  absl::StatusOr<int64_t> Find(const ConsumerKey& key);  // NOT_FOUND

  Statement find_, count_, insert_, acknowledge_, delete_;
};

class ConsumerReader {
 public:
  absl::Status Prepare(Database& database);
  // By user and name. `user` empty: of all.
  absl::StatusOr<std::vector<ConsumerRow>> List(const std::string& user);

 private:
  Statement list_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_STORE_CONSUMER_H_
