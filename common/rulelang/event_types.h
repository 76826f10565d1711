// SPDX-License-Identifier: Apache-2.0
// The event types on which a condition can hold, computed from its checks of evt.type and evt.num.
// It may only be too large, never too small: the agent evaluates a rule on these types alone and
// attaches probes for their kinds alone.
//
// Threads: value types.
#ifndef VAKT_COMMON_RULELANG_EVENT_TYPES_H_
#define VAKT_COMMON_RULELANG_EVENT_TYPES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/event/kind.h"

namespace vakt {

struct Expr;

// A set of rows of AllEventTypes(), and of "no type" (kNoEventType).
class EventTypeSet {
 public:
  EventTypeSet() = default;  // empty
  static EventTypeSet All();

  void Add(EventTypeId type);
  bool Contains(EventTypeId type) const;
  bool empty() const;
  // How many types, without "no type".
  size_t size() const;
  // True when the set is All().
  bool is_all() const;
  // True when a condition that has this set leaves the type open rather than naming some.
  bool is_open() const;
  // Kinds that report a type of the set; of an open one those of kKindsOfAnyRule.
  KindSet kinds() const;
  // Kinds that report failed attempts of a type of the set, where others report the successes.
  KindSet failed_kinds() const;

  void IntersectWith(const EventTypeSet& other);
  void UniteWith(const EventTypeSet& other);
  void Subtract(const EventTypeSet& other);

 private:
  std::vector<uint64_t> words_;  // bit AllEventTypes().size() is "no type"
};

EventTypeSet EventTypesOf(const Expr& condition);

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_EVENT_TYPES_H_
