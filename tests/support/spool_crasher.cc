// SPDX-License-Identifier: Apache-2.0
// spool_crasher DIR: appends to the spool in DIR as fast as it can, until it is killed. Before each
// acknowledgement and after each group that became durable it writes a CrasherReport to standard
// output, so that its parent knows what the spool has promised.
#include "tests/support/spool_crasher.h"

#include <unistd.h>

#include <cstdio>
#include <memory>
#include <random>
#include <string>

#include "absl/time/clock.h"
#include "agent/spool/spool.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: spool_crasher DIR\n");
    return 2;
  }
  vakt::SpoolOptions options;
  options.dir = argv[1];
  options.segment_bytes = 64 << 10;
  options.linger_urgent = absl::Milliseconds(1);
  absl::StatusOr<std::unique_ptr<vakt::Spool>> opened = vakt::Spool::Open(options);
  if (!opened.ok()) {
    fprintf(stderr, "spool_crasher: %s\n", opened.status().ToString().c_str());
    return 1;
  }
  vakt::Spool& spool = **opened;
  const auto report = [](const vakt::CrasherReport& what) {
    if (write(STDOUT_FILENO, &what, sizeof(what)) != sizeof(what)) _exit(1);
  };
  spool.OnReadable([&] { report({spool.newest(), {}}); });
  std::mt19937 random(getpid());
  vakt::Position position{spool.epoch(), 0};
  for (;;) {
    ++position.seq;
    while (!spool.Append({position, 2, vakt::CrasherBytes(position)})) {
      --position.seq;  // the queue is full: the disk is slower than we are
      absl::SleepFor(absl::Milliseconds(1));
      ++position.seq;
    }
    if (random() % 500 != 0) continue;
    vakt::Position acknowledged = spool.newest();
    acknowledged.seq -= acknowledged.seq / 4;
    report({{}, acknowledged});
    spool.Acknowledge(acknowledged);
    absl::SleepFor(absl::Milliseconds(1));
  }
}
