// SPDX-License-Identifier: Apache-2.0
// What is known of stored records beside their bytes. Those stay as the node sent them and its hash
// chain has them; what is added is added where they are read, and to the terms that searches use.
//
// Threads: thread-safe, and quick.
#ifndef VAKT_COLLECTOR_STORE_RECORD_COMPLETION_H_
#define VAKT_COLLECTOR_STORE_RECORD_COMPLETION_H_

#include "vakt/v1/alert.pb.h"

namespace vakt {

class RecordCompletion {
 public:
  virtual ~RecordCompletion() = default;
  virtual void Complete(v1::Record* record) const = 0;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_STORE_RECORD_COMPLETION_H_
