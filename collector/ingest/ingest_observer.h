// SPDX-License-Identifier: Apache-2.0
// Who wants to know what agents say, as they say it: the watch over the fleet. By itself it does
// nothing.
//
// Threads: called on gRPC's threads; must be thread-safe and short.
#ifndef VAKT_COLLECTOR_INGEST_INGEST_OBSERVER_H_
#define VAKT_COLLECTOR_INGEST_INGEST_OBSERVER_H_

#include <cstdint>
#include <optional>
#include <string>

#include "collector/store/node_key.h"
#include "common/tls/certificate_life.h"
#include "vakt/v1/ingest.pb.h"

namespace vakt {

class IngestObserver {
 public:
  virtual ~IngestObserver() = default;

  // `certificate`: the connection's.
  virtual void OnHello(const NodeKey& node, const v1::Hello& hello,
                       const std::optional<CertificateLife>& certificate) {
    static_cast<void>(node), static_cast<void>(hello), static_cast<void>(certificate);
  }
  virtual void OnHeartbeat(const NodeKey& node, const v1::Heartbeat& heartbeat) {
    static_cast<void>(node), static_cast<void>(heartbeat);
  }
  // Records of it could not be taken; `reason`: why, valid UTF-8.
  virtual void OnMalformed(const NodeKey& node, uint64_t records, const std::string& reason) {
    static_cast<void>(node), static_cast<void>(records), static_cast<void>(reason);
  }
  // It has used up its share of the disk and is not read from; again and again while that is so.
  virtual void OnShareUsedUp(const NodeKey& node) { static_cast<void>(node); }
  // Any other message.
  virtual void OnMessage(const NodeKey& node) { static_cast<void>(node); }
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_INGEST_INGEST_OBSERVER_H_
