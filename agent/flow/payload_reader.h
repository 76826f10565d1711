// SPDX-License-Identifier: Apache-2.0
// From the bytes that the kernel side copied (bpf/wire/flow.h: vakt_payload) to what name servers
// answered and TLS clients asked for. The bytes themselves go no further.
//
// Threads: pipeline thread only.
#ifndef VAKT_AGENT_FLOW_PAYLOAD_READER_H_
#define VAKT_AGENT_FLOW_PAYLOAD_READER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "agent/flow/dns_answer.h"
#include "agent/flow/stream_table.h"
#include "agent/flow/tls_hello.h"
#include "agent/sensor/event_source.h"
#include "bpf/wire/wire.h"

namespace vakt {

class PayloadReader {
 public:
  // An answer, and of how many bytes it was, as far as they are known.
  using TakeAnswer =
      std::function<void(const vakt_payload& about, const DnsAnswer& answer, size_t size_bytes)>;
  using TakeHello = std::function<void(const vakt_payload& about, const TlsHello& hello)>;

  struct Counters {
    uint64_t answers_learned = 0;
    uint64_t answers_ignored = 0;  // without addresses, or malformed
    uint64_t hellos_learned = 0;
    uint64_t hellos_ignored = 0;  // that were none, or said nothing
  };

  PayloadReader(TakeAnswer take_answer, TakeHello take_hello);

  // False: it is another record.
  bool Read(RawRecord record);
  const Counters& counters() const { return counters_; }

 private:
  void ReadAnswer(vakt_payload about, std::string_view message, bool is_cut);
  void ReadAnswers(const vakt_payload& about, std::string_view bytes);
  void ReadHello(const vakt_payload& about, std::string_view bytes);

  const TakeAnswer take_answer_;
  const TakeHello take_hello_;
  StreamTable answers_, hellos_;
  Counters counters_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_FLOW_PAYLOAD_READER_H_
