// SPDX-License-Identifier: Apache-2.0
// Whatever the bytes: no access outside the record (run with the sanitizers), and every record is
// either an event or a counted drop.
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <random>
#include <string_view>

#include "agent/decode/decoder.h"
#include "bpf/wire/wire.h"
#include "gtest/gtest.h"

namespace vakt {
namespace {

size_t WireSize(Kind kind) {
  switch (PayloadOf(kind)) {
    case Payload::kNone:
    case Payload::kFlow:  // the agent makes these
    case Payload::kDns:
      return 0;
    case Payload::kFork:
      return sizeof(vakt_process_fork);
    case Payload::kExec:
      return kind == Kind::process_seed ? sizeof(vakt_process_seed) : sizeof(vakt_process_exec);
    case Payload::kExit:
      return sizeof(vakt_process_exit);
    case Payload::kCall:
      return sizeof(vakt_call);
    case Payload::kAct:
      return sizeof(vakt_process_act);
    case Payload::kCredentials:
      return sizeof(vakt_process_credentials);
    case Payload::kOpen:
      return sizeof(vakt_file_open);
    case Payload::kChange:
      return sizeof(vakt_file_change);
    case Payload::kNetwork:
      return sizeof(vakt_network);
  }
  return 0;
}

// A block of exactly `size` bytes, so that the address sanitizer sees each step beyond it.
std::unique_ptr<std::byte[]> Block(size_t size) { return std::make_unique<std::byte[]>(size); }

void SetHeader(Kind kind, size_t size, std::byte* record) {
  vakt_header header{};
  header.kind = static_cast<uint16_t>(kind);
  header.lane = static_cast<uint8_t>(FindKind(header.kind)->lane);
  std::memcpy(record, &header, std::min(size, sizeof(header)));
}

uint64_t Drops(const Decoder& decoder) {
  uint64_t drops = 0;
  for (size_t i = 0; i < kDropReasonCount; ++i) {
    drops += decoder.dropped(static_cast<DropReason>(i));
    EXPECT_NE(DropReasonName(static_cast<DropReason>(i)), "unknown");
  }
  return drops;
}

TEST(DecoderRobustnessTest, EveryKindOfTheTableIsDecodedFromItsStructUp) {
  for (const KindRow& row : KernelKinds()) {
    const size_t wire_size = WireSize(row.kind);
    ASSERT_GT(wire_size, sizeof(vakt_header)) << row.stem;
    for (size_t size = 0; size <= wire_size + 3; ++size) {
      Decoder decoder(0);
      Event event;
      auto record = Block(size);
      SetHeader(row.kind, size, record.get());
      if (PayloadOf(row.kind) == Payload::kNetwork && size >= wire_size) {
        const uint16_t family = AF_INET;
        std::memcpy(record.get() + offsetof(vakt_network, family), &family, sizeof(family));
      }
      const bool decoded = decoder.Decode({record.get(), size}, &event);
      EXPECT_EQ(decoded, size >= wire_size) << row.stem << " of " << size << " bytes";
      EXPECT_EQ(Drops(decoder), decoded ? 0u : 1u);
      EXPECT_TRUE(!decoded || event.kind == row.kind) << row.stem;
    }
  }
}

size_t TouchedBytes(std::string_view text) {
  size_t sum = 0;
  for (const char c : text) sum += static_cast<unsigned char>(c) != 0;
  return sum;
}

size_t TouchEveryView(const Event& event) {
  const ProcessExec& exec = event.process_exec;
  size_t sum = 0;
  for (const std::string_view view : {event.task.comm,
                                      event.process_fork.child.comm,
                                      event.process_fork.facts.cgroup_path,
                                      exec.exe.path,
                                      exec.filename,
                                      exec.interpreter,
                                      exec.argv,
                                      exec.cwd,
                                      exec.facts.cgroup_path,
                                      event.call.text,
                                      event.call.file.path,
                                      event.process_act.text,
                                      event.process_act.target.comm,
                                      event.file_open.file.path,
                                      event.file_open.name_raw,
                                      event.file_open.file.outer_path,
                                      event.file_change.file.path,
                                      event.file_change.name_raw,
                                      event.file_change.other_path,
                                      event.file_change.other_raw,
                                      event.file_change.text,
                                      event.network.path,
                                      event.user_stack.origin_name}) {
    sum += TouchedBytes(view);
  }
  for (const StackFrame& frame : event.user_stack.Frames()) sum += frame.build_id[0];
  return sum;
}

TEST(DecoderRobustnessTest, RandomRecords) {
  std::mt19937 random(7);
  Decoder decoder(0);
  Event event;
  uint64_t decoded = 0;
  size_t touched = 0;
  constexpr int kRecords = 60'000;
  for (int i = 0; i < kRecords; ++i) {
    const Kind kind = KernelKinds()[random() % KernelKinds().size()].kind;
    const size_t size = random() % 4 == 0 ? random() % 300 : WireSize(kind) + random() % 5000;
    auto record = Block(size);
    // Mostly zero, so that many records get past the first checks.
    const int holes = random() % 3 == 0 ? 1 : 8;
    for (size_t b = 0; b < size; ++b) {
      record[b] = static_cast<std::byte>(random() % holes == 0 ? random() % 256 : 0);
    }
    if (random() % 8 != 0) SetHeader(kind, size, record.get());
    if (!decoder.Decode({record.get(), size}, &event)) continue;
    ++decoded;
    touched += TouchEveryView(event);
  }
  EXPECT_EQ(decoded + Drops(decoder), static_cast<uint64_t>(kRecords));
  EXPECT_GT(decoded, 0u);
  EXPECT_GT(touched, 0u);
}

}  // namespace
}  // namespace vakt
