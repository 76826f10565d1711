// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/hostile_attacks.h"

#include <sys/socket.h>

#include <algorithm>
#include <vector>

#include "absl/time/clock.h"
#include "common/base/strings.h"
#include "tests/integration/collector_client.h"

namespace vakt {
namespace {

constexpr char kConnect[] = "/vakt.v1.Ingest/Connect";

std::string Encode(const v1::Hello& hello) {
  v1::AgentMessage message;
  *message.mutable_hello() = hello;
  return message.SerializeAsString();
}

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

// All kinds, each on a stream of its own, until as many as wanted have been sent.
void MalformedMessages(Attack& attack) {
  v1::AgentMessage good;
  good.mutable_batch()->add_records(MakeAlertRecord({}).SerializeAsString());
  const std::string batch = good.SerializeAsString();
  const std::string hello = Encode(MakeHello(attack.node));
  constexpr int kAtOnce = 16;
  while (attack.acts < attack.wanted) {
    auto client = attack.Open();
    for (uint32_t stream = 1; stream < 100'000 && attack.acts < attack.wanted;) {
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

}  // namespace

std::string Attack::RandomBytes(size_t count) {
  std::string bytes(count, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

std::unique_ptr<RawHttp2> Attack::Open() const {
  auto client = std::make_unique<RawHttp2>(address, certificates, from);
  client->Begin();
  return client;
}

absl::Span<const AttackRow> Attacks() { return kAttacks; }
AttackRow MalformedMessagesAttack() { return {"malformed messages", MalformedMessages}; }

}  // namespace vakt
