// SPDX-License-Identifier: Apache-2.0
#include "collector/door/lobby.h"

#include <utility>

namespace vakt {

bool Lobby::Enter(Id id, const std::string& source, absl::Time now) {
  if (waiting_ >= limits_.lobby) return false;
  Source& from = sources_.try_emplace(source, limits_).first->second;
  if (from.waiting >= limits_.lobby_of_source) return false;
  ++from.guests;
  ++from.waiting;
  ++waiting_;
  guests_[id] = {.state = State::kSilent, .since = now, .source = source};
  return true;
}

void Lobby::SaidHello(Id id, absl::Time now) {
  const auto guest = guests_.find(id);
  if (guest == guests_.end() || guest->second.state != State::kSilent) return;
  guest->second.state = State::kInLine;
  guest->second.since = now;
  ++in_line_;
  Source& source = sources_.at(guest->second.source);
  source.line.push_back(id);
  if (!std::exchange(source.has_turn, true)) turns_.push_back(guest->second.source);
}

std::optional<Lobby::Id> Lobby::TakeFromLine(Source* source) {
  while (!source->line.empty()) {
    const Id id = source->line.front();
    source->line.pop_front();
    if (guests_.contains(id)) return id;
  }
  return std::nullopt;
}

std::optional<Lobby::Id> Lobby::Next(absl::Time now) {
  if (strangers_ >= limits_.strangers) return std::nullopt;
  for (size_t turns = turns_.size(); turns > 0; --turns) {
    std::string name = std::move(turns_.front());
    turns_.pop_front();
    Source& source = sources_.at(name);
    const bool may = source.strangers.IsReady(now);
    const std::optional<Id> id = may ? TakeFromLine(&source) : std::nullopt;
    source.has_turn = !source.line.empty();
    if (source.has_turn) turns_.push_back(std::move(name));
    if (!id.has_value()) continue;
    source.strangers.Take(1, now);
    --source.waiting;
    --waiting_;
    --in_line_;
    ++strangers_;
    Guest& guest = guests_.at(*id);
    guest.state = State::kStranger;
    guest.since = now;
    return id;
  }
  return std::nullopt;
}

void Lobby::MadeCall(Id id, bool trusted) {
  const auto guest = guests_.find(id);
  if (guest == guests_.end() || guest->second.state != State::kStranger) return;
  guest->second.state = State::kKnown;
  --strangers_;
  if (trusted) sources_.at(guest->second.source).strangers.GiveBack(1);
}

void Lobby::Charge(Id id, uint64_t strangers, absl::Time now) {
  const auto guest = guests_.find(id);
  if (guest != guests_.end()) sources_.at(guest->second.source).strangers.Take(strangers, now);
}

void Lobby::Leave(Id id) {
  const auto found = guests_.find(id);
  if (found == guests_.end()) return;
  const Guest& guest = found->second;
  Source& source = sources_.at(guest.source);
  --source.guests;
  if (guest.state == State::kStranger) --strangers_;
  if (guest.state == State::kInLine) --in_line_;
  if (guest.state == State::kSilent || guest.state == State::kInLine) {
    --source.waiting;
    --waiting_;
  }
  guests_.erase(found);
}

std::vector<Lobby::Late> Lobby::TakeLate(absl::Time now) {
  std::vector<Late> late;
  const absl::Duration limit[] = {limits_.hello_timeout, limits_.patience, limits_.call_timeout,
                                  absl::InfiniteDuration()};
  for (const auto& [id, guest] : guests_) {
    if (now - guest.since > limit[static_cast<size_t>(guest.state)]) {
      late.push_back({id, guest.state});
    }
  }
  absl::erase_if(sources_, [now](auto& entry) {
    Source& source = entry.second;
    return source.guests == 0 && !source.has_turn && source.strangers.IsFull(now);
  });
  return late;
}

}  // namespace vakt
