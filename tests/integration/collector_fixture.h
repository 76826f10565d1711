// SPDX-License-Identifier: Apache-2.0
// Tests with a collector in their own process: they set what they care about in options_ and call
// Start. Threads: ChannelAs is thread-safe, the rest is not.
#ifndef VAKT_TESTS_INTEGRATION_COLLECTOR_FIXTURE_H_
#define VAKT_TESTS_INTEGRATION_COLLECTOR_FIXTURE_H_

#include <grpc/support/log.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/synchronization/mutex.h"
#include "tests/integration/local_collector.h"

namespace vakt {

class CollectorFixture : public ::testing::Test {
 protected:
  CollectorFixture() : options_(LocalCollectorOptions(authority_, directory_.path())) {
    gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
  }

  // Anew, if there was one.
  void Start() {
    collector_.reset();
    auto collector = Collector::Start(options_);
    ASSERT_TRUE(collector.ok()) << collector.status();
    collector_ = *std::move(collector);
  }
  // By a certificate with this URI.
  std::shared_ptr<grpc::Channel> ChannelAs(const std::string& uri) {
    absl::MutexLock lock(&mutex_);
    return OpenChannel(collector_->address(), authority_.Issue(uri));
  }

  absl::Mutex mutex_;
  TestAuthority authority_;
  TemporaryDirectory directory_;
  CollectorOptions options_;
  std::unique_ptr<Collector> collector_;
};

}  // namespace vakt

#endif  // VAKT_TESTS_INTEGRATION_COLLECTOR_FIXTURE_H_
