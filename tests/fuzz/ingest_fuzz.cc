// SPDX-License-Identifier: Apache-2.0
// What an agent sends: whatever it is, the collector's side of the stream stays true to itself.
// What is taken is what was sent; what cannot be taken is kept, none is lost; acknowledgements
// never go back, and every row can be read again.
//
// The input is a script: an operation, a length, so many bytes, and so on. Most operations make
// records that are nearly good, so that the sequence of them matters and not only their bytes.
//
//   ingest_fuzz -max_len=8192 corpus/
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "collector/ingest/agent_protocol.h"
#include "tests/fuzz/quiet.h"
#include "tests/support/sample_records.h"

namespace vakt {
namespace {

void Expect(bool condition) {
  if (!condition) __builtin_trap();
}

uint64_t Number(std::string_view bytes) {
  uint64_t number = 0;
  for (const char c : bytes.substr(0, 8)) number = number << 8 | static_cast<uint8_t>(c);
  return number;
}

class Agent {
 public:
  Agent() : protocol_("n1", {.batch_records = 64}) {
    v1::Hello hello;
    hello.set_node("n1");
    hello.set_boot_id(kSampleBootId);
    hello.set_epoch(1000);
    Expect(protocol_.TakeHello(hello).ok());
  }

  void Do(uint8_t operation, std::string_view bytes) {
    const uint64_t number = Number(bytes);
    switch (operation % 7) {
      case 0:
        return Message(bytes);
      case 1:
        return batch_.add_records(std::string(bytes).c_str(), bytes.size());
      case 2:
        return batch_.add_records(
            MakeAlertRecord({.epoch = 1000 - number % 2, .seq = ++seq_}).SerializeAsString());
      case 3:
        return Tombstone(seq_ + 1, seq_ + 1 + number % 5);
      case 4:
        return Send();
      case 5:
        batch_.mutable_last()->set_epoch(1000 - number % 2);
        batch_.mutable_last()->set_seq(bytes.size() > 1 ? number : seq_);
        return Send();
      default:
        if (batch_.records_size() == 0) return;
        std::string* record = batch_.mutable_records(batch_.records_size() - 1);
        if (!record->empty())
          (*record)[number % record->size()] ^= static_cast<char>(number >> 8 | 1);
    }
  }
  void Send() {
    v1::Batch batch = std::exchange(batch_, {});
    Take(&batch);
  }

 private:
  void Tombstone(uint64_t first, uint64_t last) {
    v1::Record record = MakeGapRecord({.seq = last}, 1);
    record.mutable_gap()->set_first_seq(first);
    record.mutable_gap()->set_last_seq(last);
    record.mutable_gap()->set_chain_after(std::string(kChainHashBytes, 'h'));
    batch_.add_records(record.SerializeAsString());
    seq_ = last;
  }

  void Message(std::string_view bytes) {
    v1::AgentMessage message;
    if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
    if (message.has_hello()) Expect(!protocol_.TakeHello(message.hello()).ok());
    if (message.has_heartbeat()) protocol_.CheckHeartbeat(message.heartbeat()).IgnoreError();
    if (message.has_batch()) Take(message.mutable_batch());
  }

  void Take(v1::Batch* batch) {
    const auto sent = static_cast<size_t>(batch->records_size());
    const auto taken = protocol_.TakeBatch(batch, 1'000'000'000);
    if (!taken.ok()) return;
    size_t rows = 0, malformed = taken->batch.strays.size();
    for (const RecordRow& row : taken->batch.rows) {
      malformed += row.malformed.size();
      rows += row.malformed.empty() ? 1 : 0;
      const auto again = ToRecordRow(row.bytes);
      Expect(again.ok() && again->epoch == row.epoch && again->seq == row.seq);
      Expect(again->boot_id == row.boot_id && again->kind == row.kind);
      Expect(row.epoch <= 1000 && row.seq >= 1 && row.first_seq <= row.seq);
      Expect(std::tuple(row.epoch, row.seq) <= PlaceOf(taken->last));
    }
    Expect(rows + malformed == sent && malformed == taken->malformed);
    Expect(PlaceOf(taken->last) >= acknowledged_);
    acknowledged_ = PlaceOf(taken->last);
  }

  using Place = std::tuple<int64_t, int64_t>;
  static Place PlaceOf(const v1::Position& position) {
    return {static_cast<int64_t>(position.epoch()), static_cast<int64_t>(position.seq())};
  }

  AgentProtocol protocol_;
  v1::Batch batch_;
  uint64_t seq_ = 0;
  Place acknowledged_ = {0, 0};
};

}  // namespace
}  // namespace vakt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  vakt::SilenceLibraries();
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  vakt::Agent agent;
  while (rest.size() >= 2) {
    const auto operation = static_cast<uint8_t>(rest[0]);
    const auto length = static_cast<uint8_t>(rest[1]);
    rest.remove_prefix(2);
    agent.Do(operation, rest.substr(0, length));
    rest.remove_prefix(std::min<size_t>(length, rest.size()));
  }
  agent.Send();
  return 0;
}
