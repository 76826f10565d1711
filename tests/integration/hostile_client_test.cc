// SPDX-License-Identifier: Apache-2.0
// Clients that want the collector's end: with a valid certificate, as a compromised node has, and
// without. Each row of the table attacks for a few seconds while good agents send alerts. Then the
// collector must still be the same process, within its memory, and hold each alert of the good
// agents exactly once. How long those waited for acknowledgements is printed beside the time
// without attack.
//
// An attacker on another machine brings his own CPU, and cannot take the collector's but by what
// he makes it do. So he has CPU 0 here, and collector and good agents the others, with and without
// attack: on two CPUs these two share one, and all that the collector spends on the attack is taken
// from them. VAKT_HOSTILE_CPUS=shared lets all have all CPUs, which adds the attacker's own work.
//
// VAKT_HOSTILE_SECONDS: of each attack (2). VAKT_HOSTILE_ATTACK: only those whose names have this.
// VAKT_HOSTILE_MESSAGES: malformed messages (5,000).
#include <grpc/support/log.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "common/base/file.h"
#include "common/base/strings.h"
#include "tests/bench/agent_fleet.h"
#include "tests/integration/collector_client.h"
#include "tests/integration/collector_process.h"
#include "tests/integration/raw_http2.h"
#include "tests/support/temporary_directory.h"

namespace vakt {
namespace {

constexpr char kConnect[] = "/vakt.v1.Ingest/Connect";
constexpr size_t kGoodAgents = 10;
// An attacker comes from a machine of its own, so it has another address; where CPUs are shared it
// runs behind everything else. Each attack has its own attacker, of whom the door knows nothing
// yet.
std::string AttackerAddress(size_t number) { return StrCat("127.0.0.", 2 + number); }
std::string AttackerNode(size_t number) { return StrCat("evil-", number); }
constexpr int kAttackerNice = 19;
constexpr int kAttackerCpu = 0;
constexpr FleetLoad kLoad = {.batch_records = 10, .interval = absl::Milliseconds(100)};
// What the documentation promises: what gRPC may hold for its peers, what waits for the disk, the
// store's caches and the program itself.
constexpr uint64_t kMaxResidentBytes = 640ull << 20;

double Setting(const char* name, double otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtod(text, nullptr);
}

// Has an effect on the calling thread and all that it starts from here on.
class OwnCpus {
 public:
  OwnCpus() : apart_(!SharedIsWanted() && sysconf(_SC_NPROCESSORS_ONLN) > 1) {
    if (apart_) Use(false);
  }
  // The calling thread is the attacker's.
  void BecomeAttacker() const {
    setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kAttackerNice);
    if (apart_) Use(true);
  }
  const char* text() const { return apart_ ? "of his own" : "that all share"; }

 private:
  static bool SharedIsWanted() {
    const char* text = std::getenv("VAKT_HOSTILE_CPUS");
    return text != nullptr && std::string_view(text) == "shared";
  }
  static void Use(bool attackers) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    for (int cpu = 0; cpu < sysconf(_SC_NPROCESSORS_ONLN); ++cpu) {
      if ((cpu == kAttackerCpu) == attackers) CPU_SET(cpu, &cpus);
    }
    sched_setaffinity(0, sizeof(cpus), &cpus);
  }

  const bool apart_;
};

std::string Encode(const v1::Hello& hello) {
  v1::AgentMessage message;
  *message.mutable_hello() = hello;
  return message.SerializeAsString();
}

// One attacker: knows the address, has the certificate of a node, and goes on until `over`.
struct Attack {
  const std::string address;
  const std::string node;
  const std::string from;  // his own address
  const CertificateSet certificates;
  const std::atomic<bool>& over;
  uint64_t acts = 0;  // for the table
  std::mt19937_64 random{7};

  std::string RandomBytes(size_t count) {
    std::string bytes(count, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    return bytes;
  }
  std::unique_ptr<RawHttp2> Open() const {
    auto client = std::make_unique<RawHttp2>(address, certificates, from);
    client->Begin();
    return client;
  }
};

void NothingAfterConnect(Attack& attack) {
  std::vector<UniqueFd> sockets;
  while (!attack.over) {
    sockets.push_back(ConnectTcp(attack.address, attack.from));
    ++attack.acts;
    if (sockets.size() >= 500) absl::SleepFor(absl::Milliseconds(20));
    if (sockets.size() >= 1000) sockets.clear();
  }
}

void GarbageForTls(Attack& attack) {
  while (!attack.over) {
    const UniqueFd socket = ConnectTcp(attack.address, attack.from);
    const std::string bytes = attack.RandomBytes(1 + attack.random() % 4000);
    send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    ++attack.acts;
  }
}

void HandshakeByteByByte(Attack& attack) {
  std::vector<UniqueFd> sockets(50);
  while (!attack.over) {
    for (UniqueFd& socket : sockets) {
      // A record of a handshake that is announced with 512 bytes.
      static constexpr char kRecord[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc";
      if (!socket || send(socket.get(), &kRecord[attack.acts % 9], 1, MSG_NOSIGNAL) < 0) {
        socket = ConnectTcp(attack.address, attack.from);
      }
      ++attack.acts;
    }
    absl::SleepFor(absl::Milliseconds(50));
  }
}

void SilentBehindTls(Attack& attack) {
  std::vector<std::unique_ptr<RawHttp2>> clients;
  while (!attack.over) {
    clients.push_back(std::make_unique<RawHttp2>(attack.address, attack.certificates, attack.from));
    ++attack.acts;
    if (clients.size() >= 200) clients.clear();
  }
}

void HalfMessages(Attack& attack) {
  std::vector<std::unique_ptr<RawHttp2>> clients;
  while (!attack.over) {
    auto client = attack.Open();
    for (uint32_t stream = 1; stream < 60; stream += 2) {
      // Four megabytes are announced; one byte comes now and then.
      client->Send(HeadersFrame(stream, GrpcHeaders(kConnect)) +
                   Frame(FrameType::kData, 0, stream, std::string("\0\0\x3f\xff\xff", 5) + "x"));
      ++attack.acts;
    }
    clients.push_back(std::move(client));
    for (auto& slow : clients) slow->Send(Frame(FrameType::kData, 0, 1, "x"));
    if (clients.size() >= 50) clients.clear();
  }
}

void OversizedMessages(Attack& attack) {
  const std::string large(6 << 20, 'x');
  while (!attack.over) {
    auto client = attack.Open();
    client->Send(HeadersFrame(1, GrpcHeaders(kConnect)));
    for (size_t at = 0; at < large.size() && !attack.over; at += 16384) {
      const std::string head = at == 0 ? std::string("\0\x7f\xff\xff\xff", 5) : "";
      if (!client->Send(Frame(FrameType::kData, 0, 1, head + large.substr(at, 16000)))) break;
    }
    client->AwaitEnds(1, absl::Milliseconds(100));
    ++attack.acts;
  }
}

void CompressedBombs(Attack& attack) {
  // What they hold does not matter: the collector must not even begin to decompress.
  while (!attack.over) {
    auto client = attack.Open();
    for (uint32_t stream = 1; stream < 60 && !attack.over; stream += 2) {
      client->Send(HeadersFrame(stream, GrpcHeaders(kConnect, {{"grpc-encoding", "gzip"}})) +
                   Frame(FrameType::kData, kEndStream, stream,
                         GrpcMessage(std::string(10'000, '\0'), true)));
      ++attack.acts;
    }
    client->AwaitEnds(30, absl::Seconds(1));
  }
}

void TruncatedConnections(Attack& attack) {
  const std::string whole = StrCat(HeadersFrame(1, GrpcHeaders(kConnect)),
                                   MessageFrames(1, Encode(MakeHello(attack.node))),
                                   MessageFrames(1, attack.RandomBytes(500)));
  while (!attack.over) {
    attack.Open()->Send(std::string_view(whole).substr(0, attack.random() % whole.size()));
    ++attack.acts;
  }
}

void ForgedHellos(Attack& attack) {
  while (!attack.over) {
    auto client = attack.Open();
    for (uint32_t stream = 1; stream < 1000 && !attack.over; stream += 2) {
      const std::string victim = StrCat("n", attack.random() % kGoodAgents);
      client->Send(HeadersFrame(stream, GrpcHeaders(kConnect)) +
                   MessageFrames(stream, Encode(MakeHello(victim)), kEndStream));
      if (client->AwaitEnds(1, absl::Seconds(1)) == 0) break;
      ++attack.acts;
    }
  }
}

void HugeHeaders(Attack& attack) {
  const std::string block = GrpcHeaders(kConnect, {{"x", std::string(1 << 20, 'v')}});
  while (!attack.over) {
    auto client = attack.Open();
    std::string frames = HeadersFrame(1, block.substr(0, 16000), 0);
    for (size_t at = 16000; at < block.size(); at += 16000) {
      frames += Frame(FrameType::kContinuation, at + 16000 >= block.size() ? kEndHeaders : 0, 1,
                      block.substr(at, 16000));
    }
    client->Send(frames);
    client->AwaitEnds(1, absl::Milliseconds(200));
    ++attack.acts;
  }
}

void EndlessContinuations(Attack& attack) {
  const std::string more = Frame(FrameType::kContinuation, 0, 1, HeaderBlock({{"a", "b"}}));
  std::string many;
  for (int i = 0; i < 1000; ++i) many += more;
  while (!attack.over) {
    auto client = attack.Open();
    client->Send(HeadersFrame(1, GrpcHeaders(kConnect), 0));
    for (int i = 0; i < 200 && !attack.over && client->Send(many); ++i) attack.acts += 1000;
  }
}

void HeaderTableBombs(Attack& attack) {
  // A value of 4000 bytes enters the table (literal with incremental indexing), then one byte each
  // repeats it.
  std::string block = GrpcHeaders(kConnect);
  block.push_back(0x40);
  block += std::string("\x01x\x7f\xa1\x1e", 5) + std::string(4000, 'v');
  block.append(12'000, static_cast<char>(0xbe));
  while (!attack.over) {
    auto client = attack.Open();
    for (uint32_t stream = 1; stream < 40 && client->Send(HeadersFrame(stream, block));
         stream += 2) {
      ++attack.acts;
    }
    client->AwaitEnds(1, absl::Milliseconds(100));
  }
}

void RapidReset(Attack& attack) {
  while (!attack.over) {
    auto client = attack.Open();
    for (uint32_t stream = 1; stream < 20'000 && !attack.over;) {
      std::string frames;
      for (int i = 0; i < 100; ++i, stream += 2) {
        frames += HeadersFrame(stream, GrpcHeaders(kConnect)) + RstFrame(stream, 8);
      }
      if (!client->Send(frames)) break;
      attack.acts += 100;
      client->AwaitEnds(0, absl::ZeroDuration());
    }
  }
}

// The same frame over and over; what comes back is read or not.
void Repeat(Attack& attack, const std::string& frame) {
  std::string many;
  for (int i = 0; i < 500; ++i) many += frame;
  while (!attack.over) {
    auto client = attack.Open();
    while (!attack.over && client->Send(many)) attack.acts += 500;
  }
}
void PingFlood(Attack& attack) { Repeat(attack, Frame(FrameType::kPing, 0, 0, "12345678")); }
void SettingsFlood(Attack& attack) { Repeat(attack, Frame(FrameType::kSettings, 0, 0, "")); }
void EmptyDataFlood(Attack& attack) {
  while (!attack.over) {
    auto client = attack.Open();
    client->Send(HeadersFrame(1, GrpcHeaders(kConnect)));
    std::string many;
    for (int i = 0; i < 500; ++i) many += Frame(FrameType::kData, 0, 1, "");
    while (!attack.over && client->Send(many)) attack.acts += 500;
  }
}

void ManyStreams(Attack& attack) {
  while (!attack.over) {
    auto client = attack.Open();
    for (uint32_t stream = 1; stream < 4000 && !attack.over; stream += 2) {
      if (!client->Send(HeadersFrame(stream, GrpcHeaders(kConnect)))) break;
      ++attack.acts;
    }
    client->AwaitEnds(100, absl::Milliseconds(100));
  }
}

void InvalidFrames(Attack& attack) {
  while (!attack.over) {
    auto client = attack.Open();
    for (int i = 0; i < 20; ++i) {
      const auto type = static_cast<FrameType>(attack.random() % 12);
      const auto stream = static_cast<uint32_t>(attack.random() % 8);
      if (!client->Send(Frame(type, static_cast<uint8_t>(attack.random()), stream,
                              attack.RandomBytes(attack.random() % 300)))) {
        break;
      }
      ++attack.acts;
    }
  }
}

void GreedyAgent(Attack& attack) {
  AgentClient agent(OpenChannel(attack.address, attack.certificates));
  if (!agent.Hello(MakeHello(attack.node), nullptr)) return;
  constexpr uint64_t kBatch = 1000;
  for (uint64_t seq = 0; !attack.over; attack.acts += kBatch) {
    std::vector<v1::Record> batch;
    for (uint64_t i = 0; i < kBatch; ++i) batch.push_back(MakeAlertRecord({.seq = ++seq}));
    v1::Position stored;
    if (!agent.Send(batch) || (seq > 4 * kBatch && !agent.ReadAck(&stored))) return;
  }
}

struct AttackRow {
  const char* name;
  void (*run)(Attack& attack);
};
constexpr AttackRow kAttacks[] = {
    {"connections that say nothing", NothingAfterConnect},
    {"garbage in the place of TLS", GarbageForTls},
    {"a handshake byte by byte", HandshakeByteByByte},
    {"TLS and then nothing", SilentBehindTls},
    {"messages that never end", HalfMessages},
    {"oversized messages", OversizedMessages},
    {"compressed messages", CompressedBombs},
    {"connections cut anywhere", TruncatedConnections},
    {"hellos in other nodes' names", ForgedHellos},
    {"a megabyte of headers", HugeHeaders},
    {"headers without end", EndlessContinuations},
    {"headers from the table", HeaderTableBombs},
    {"streams opened and reset", RapidReset},
    {"pings", PingFlood},
    {"settings", SettingsFlood},
    {"empty data", EmptyDataFlood},
    {"thousands of streams", ManyStreams},
    {"frames that are none", InvalidFrames},
    {"an agent at full speed", GreedyAgent},
};

class HostileClientTest : public ::testing::Test {
 protected:
  HostileClientTest()
      : files_(
            WriteCertificates(authority_.Issue("spiffe://test/collector/main"), directory_.path())),
        fleet_(&authority_, kGoodAgents) {
    gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
    signal(SIGPIPE, SIG_IGN);
  }
  void StartCollector(const std::vector<std::string>& more = {}) {
    const std::string dir = directory_.path();
    std::vector<std::string> arguments = {"--listen",  "127.0.0.1:0", "--data-dir", dir + "/data",
                                          "--tls-ca",  files_.ca,     "--tls-cert", files_.cert,
                                          "--tls-key", files_.key};
    arguments.insert(arguments.end(), more.begin(), more.end());
    collector_ = std::make_unique<CollectorProcess>(arguments, dir + "/ready", dir + "/log");
    address_ = collector_->WaitReady();
    pid_ = collector_->pid();
    fleet_.SetAddress(address_);
  }

  // Of the collector, from /proc/<pid>/status; 0: there is no such process.
  uint64_t MemoryBytes(const std::string& line) const {
    const std::string status = ReadFile(StrCat("/proc/", pid_, "/status")).value_or("");
    const size_t at = status.find(line + ":");
    return at == std::string::npos ? 0 : 1024 * std::stoull(status.substr(at + line.size() + 1));
  }
  void Print(const char* name, uint64_t acts, const FleetReport& before,
             const FleetReport& report) const {
    printf("| %s | %llu | %.1f | %.1f | %.1f | %.0f | %llu | %llu |\n", name,
           static_cast<unsigned long long>(acts), absl::ToDoubleMilliseconds(before.p99),
           absl::ToDoubleMilliseconds(report.p50), absl::ToDoubleMilliseconds(report.p99),
           static_cast<double>(report.acked_records) / absl::ToDoubleSeconds(report.time),
           static_cast<unsigned long long>(report.reconnects),
           static_cast<unsigned long long>(MemoryBytes("VmRSS") >> 20));
    fflush(stdout);
  }
  // The p99 before one attack is of few batches: all of them together tell more.
  void PrintDoubled(std::vector<double> quiet_ms, const std::vector<double>& p99s_ms) const {
    std::sort(quiet_ms.begin(), quiet_ms.end());
    const double quiet = quiet_ms[quiet_ms.size() * 99 / 100];
    const auto doubled =
        std::count_if(p99s_ms.begin(), p99s_ms.end(), [&](double p99) { return p99 > 2 * quiet; });
    printf(
        "An attacker with CPUs %s: p99 without attack %.1f ms (%zu batches), at most doubled "
        "in %zu of %zu\n",
        cpus_.text(), quiet, quiet_ms.size(), p99s_ms.size() - static_cast<size_t>(doubled),
        p99s_ms.size());
  }
  Attack MakeAttack(size_t number, const std::atomic<bool>& over) {
    const std::string node = AttackerNode(number);
    return {address_, node, AttackerAddress(number), authority_.Issue(AgentUri(node)), over};
  }
  FleetReport During(size_t number, absl::Duration time, uint64_t* acts) {
    std::atomic<bool> over{false};
    Attack attack = MakeAttack(number, over);
    std::thread attacker([&] {
      cpus_.BecomeAttacker();
      kAttacks[number].run(attack);
    });
    const FleetReport report = fleet_.Run(kLoad, time);
    over = true;
    attacker.join();
    *acts = attack.acts;
    return report;
  }
  void ExpectUnharmed(const char* name) {
    EXPECT_EQ(kill(pid_, 0), 0) << name;
    EXPECT_LT(MemoryBytes("VmHWM"), kMaxResidentBytes) << name;
  }
  // Each alert of the good agents is stored once.
  void ExpectNothingLost() {
    ASSERT_TRUE(fleet_.AwaitAcknowledged(absl::Minutes(1)));
    const auto stub = v1::Fleet::NewStub(OpenChannel(address_, authority_.Issue(kUserUri)));
    std::map<std::string, v1::Node> nodes;
    for (v1::Node& node : ListAllNodes(stub.get())) nodes[node.node()] = node;
    const std::vector<uint64_t> sent = fleet_.Sent();
    for (size_t i = 0; i < sent.size(); ++i) {
      EXPECT_GT(sent[i], 0u);
      EXPECT_EQ(nodes[StrCat("n", i)].alerts(), sent[i]) << i;
      EXPECT_EQ(nodes[StrCat("n", i)].stored().seq(), sent[i]) << i;
    }
  }

  const OwnCpus cpus_;  // comes first: all else starts threads
  TestAuthority authority_;
  TemporaryDirectory directory_;
  const CertificateFiles files_;
  std::unique_ptr<CollectorProcess> collector_;
  std::string address_;
  pid_t pid_ = 0;
  AgentFleet fleet_;  // goes first
};

TEST_F(HostileClientTest, NoAttackHarmsTheCollectorOrItsOtherAgents) {
  StartCollector();
  ASSERT_EQ(fleet_.AwaitConnected(absl::Minutes(1)), kGoodAgents) << collector_->Log();
  const absl::Duration time = absl::Seconds(Setting("VAKT_HOSTILE_SECONDS", 2));
  printf(
      "| Attack | Acts | p99 ms before | Others' p50 ms | p99 ms | Alerts/s | Reconnects | "
      "Resident "
      "MiB |\n|---|---|---|---|---|---|---|---|\n");
  fleet_.Run(kLoad, absl::Seconds(1));
  const char* const only = std::getenv("VAKT_HOSTILE_ATTACK");
  std::vector<double> quiet_ms, p99s_ms;
  for (size_t i = 0; i < std::size(kAttacks); ++i) {
    const AttackRow& row = kAttacks[i];
    if (std::string_view(row.name).find(only == nullptr ? "" : only) == std::string_view::npos) {
      continue;
    }
    uint64_t acts = 0;
    const FleetReport before = fleet_.Run(kLoad, time);
    quiet_ms.insert(quiet_ms.end(), before.latencies_ms.begin(), before.latencies_ms.end());
    const FleetReport report = During(i, time, &acts);
    p99s_ms.push_back(absl::ToDoubleMilliseconds(report.p99));
    Print(row.name, acts, before, report);
    EXPECT_GT(acts, 0u) << row.name;
    ExpectUnharmed(row.name);
  }
  PrintDoubled(std::move(quiet_ms), p99s_ms);
  ExpectNothingLost();
  EXPECT_EQ(collector_->Stop(SIGTERM), 0) << collector_->Log();
}

// Malformed messages of all kinds, each on a stream of its own.
void MalformedMessages(Attack& attack, uint64_t wanted) {
  v1::AgentMessage good;
  good.mutable_batch()->add_records(MakeAlertRecord({}).SerializeAsString());
  const std::string batch = good.SerializeAsString();
  const std::string hello = Encode(MakeHello(attack.node));
  constexpr int kAtOnce = 16;
  while (attack.acts < wanted) {
    auto client = attack.Open();
    for (uint32_t stream = 1; stream < 100'000 && attack.acts < wanted;) {
      std::string frames;
      for (int i = 0; i < kAtOnce; ++i, stream += 2) {
        std::string message = attack.random() % 2 == 0 ? batch : hello;
        for (uint64_t flips = attack.random() % 8; flips > 0; --flips) {
          message[attack.random() % message.size()] = static_cast<char>(attack.random());
        }
        if (attack.random() % 4 == 0) message.resize(attack.random() % message.size());
        frames += HeadersFrame(stream, GrpcHeaders(kConnect));
        // Some behind a good hello, so that they reach what comes after it.
        if (attack.random() % 8 == 0) frames += MessageFrames(stream, hello);
        frames += MessageFrames(stream, message, kEndStream);
        ++attack.acts;
      }
      if (!client->Send(frames) || client->AwaitEnds(kAtOnce, absl::Seconds(5)) == 0) break;
    }
  }
}

TEST_F(HostileClientTest, MalformedMessagesAreAnsweredAndForgotten) {
  // Else the door would keep them out.
  StartCollector({"--agent-calls-per-second", "0"});
  ASSERT_EQ(fleet_.AwaitConnected(absl::Minutes(1)), kGoodAgents) << collector_->Log();
  const auto wanted = static_cast<uint64_t>(Setting("VAKT_HOSTILE_MESSAGES", 5'000));
  fleet_.Run(kLoad, absl::Seconds(1));
  const FleetReport before = fleet_.Run(kLoad, absl::Seconds(2));
  std::atomic<bool> over{false};
  std::atomic<bool> done{false};
  Attack attack = MakeAttack(0, over);
  std::thread attacker([&] {
    cpus_.BecomeAttacker();
    MalformedMessages(attack, wanted);
    done = true;
  });
  FleetReport worst;
  while (!done) {
    const FleetReport report = fleet_.Run(kLoad, absl::Seconds(2));
    if (report.p99 >= worst.p99) worst = report;
  }
  attacker.join();
  Print("malformed messages", attack.acts, before, worst);
  EXPECT_EQ(attack.acts, wanted + (wanted % 16 == 0 ? 0 : 16 - wanted % 16));
  ExpectUnharmed("malformed messages");
  ExpectNothingLost();
  EXPECT_EQ(collector_->Stop(SIGTERM), 0) << collector_->Log();
}

}  // namespace
}  // namespace vakt
