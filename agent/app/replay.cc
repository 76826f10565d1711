// SPDX-License-Identifier: Apache-2.0
#include "agent/app/replay.h"

#include <limits>
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

v1::NodeFacts NodeFactsToProto(const NodeFacts& node, const AccountTable& accounts) {
  v1::NodeFacts out;
  out.set_hostname(node.hostname);
  out.set_boot_id(node.boot_id);
  out.set_boot_to_wall_ns(node.boot_to_wall_ns);
  out.set_agent_version(node.agent_version);
  out.set_kernel_release(node.kernel_release);
  out.set_epoch(node.epoch);
  out.set_tier(node.tier);
  accounts.ToProto(&out);
  return out;
}

namespace {

NodeFacts NodeFactsFromProto(const v1::NodeFacts& in) {
  NodeFacts node;
  node.hostname = in.hostname();
  node.boot_id = in.boot_id();
  node.boot_to_wall_ns = in.boot_to_wall_ns();
  node.agent_version = in.agent_version();
  node.kernel_release = in.kernel_release();
  node.epoch = in.epoch();
  node.tier = in.tier();
  return node;
}

// The event with its time on the node's clock. It holds on to `message` and `argv`.
absl::StatusOr<Event> RecordedEvent(const v1::Event& message, const NodeFacts& node,
                                    std::string* argv) {
  Event event;
  if (!EventFromProto(message, argv, &event)) {
    return absl::DataLossError("an event of no known kind; recorded by a newer version?");
  }
  event.wall_ns = static_cast<int64_t>(event.boot_ns) + node.boot_to_wall_ns;
  return event;
}

// What the agent does before it matches.
class Player {
 public:
  Player(const v1::NodeFacts& facts, const EventVisitor& visit)
      : accounts_(facts),
        enricher_(EnrichOptions{}, &accounts_),
        node_(NodeFactsFromProto(facts)),
        visit_(visit) {}

  // Whether to go on.
  absl::StatusOr<bool> Play(const v1::Event& message) {
    VAKT_ASSIGN_OR_RETURN(Event event, RecordedEvent(message, node_, &argv_));
    event.num = ++count_;
    event.node = &node_;
    enricher_.Apply(event);
    return visit_(event);
  }

  void Learn(const v1::Container& container) { enricher_.Learn(container); }
  void LearnAccounts(const v1::ContainerAccounts& accounts) { enricher_.LearnAccounts(accounts); }

 private:
  AccountTable accounts_;
  Enricher enricher_;
  NodeFacts node_;
  const EventVisitor& visit_;
  std::string argv_;
  uint64_t count_ = 0;
};

}  // namespace

absl::Status Replay(const std::string& recording_path, std::unique_ptr<Matcher> matcher,
                    PipelineOutput* output) {
  VAKT_ASSIGN_OR_RETURN(const auto reader, RecordingReader::Open(recording_path));
  const NodeFacts node = NodeFactsFromProto(reader->node());
  Pipeline pipeline(node, std::make_unique<AccountTable>(reader->node()), std::move(matcher),
                    output);
  // The recording says when the answer came, or that it was not waited for any longer.
  pipeline.SetContainerSource(nullptr, std::numeric_limits<uint64_t>::max());
  v1::RecordingEntry entry;
  std::string argv;
  for (;;) {
    VAKT_ASSIGN_OR_RETURN(const bool more, reader->Next(&entry));
    if (!more) break;
    if (entry.has_gap()) pipeline.OnGap(entry.gap());
    if (entry.has_container()) pipeline.OnContainer(entry.container());
    if (entry.has_accounts()) pipeline.OnAccounts(entry.accounts());
    if (!entry.has_event()) continue;
    VAKT_ASSIGN_OR_RETURN(Event event, RecordedEvent(entry.event(), node, &argv));
    pipeline.OnEvent(event);
  }
  pipeline.Finish();
  return absl::OkStatus();
}

absl::Status PlayRecording(const std::string& path, const EventVisitor& visit) {
  VAKT_ASSIGN_OR_RETURN(const auto reader, RecordingReader::Open(path));
  Player player(reader->node(), visit);
  v1::RecordingEntry entry;
  for (;;) {
    VAKT_ASSIGN_OR_RETURN(const bool more, reader->Next(&entry));
    if (!more) return absl::OkStatus();
    if (entry.has_container()) player.Learn(entry.container());
    if (entry.has_accounts()) player.LearnAccounts(entry.accounts());
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
