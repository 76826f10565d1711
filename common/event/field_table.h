// SPDX-License-Identifier: Apache-2.0
// Rule fields: one row per name that conditions and outputs may use. A row says the type, whether
// an argument goes with it, and how to get the value from an event. Reference docs, help and
// `vaktctl fields` are generated from the rows.
//
// Threads: the table is constant; extraction is thread-compatible (its state is in the Extractor).
#ifndef VAKT_COMMON_EVENT_FIELD_TABLE_H_
#define VAKT_COMMON_EVENT_FIELD_TABLE_H_

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "common/event/event.h"
#include "common/event/process.h"

namespace vakt {

enum class FieldType : uint8_t {
  kString,  // any bytes
  kInt,     // signed 64-bit
  kUint,    // unsigned 64-bit
  kDouble,  // a percentage
  kBool,
  kPort,     // unsigned; service names are accepted in conditions
  kIp,       // IPv4 or IPv6 address
  kNet,      // compared with CIDR blocks
  kAbsTime,  // ns since 1970
  kRelTime,  // ns
  kBytes,    // byte buffer
};

std::string_view FieldTypeName(FieldType type);

// One value, or none. Strings point into the event, its process, or the Extractor that made them.
struct IpAddress {
  std::array<uint8_t, 16> bytes{};  // IPv4: the first 4
  bool ipv6 = false;
  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

struct Value {
  enum class Tag : uint8_t { kNull, kString, kInt, kUint, kDouble, kBool, kIp };
  Tag tag = Tag::kNull;
  std::string_view string;
  int64_t int_value = 0;
  uint64_t uint_value = 0;
  double double_value = 0;
  bool bool_value = false;
  IpAddress ip;

  bool is_null() const { return tag == Tag::kNull; }
  static Value String(std::string_view v) {
    Value r;
    r.tag = Tag::kString;
    r.string = v;
    return r;
  }
  static Value Int(int64_t v) {
    Value r;
    r.tag = Tag::kInt;
    r.int_value = v;
    return r;
  }
  static Value Uint(uint64_t v) {
    Value r;
    r.tag = Tag::kUint;
    r.uint_value = v;
    return r;
  }
  static Value Double(double v) {
    Value r;
    r.tag = Tag::kDouble;
    r.double_value = v;
    return r;
  }
  static Value Bool(bool v) {
    Value r;
    r.tag = Tag::kBool;
    r.bool_value = v;
    return r;
  }
  static Value Ip(const IpAddress& v) {
    Value r;
    r.tag = Tag::kIp;
    r.ip = v;
    return r;
  }
};

// What follows a field's name in brackets (or, for evt.arg, after the next dot).
enum class ArgRule : uint8_t {
  kNone,
  kOptional,
  kOptionalIndex,  // a decimal number
  kRequired,
};
struct FieldArg {
  bool present = false;
  std::string text;    // as written, quotes removed
  int64_t index = -1;  // when text is a decimal number
};

// Values of one field for one event: none (null), one, or several (list fields, and fields such as
// fd.ip or proc.aname without argument, that stand for several values).
// Reused between events; it does not allocate once it has grown to its working size.
class Extractor {
 public:
  // Forgets the values and the strings made for them.
  void Reset();
  void Add(const Value& value) { values_.push_back(value); }
  // Forgets the values behind the first `count`; their strings stay until Reset.
  void Truncate(size_t count) { values_.resize(count); }
  // Keeps a computed string until Reset and returns a view of it.
  std::string_view Keep(std::string&& text);
  // An empty string to write one into that is kept; it has the memory of an earlier one.
  std::string& NewKept();
  absl::Span<const Value> values() const { return values_; }

 private:
  std::vector<Value> values_;
  std::deque<std::string> kept_;
  size_t kept_used_ = 0;
};

enum FieldFlag : uint32_t {
  kFieldList = 1,        // several values at once; `in` asks for all of them, `intersects` for one
  kFieldAnyOf = 2,       // several values; a check holds if any satisfies it (fd.ip, proc.aname)
  kFieldFilterOnly = 4,  // not in outputs, not on the right-hand side
  kFieldNoRhs = 8,       // no val() of it
  kFieldNoTransform = 16,  // no transformer takes it
  kFieldDeprecated = 32,
  kFieldProcessOnly = 64,      // depends on the process alone: may be evaluated once per process
  kFieldNotImplemented = 128,  // known to Falco; null here, and the rule loader warns
  kFieldEnvironment = 512,     // program starts tell their environment while a rule asks for it
  kFieldProcessState = 256,    // the same while Process::change is; reads nothing else of the event
  kFieldMetadata = 1024,       // the container runtime's to say: rules that read it wait for that
};

struct FieldRow {
  std::string_view name;  // "proc.name"
  FieldType type;
  ArgRule arg;
  uint32_t flags;         // FieldFlag
  std::string_view text;  // one sentence for the reference
  // Appends the field's values for `event` to `out`; appends nothing when it is null.
  void (*extract)(const Event& event, const FieldArg& arg, Extractor& out);
};

// All rows, sorted by name.
absl::Span<const FieldRow> AllFields();
// Null when there is no such field. Names are case-sensitive.
const FieldRow* FindField(std::string_view name);

}  // namespace vakt

#endif  // VAKT_COMMON_EVENT_FIELD_TABLE_H_
