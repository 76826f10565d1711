// SPDX-License-Identifier: Apache-2.0
// The collector's side of mutual TLS. Certificates are short-lived: the files are read again while
// the collector runs, and new connections use what is there. Threads: thread-safe.
#ifndef VAKT_COLLECTOR_APP_TLS_H_
#define VAKT_COLLECTOR_APP_TLS_H_

#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace vakt {

struct TlsFiles {
  std::string ca;    // authorities of clients
  std::string cert;  // chain, the collector's own first
  std::string key;
};

// A client certificate must be signed by one of the authorities; `demanded`: there must be one.
// Names the file when one cannot
// be read or used, or when key and certificate do not belong together.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerTls(const TlsFiles& files,
                                                                   bool demanded);

}  // namespace vakt

#endif  // VAKT_COLLECTOR_APP_TLS_H_
