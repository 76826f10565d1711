// SPDX-License-Identifier: Apache-2.0
#include "agent/app/held_events.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/event/fields.h"
#include "common/event_codec/event_codec.h"

namespace vakt {
ProcessSnapshot::ProcessSnapshot(const Process& process) {
  std::vector<const Process*> chain;
  for (const Process* p = &process; p != nullptr && chain.size() <= size_t{kMaxAncestors};
       p = p->parent) {
    chain.push_back(p);
  }
  const size_t ancestors = chain.size();
  const Process* leader = process.session_leader;
  const auto at = static_cast<size_t>(
      std::distance(chain.begin(), std::find(chain.begin(), chain.end(), leader)));
  if (leader != nullptr && at == chain.size()) chain.push_back(leader);
  processes_.reserve(chain.size());
  for (const Process* p : chain) {
    Process& copy = processes_.emplace_back(*p);
    copy.change = 0;  // of this state nobody keeps track
    copy.parent = copy.session_leader = nullptr;
  }
  for (size_t i = 0; i + 1 < ancestors; ++i) processes_[i].parent = &processes_[i + 1];
  if (leader != nullptr) processes_.front().session_leader = &processes_[at];
}

HeldEvent::HeldEvent(const Event& event)
    : num_(event.num), wall_ns_(event.wall_ns), node_(event.node), process_(*event.process) {
  EventToProto(event, &message_);
  if (event.process_act.process != nullptr) target_ = ProcessSnapshot(*event.process_act.process);
  if (event.kind == Kind::process_credentials) {
    credentials_ = event.process_credentials;
    for (size_t i = 0; i < asked_names_.size(); ++i) {
      asked_names_[i] = std::string(credentials_.asked_names[i]);
    }
  }
  bytes_ = sizeof(HeldEvent) + message_.SpaceUsedLong() + process_.bytes() + target_.bytes();
}

bool HeldEvent::Restore(Event* event) {
  if (!EventFromProto(message_, &argv_, event)) return false;
  event->num = num_;
  event->wall_ns = wall_ns_;
  event->node = node_;
  event->process = process_.process();
  event->process_act.process = target_.process();
  if (event->kind == Kind::process_credentials) {
    const CredentialChange decoded = event->process_credentials;
    event->process_credentials = credentials_;
    event->process_credentials.args = decoded.args;
    event->process_credentials.after = decoded.after;
    for (size_t i = 0; i < asked_names_.size(); ++i) {
      event->process_credentials.asked_names[i] = asked_names_[i];
    }
  }
  return true;
}

bool HeldEvents::Hold(const Event& event) {
  if (events_.size() >= kMaxEvents || bytes_ >= kMaxBytes) return false;
  bytes_ += events_.emplace_back(event).bytes();
  return true;
}

std::vector<HeldEvent> HeldEvents::TakeOf(std::string_view container_id) {
  const auto others = std::stable_partition(
      events_.begin(), events_.end(),
      [&](const HeldEvent& event) { return event.container_id() == container_id; });
  std::vector<HeldEvent> taken(std::make_move_iterator(events_.begin()),
                               std::make_move_iterator(others));
  events_.erase(events_.begin(), others);
  for (const HeldEvent& event : taken) bytes_ -= event.bytes();
  return taken;
}

std::vector<HeldEvent> HeldEvents::TakeAll() {
  std::vector<HeldEvent> taken(std::make_move_iterator(events_.begin()),
                               std::make_move_iterator(events_.end()));
  events_.clear();
  bytes_ = 0;
  return taken;
}

}  // namespace vakt
