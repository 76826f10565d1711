// SPDX-License-Identifier: Apache-2.0
// delivery_crasher DIR COLLECTOR CERTIFICATES run|drain QUOTA_KIB
//
// The delivering half of an agent, its node named as the machine is. `run` appends alerts to the
// spool in DIR and delivers them until it is killed; it reports what is durable and what is
// acknowledged to standard output (tests/support/delivery_crasher.h). `drain` delivers what is
// there and ends. Every fourth alert is a debug message, the rest are warnings.
#include "tests/support/delivery_crasher.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/time/clock.h"
#include "agent/app/tombstone_codec.h"
#include "agent/spool/spool.h"
#include "agent/uplink/uplink.h"
#include "common/base/node.h"
#include "tests/support/sample_records.h"

namespace vakt {
namespace {

// A few records per step, so that a run of some tenths of a second delivers some hundreds.
void AppendSome(Spool& spool, Position* last) {
  for (int i = 0; i < 5; ++i) {
    ++last->seq;
    SamplePosition position;
    position.epoch = last->epoch;
    position.seq = last->seq;
    SampleAlert alert;
    if (last->seq % 4 == 0) alert.priority = v1::PRIORITY_DEBUG;
    const v1::Record record = MakeAlertRecord(position, alert);
    if (spool.Append({*last, record.alert().priority(), record.SerializeAsString()})) continue;
    --last->seq;  // the queue is full: the disk is slower than we are
    return;
  }
}

int Run(char** argv) {
  const std::string certificates = argv[3];
  const bool drain = argv[4] == std::string("drain");
  const TombstoneCodec codec(kSampleBootId);
  SpoolOptions options;
  options.dir = argv[1];
  options.max_bytes = strtoull(argv[5], nullptr, 10) << 10;
  options.segment_bytes = 32 << 10;
  options.codec = &codec;
  options.linger_relaxed = absl::Milliseconds(2);
  auto spool = Spool::Open(options);
  if (!spool.ok()) {
    fprintf(stderr, "delivery_crasher: %s\n", spool.status().ToString().c_str());
    return 1;
  }
  UplinkOptions uplink_options;
  uplink_options.collectors = {argv[2]};
  uplink_options.ca_file = certificates + "/ca.pem";
  uplink_options.cert_file = certificates + "/agent.pem";
  uplink_options.key_file = certificates + "/agent.key";
  uplink_options.batch_records = 50;
  uplink_options.backoff_min = absl::Milliseconds(5);
  uplink_options.backoff_max = absl::Milliseconds(50);
  const auto hello = [&spool] {
    v1::Hello message;
    message.set_node(Hostname());
    message.set_boot_id(kSampleBootId);
    message.set_epoch((*spool)->epoch());
    return message;
  };
  Uplink uplink(uplink_options, spool->get(), hello, [] { return v1::Heartbeat(); });
  if (!uplink.Start().ok()) return 1;
  Position last{(*spool)->epoch(), 0};
  for (;;) {
    const DeliveryReport report{(*spool)->newest(), uplink.state().acked};
    if (write(STDOUT_FILENO, &report, sizeof(report)) != sizeof(report)) return 1;
    if (drain && report.durable == report.acknowledged) return 0;
    if (!drain) AppendSome(**spool, &last);
    absl::SleepFor(absl::Milliseconds(3));
  }
}

}  // namespace
}  // namespace vakt

int main(int argc, char** argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: delivery_crasher DIR COLLECTOR CERTIFICATES run|drain QUOTA_KIB\n");
    return 2;
  }
  return vakt::Run(argv);
}
