// SPDX-License-Identifier: Apache-2.0
// Loss is exact: rings of one page each are flooded while nobody drains. VAKT_FLOOD_RUNS=1000 makes
// it a thousand floods.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#include <array>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>

#include "tests/bpf/bpf_test_base.h"

namespace vakt {
namespace {

using LossBpfTest = BpfTest;

struct Totals {
  uint64_t hits = 0, filtered = 0, delivered = 0, lost = 0;
};

Totals TotalsOf(const SensorCounters& c, Kind kind) {
  const auto k = static_cast<size_t>(kind);
  Totals t{c.hits[k], c.filtered[k], c.delivered[k], 0};
  for (uint64_t lost : c.lost[k]) t.lost += lost;
  return t;
}

TEST_F(LossBpfTest, hits_are_filtered_delivered_or_lost_when_the_rings_overflow) {
  StartSensor(KindBit(Kind::file_open), 1);  // one page per ring
  for (int i = 0; i < 3; ++i) {
    cgroup_->Run([] {
      for (int n = 0; n < 2000; ++n) close(open("/etc/hostname", O_RDONLY));
      for (int n = 0; n < 50; ++n) {
        const pid_t pid = fork();
        if (pid == 0) _exit(0);
        waitpid(pid, nullptr, 0);
      }
      return 0;
    });
  }
  const auto all = DrainAll(*sensor_);
  std::vector<Loss> losses;
  sensor_->TakeLosses(&losses);
  const SensorCounters counters = sensor_->Counters();

  uint64_t reported = 0;
  for (const Loss& loss : losses) {
    EXPECT_GT(loss.count, 0u);
    EXPECT_EQ(loss.reason, "ring_full");
    EXPECT_LE(loss.begin_boot_ns, loss.end_boot_ns);
    reported += loss.count;
  }
  uint64_t lost = 0;
  for (const KindRow& row : KernelKinds()) {
    const Totals t = TotalsOf(counters, row.kind);
    EXPECT_EQ(t.hits, t.filtered + t.delivered + t.lost) << row.stem;
    lost += t.lost;
  }
  EXPECT_GT(TotalsOf(counters, Kind::file_open).lost, 1000u);
  EXPECT_GT(TotalsOf(counters, Kind::process_fork).lost, 0u);
  EXPECT_EQ(reported, lost);
  // Other processes' events were counted and filtered, never delivered.
  for (const CapturedRecord& record : all) {
    EXPECT_EQ(record.As<vakt_process_exit>().task.cgroup_id, cgroup_->id());
  }
}

int FloodRuns() {
  const char* runs = std::getenv("VAKT_FLOOD_RUNS");
  return runs == nullptr ? 20 : std::atoi(runs);
}

using Lanes = std::map<std::pair<uint32_t, Lane>, uint64_t>;  // by CPU

// What came of a flood, from the records alone and from what the sensor tells of losses.
struct Flood {
  std::map<Kind, uint64_t> delivered, lost;
  Lanes lost_in_lane;
};

Flood Drain(KernelSensor& sensor, Lanes* highest, Lanes* received) {
  Flood flood;
  for (const CapturedRecord& record : DrainAll(sensor, 20)) {
    const vakt_header header = record.header();
    ++flood.delivered[static_cast<Kind>(header.kind)];
    const std::pair place(header.cpu, static_cast<Lane>(header.lane));
    (*highest)[place] = std::max<uint64_t>((*highest)[place], header.seq);
    ++(*received)[place];
  }
  std::vector<Loss> losses;
  sensor.TakeLosses(&losses);
  for (const Loss& loss : losses) {
    flood.lost[loss.kind] += loss.count;
    flood.lost_in_lane[{loss.cpu, loss.lane}] += loss.count;
  }
  return flood;
}

// Each run does as many acts of three kinds as its number says, all in one process per act or one
// for all; each must be delivered or told as lost, kind by kind, and the holes in the numbers of
// each CPU and lane must be as many as are told of it.
TEST_F(LossBpfTest, every_flood_is_delivered_or_told_kind_by_kind_and_lane_by_lane) {
  StartSensor(KindBit(Kind::file_open) | KindBit(Kind::file_mkdir), 1);  // one page per ring
  Lanes highest, received, lost_in_lane;
  uint64_t lost_runs = 0;
  for (int run = 0; run < FloodRuns(); ++run) {
    const uint64_t opens = 100 + run * 7 % 200, makes = 5 + run % 20, forks = 10 + run * 3 % 30;
    cgroup_->Run([&] {
      for (uint64_t i = 0; i < opens; ++i) close(open("/etc/hostname", O_RDONLY));
      for (uint64_t i = 0; i < makes; ++i) mkdir("/proc/none", 0700);
      for (uint64_t i = 0; i < forks; ++i) {
        const pid_t pid = fork();
        if (pid == 0) _exit(0);
        waitpid(pid, nullptr, 0);
      }
      return 0;
    });
    usleep(1000);  // the last exit's probe
    Flood flood = Drain(*sensor_, &highest, &received);
    // Entering the cgroup opens a file outside it, and the child itself ends.
    EXPECT_EQ(flood.delivered[Kind::file_open] + flood.lost[Kind::file_open], opens) << run;
    EXPECT_EQ(flood.delivered[Kind::file_mkdir] + flood.lost[Kind::file_mkdir], makes) << run;
    EXPECT_EQ(flood.delivered[Kind::process_fork] + flood.lost[Kind::process_fork], forks) << run;
    EXPECT_EQ(flood.delivered[Kind::process_exit] + flood.lost[Kind::process_exit], forks + 1)
        << run;
    for (const auto& [place, count] : flood.lost_in_lane) lost_in_lane[place] += count;
    lost_runs += !flood.lost_in_lane.empty();
    ASSERT_FALSE(HasFailure()) << "run " << run;
  }
  // A lane's last numbers may be lost ones: one record more in each makes the holes visible.
  for (int cpu = 0; cpu < get_nprocs_conf(); ++cpu) {
    cgroup_->Run([&] {
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(cpu, &one);
      if (sched_setaffinity(0, sizeof(one), &one) == 0) close(open("/etc/hostname", O_RDONLY));
      return 0;
    });
    Flood flood = Drain(*sensor_, &highest, &received);
    ASSERT_TRUE(flood.lost_in_lane.empty());
  }
  for (const auto& [place, count] : lost_in_lane) {
    EXPECT_EQ(highest[place] - received[place], count) << "CPU " << place.first;
  }
  EXPECT_GT(lost_runs, static_cast<uint64_t>(FloodRuns()) * 9 / 10) << "the floods were none";
}

TEST_F(LossBpfTest, a_flood_in_the_bulk_lane_takes_no_room_from_the_critical_one) {
  StartSensor(KindBit(Kind::file_open), 1 << 20);
  cgroup_->Run([&] {
    for (int n = 0; n < 100; ++n) {
      for (int i = 0; i < 300; ++i) close(open("/etc/hostname", O_RDONLY));
      const pid_t pid = fork();
      if (pid == 0) _exit(0);
      waitpid(pid, nullptr, 0);
    }
    return 0;
  });
  DrainAll(*sensor_);
  const SensorCounters counters = sensor_->Counters();
  EXPECT_GT(TotalsOf(counters, Kind::file_open).lost, 0u);
  EXPECT_EQ(TotalsOf(counters, Kind::process_fork).lost, 0u);
  EXPECT_EQ(TotalsOf(counters, Kind::process_exit).lost, 0u);
}

TEST_F(LossBpfTest, records_come_in_the_order_of_time) {
  StartSensor(KindBit(Kind::file_open));
  cgroup_->Run([] {
    for (int child = 0; child < 4; ++child) {
      if (fork() != 0) continue;
      for (int n = 0; n < 500; ++n) close(open("/etc/hostname", O_RDONLY));
      _exit(0);
    }
    while (wait(nullptr) > 0) {
    }
    return 0;
  });
  // Everything lies in the rings now: one pass must be sorted over all CPUs and lanes.
  uint64_t last = 0;
  size_t count = 0;
  std::set<uint32_t> cpus;
  for (const auto batch = sensor_->Next(absl::Milliseconds(10)); RawRecord raw : batch) {
    const vakt_header header = CapturedRecord(raw).header();
    EXPECT_GE(header.boot_ns, last);
    last = header.boot_ns;
    cpus.insert(header.cpu);
    ++count;
  }
  EXPECT_GT(count, 2000u);
}

TEST_F(LossBpfTest, wake_ends_a_wait) {
  StartSensor(0);
  sensor_->Wake();
  const auto start = absl::Now();
  while (!sensor_->Next(absl::Seconds(5)).empty()) {
  }
  EXPECT_LT(absl::Now() - start, absl::Seconds(4));
}

TEST_F(LossBpfTest, what_is_not_needed_is_not_attached) {
  StartSensor(0);
  for (const ProbeReport& report : sensor_->Report()) {
    // Details are asked for by options, and not here.
    const bool process = (EssentialKinds() & KindBit(report.probe->kind)) != 0 &&
                         report.probe->type != HookType::kDetail;
    EXPECT_EQ(report.state,
              process ? ProbeReport::State::kAttached : ProbeReport::State::kNotNeeded)
        << report.probe->program;
  }
}

TEST_F(LossBpfTest, a_probe_can_be_disabled_and_says_what_is_not_seen) {
  KernelSensorOptions options;
  options.tier = TestTier();
  options.disabled_probes = {"process_exit"};
  auto sensor = KernelSensor::Start(options);
  ASSERT_TRUE(sensor.ok()) << sensor.status();
  for (const ProbeReport& report : (*sensor)->Report()) {
    if (report.probe->program != "process_exit") continue;
    EXPECT_EQ(report.state, ProbeReport::State::kDisabled);
    EXPECT_FALSE(report.probe->blind_spot.empty());
  }
  options.disabled_probes = {"no_such_probe"};
  EXPECT_EQ(KernelSensor::Start(options).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(LossBpfTest, a_kernel_without_type_information_is_refused_clearly) {
  KernelSensorOptions options;
  options.tier = TestTier();
  options.btf_path = "/nonexistent/btf";
  const auto status = KernelSensor::Start(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("CONFIG_DEBUG_INFO_BTF"), absl::string_view::npos);
}

TEST_F(LossBpfTest, map_memory_is_accounted_and_within_the_budget) {
  StartSensor(KindBit(Kind::file_open) | KindBit(Kind::network_connect));
  EXPECT_GT(sensor_->MapBytes(), 16u << 20);
  EXPECT_LT(sensor_->MapBytes(), 64u << 20);
}

}  // namespace
}  // namespace vakt
