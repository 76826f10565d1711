// SPDX-License-Identifier: Apache-2.0
#include "agent/app/replay.h"

#include <memory>
#include <utility>
#include <vector>

#include "agent/enrich/account_table.h"
#include "agent/enrich/enricher.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/event/node_facts.h"
#include "common/event_codec/event_codec.h"
#include "common/recording/recording.h"
#include "common/rulelang/yaml_reader.h"
#include "common/ruletest/event_script.h"

namespace vakt {
namespace {

// What the agent does before it matches.
class Player {
 public:
  Player(const v1::NodeFacts& facts, const EventVisitor& visit)
      : accounts_(facts), enricher_(EnrichOptions{}, &accounts_), visit_(visit) {
    node_.hostname = facts.hostname();
    node_.boot_id = facts.boot_id();
    node_.boot_to_wall_ns = facts.boot_to_wall_ns();
    node_.kernel_release = facts.kernel_release();
  }

  // Whether to go on.
  absl::StatusOr<bool> Play(const v1::Event& message) {
    Event event;
    if (!EventFromProto(message, &argv_, &event)) {
      return absl::DataLossError("an event of no known kind; recorded by a newer version?");
    }
    event.wall_ns = static_cast<int64_t>(event.boot_ns) + node_.boot_to_wall_ns;
    event.num = ++count_;
    event.node = &node_;
    enricher_.Apply(event);
    return visit_(event);
  }

 private:
  AccountTable accounts_;
  Enricher enricher_;
  NodeFacts node_;
  const EventVisitor& visit_;
  std::string argv_;
  uint64_t count_ = 0;
};

}  // namespace

absl::Status PlayRecording(const std::string& path, const EventVisitor& visit) {
  VAKT_ASSIGN_OR_RETURN(const auto reader, RecordingReader::Open(path));
  Player player(reader->node(), visit);
  v1::RecordingEntry entry;
  for (;;) {
    VAKT_ASSIGN_OR_RETURN(const bool more, reader->Next(&entry));
    if (!more) return absl::OkStatus();
    if (!entry.has_event()) continue;
    VAKT_ASSIGN_OR_RETURN(const bool go_on, player.Play(entry.event()));
    if (!go_on) return absl::OkStatus();
  }
}

absl::Status PlayScript(const std::string& path, const std::string& yaml,
                        const EventVisitor& visit) {
  const auto at = [&](SourcePosition where, std::string_view what) {
    return absl::InvalidArgumentError(StrCat(EscapeUtf8(path), ":", where.line, ": ", what));
  };
  YamlError error;
  const std::vector<YamlNode> documents = ReadYaml(yaml, YamlLimits{}, &error);
  if (!error.message.empty()) return at(error.position, error.message);
  if (documents.size() != 1 || !documents[0].is_sequence() || documents[0].items.empty()) {
    return at(SourcePosition{.line = 1}, "expected a list of events: - process_exec: {...}");
  }
  Player player(v1::NodeFacts(), visit);
  EventScript script;
  for (const YamlNode& item : documents[0].items) {
    SourcePosition where;
    const absl::StatusOr<v1::Event> event = script.Add(item, &where);
    if (!event.ok()) return at(where, Message(event.status()));
    VAKT_ASSIGN_OR_RETURN(const bool go_on, player.Play(*event));
    if (!go_on) return absl::OkStatus();
  }
  return absl::OkStatus();
}

}  // namespace vakt
