// SPDX-License-Identifier: Apache-2.0
// What Alertmanager is told, as a server that keeps the last body sees it.
#include "collector/sink/alertmanager_destination.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <thread>

#include "absl/time/clock.h"
#include "common/base/strings.h"
#include "common/base/unique_fd.h"
#include "tests/support/sample_records.h"

namespace vakt {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Takes one request per connection and answers 200.
class LastBody {
 public:
  LastBody() : listening_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    bind(listening_.get(), reinterpret_cast<sockaddr*>(&address), size);
    listen(listening_.get(), 8);
    getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Run(); });
  }
  ~LastBody() {
    shutdown(listening_.get(), SHUT_RDWR);
    thread_.join();
  }
  int port() const { return port_; }
  // Of the request that was answered last: there is only one at a time.
  const std::string& text() const { return text_; }

 private:
  void Run() {
    while (true) {
      const UniqueFd peer(accept(listening_.get(), nullptr, nullptr));
      if (!peer) return;
      std::string request;
      char bytes[4096];
      size_t length = 0, begin = std::string::npos;
      while (begin == std::string::npos || request.size() < begin + length) {
        const ssize_t count = recv(peer.get(), bytes, sizeof(bytes), 0);
        if (count <= 0) break;
        request.append(bytes, static_cast<size_t>(count));
        if (begin != std::string::npos || request.find("\r\n\r\n") == std::string::npos) continue;
        begin = request.find("\r\n\r\n") + 4;
        length = std::stoul(request.substr(request.find("Content-Length: ") + 16));
      }
      text_ = request;
      const std::string_view answer =
          "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
      send(peer.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
    }
  }

  UniqueFd listening_;
  int port_ = 0;
  std::string text_;
  std::thread thread_;
};

class AlertmanagerTest : public ::testing::Test {
 protected:
  AlertmanagerTest() {
    SinkConfig config{.name = "am", .kind = SinkKind::kAlertmanager};
    config.values["url"] = {StrCat("http://127.0.0.1:", server_.port(), "/")};
    config.values["resolve_after"] = {"1s"};
    destination_ = AlertmanagerDestination::Create(config).value();
  }

  static v1::StoredRecord Alert(uint64_t seq, const std::string& output) {
    v1::StoredRecord record;
    record.set_node("n1");
    record.set_cluster("c1");
    *record.mutable_record() = MakeAlertRecord({.seq = seq}, {.output = output});
    v1::OutputField* field = record.mutable_record()->mutable_alert()->add_output_fields();
    field->set_name("k8s.ns.name");
    field->set_string_value("shop");
    return record;
  }
  static v1::StoredRecord Condition(v1::Condition::State state) {
    v1::StoredRecord record = Alert(1, "silent");
    v1::Alert* alert = record.mutable_record()->mutable_alert();
    alert->set_rule("Node silent");
    alert->mutable_condition()->set_name("node_silent");
    alert->mutable_condition()->set_state(state);
    alert->mutable_condition()->mutable_opened()->set_seconds(1'700'000'000);
    return record;
  }
  void Deliver(const std::vector<v1::StoredRecord>& records) {
    for (const Delivery& delivery : destination_->Deliver(records)) {
      ASSERT_EQ(delivery.result, Delivery::Result::kDelivered) << delivery.reason;
    }
  }

  LastBody server_;
  std::unique_ptr<Destination> destination_;
};

TEST_F(AlertmanagerTest, AlertsOfOneKindAreOneAlertWithFewLabels) {
  Deliver({Alert(1, "first"), Alert(2, "second")});
  EXPECT_THAT(server_.text(), HasSubstr("POST /api/v2/alerts HTTP/1.1"));
  EXPECT_THAT(server_.text(),
              HasSubstr("[{\"labels\":{\"alertname\":\"Read sensitive file untrusted\","
                        "\"severity\":\"warning\",\"priority\":\"Warning\",\"cluster\":\"c1\","
                        "\"node\":\"n1\",\"namespace\":\"shop\"},\"annotations\":{"
                        "\"summary\":\"second\""));
  EXPECT_THAT(server_.text(), Not(HasSubstr("first")));
}

TEST_F(AlertmanagerTest, AnAlertResolvesWhenItIsNotRepeated) {
  const absl::Time before = absl::Now();
  Deliver({Alert(1, "x")});
  EXPECT_GT(destination_->UntilTick(), absl::Seconds(30));
  const size_t at = server_.text().find("\"endsAt\":\"");
  absl::Time end;
  ASSERT_TRUE(
      absl::ParseTime(absl::RFC3339_full, server_.text().substr(at + 10, 24), &end, nullptr));
  EXPECT_GE(end, before + absl::Milliseconds(999));
  EXPECT_LE(end, absl::Now() + absl::Seconds(1));
}

TEST_F(AlertmanagerTest, AConditionHoldsUntilItIsResolved) {
  Deliver({Condition(v1::Condition::STATE_OPENED)});
  EXPECT_THAT(server_.text(), HasSubstr("\"startsAt\":\"2023-11-14T22:13:20.000Z\""));
  destination_->Tick();
  EXPECT_THAT(server_.text(), HasSubstr("Node silent"));
  EXPECT_THAT(server_.text(), Not(HasSubstr("\"endsAt\":\"2023")));
  Deliver({Condition(v1::Condition::STATE_RESOLVED)});
  EXPECT_THAT(server_.text(), HasSubstr("\"endsAt\":\"2023-11-14T22:13:20.000Z\""));
  EXPECT_EQ(destination_->UntilTick(), absl::InfiniteDuration());
}

TEST_F(AlertmanagerTest, AfterARestartWhatIsOpenIsRepeatedAtOnce) {
  destination_->Remember(Alert(1, "an old one"));
  EXPECT_EQ(destination_->UntilTick(), absl::InfiniteDuration());
  destination_->Remember(Condition(v1::Condition::STATE_OPENED));
  EXPECT_EQ(destination_->UntilTick(), absl::ZeroDuration());
  destination_->Tick();
  EXPECT_THAT(server_.text(), HasSubstr("Node silent"));
}

}  // namespace
}  // namespace vakt
