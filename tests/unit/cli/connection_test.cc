// SPDX-License-Identifier: Apache-2.0
#include "cli/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/status.h"

namespace vakt {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string ErrorOf(grpc::StatusCode code, const std::string& words) {
  return std::string(
      Message(Connection::CallError({code, words}, "collector h:1", "is it running?")));
}

TEST(ConnectionTest, SaysWhyNobodyAnswers) {
  EXPECT_EQ(ErrorOf(grpc::UNAVAILABLE,
                    "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: "
                    "Failed to connect to remote host: Connection refused"),
            "cannot reach collector h:1: connection refused; is it running?");
  EXPECT_EQ(ErrorOf(grpc::UNAVAILABLE, "DNS resolution failed for h:1: C-ares status is not"),
            "cannot reach collector h:1: its name cannot be resolved; --collector HOST:PORT");
  EXPECT_THAT(ErrorOf(grpc::UNAVAILABLE, "Ssl handshake failed: CERTIFICATE_VERIFY_FAILED"),
              HasSubstr("--tls-ca"));
}

TEST(ConnectionTest, KeepsAndEscapesWordsItDoesNotKnow) {
  EXPECT_EQ(ErrorOf(grpc::UNAVAILABLE, "strange\nthing"),
            "cannot reach collector h:1: strange\\x0athing; is it running?");
  EXPECT_EQ(ErrorOf(grpc::INVALID_ARGUMENT, "cursor \x1b is bad"),
            "collector h:1: cursor \\x1b is bad");
}

TEST(ConnectionTest, SaysWhatARefusedUserNeeds) {
  EXPECT_THAT(ErrorOf(grpc::PERMISSION_DENIED, "no role"),
              StartsWith("collector h:1 refused: no role (--tls-cert must be a user's"));
}

TEST(ConnectionTest, KeepsTheCode) {
  EXPECT_TRUE(absl::IsFailedPrecondition(
      Connection::CallError({grpc::FAILED_PRECONDITION, "x"}, "p", "r")));
  EXPECT_TRUE(Connection::CallError(grpc::Status::OK, "p", "r").ok());
}

}  // namespace
}  // namespace vakt
