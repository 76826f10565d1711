// SPDX-License-Identifier: Apache-2.0
// The options of a collector in the process of a test or benchmark: on a free port of loopback,
// with a certificate and a store of its own. Threads: as the authority.
#ifndef VAKT_TESTS_INTEGRATION_LOCAL_COLLECTOR_H_
#define VAKT_TESTS_INTEGRATION_LOCAL_COLLECTOR_H_

#include <string>

#include "collector/app/collector.h"
#include "tests/integration/collector_client.h"
#include "tests/support/dev_certificates.h"
#include "tests/support/temporary_directory.h"

namespace vakt {

// Writes a certificate into `directory`, below which the store will be.
inline CollectorOptions LocalCollectorOptions(TestAuthority& authority,
                                              const std::string& directory) {
  const CertificateFiles files =
      WriteCertificates(authority.Issue("spiffe://test/collector/main"), directory);
  CollectorOptions options;
  options.listen = "127.0.0.1:0";
  options.tls = {.ca = files.ca, .cert = files.cert, .key = files.key};
  options.store.directory = directory + "/data";
  return options;
}

}  // namespace vakt

#endif  // VAKT_TESTS_INTEGRATION_LOCAL_COLLECTOR_H_
