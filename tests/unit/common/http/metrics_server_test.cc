// SPDX-License-Identifier: Apache-2.0
#include "common/http/metrics_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>

#include "common/base/strings.h"
#include "common/base/unique_fd.h"

namespace vakt {
namespace {

using ::testing::HasSubstr;

UniqueFd Connect(int port) {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  EXPECT_EQ(connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  return fd;
}

std::string Get(int port, const std::string& path) {
  const UniqueFd fd = Connect(port);
  const std::string request = StrCat("GET ", path, " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(write(fd.get(), request.data(), request.size()), static_cast<ssize_t>(request.size()));
  std::string answer;
  char buffer[4096];
  for (ssize_t got = 0; (got = read(fd.get(), buffer, sizeof(buffer))) > 0;) {
    answer.append(buffer, static_cast<size_t>(got));
  }
  return answer;
}

class MetricsServerTest : public ::testing::Test {
 protected:
  std::unique_ptr<MetricsServer> Start(const std::string& address) {
    auto server = MetricsServer::Start(address, {.metrics = [] { return "vakt_rules 3\n"; },
                                                 .alive = [this] { return dead_; },
                                                 .ready = [this] { return unready_; }});
    EXPECT_TRUE(server.ok()) << server.status();
    return server.ok() ? *std::move(server) : nullptr;
  }
  std::string dead_;
  std::string unready_;
};

TEST_F(MetricsServerTest, AnswersWithMetricsAndWithWhatTheChecksSay) {
  const auto server = Start("127.0.0.1:0");
  const std::string metrics = Get(server->port(), "/metrics");
  EXPECT_THAT(metrics, HasSubstr("HTTP/1.1 200 OK"));
  EXPECT_THAT(metrics, HasSubstr("version=0.0.4"));
  EXPECT_THAT(metrics, HasSubstr("\r\n\r\nvakt_rules 3\n"));
  EXPECT_THAT(Get(server->port(), "/healthz"), HasSubstr("200 OK"));
  EXPECT_THAT(Get(server->port(), "/readyz"), HasSubstr("200 OK"));
  unready_ = "no rule is enabled";
  EXPECT_THAT(Get(server->port(), "/readyz"), HasSubstr("503 Not OK"));
  EXPECT_THAT(Get(server->port(), "/readyz"), HasSubstr("no rule is enabled\n"));
  EXPECT_THAT(Get(server->port(), "/healthz"), HasSubstr("200 OK"));
  dead_ = "stuck";
  EXPECT_THAT(Get(server->port(), "/healthz"), HasSubstr("503 Not OK"));
  EXPECT_THAT(Get(server->port(), "/etc/passwd"), HasSubstr("404"));
}

TEST_F(MetricsServerTest, APortInUseIsNamedWithTheWayOut) {
  const auto server = Start("127.0.0.1:0");
  const std::string address = StrCat("127.0.0.1:", server->port());
  const auto second = MetricsServer::Start(address, {});
  EXPECT_TRUE(absl::IsUnavailable(second.status()));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(address));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("--metrics-listen"));
}

// Its library looks only every two seconds whether it is to end: ten stops would take ten or more.
TEST_F(MetricsServerTest, StopsAtOnceWhereverItListens) {
  const auto begin = std::chrono::steady_clock::now();
  for (const char* address : {"127.0.0.1:0", "0", "0.0.0.0:0", "127.0.0.2:0", "127.0.0.1:0", "0",
                              "0.0.0.0:0", "127.0.0.2:0", "127.0.0.1:0", "0"}) {
    Start(address);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST_F(MetricsServerTest, APeerThatSaysNothingDoesNotHoldUpOthers) {
  const auto server = Start("127.0.0.1:0");
  const UniqueFd silent = Connect(server->port());
  EXPECT_THAT(Get(server->port(), "/metrics"), HasSubstr("vakt_rules"));
}

}  // namespace
}  // namespace vakt
