// SPDX-License-Identifier: Apache-2.0
// Who of the agent's threads may do what, and what is lost because nobody may.
#include "agent/app/agent.h"
#include "agent/app/privileges.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

using Holder = CapabilityRow::Holder;
using Need = CapabilityRow::Need;

CapabilitySet Bit(const CapabilityRow& row) { return CapabilitySet{1} << row.number; }

// Older kernels know CAP_SYS_ADMIN alone for all three, and later ones still take it for them.
bool Has(CapabilitySet set, const CapabilityRow& row) {
  constexpr CapabilitySet kSysAdmin = CapabilitySet{1} << 21;  // linux/capability.h
  return (set & (Bit(row) | (row.holder == Holder::kHooks ? kSysAdmin : 0))) != 0;
}

}  // namespace

absl::Status Agent::DividePrivileges() {
  had_ = EffectiveCapabilities();
  // Neither failure is a reason not to watch the node; status tells who has what.
  if (const absl::Status status = ConfineProcess(); !status.ok()) {
    LogWarning(StrCat("the process is not confined: ", Message(status)));
  }
  const CapabilitySet hooks = had_ & CapabilitiesOf(Holder::kHooks);
  hooks_ = std::make_unique<PrivilegedThread>("vakt-hooks", hooks);
  meter_ = std::make_unique<PrivilegedThread>("vakt-meter", hooks);
  std::vector<std::string> paths = options_.rule_paths;
  for (const std::string* path :
       {&options_.state_dir, &options_.alerts_path, &options_.record_path, &options_.tls_ca,
        &options_.tls_cert, &options_.tls_key, &options_.flow_files.segments,
        &options_.flow_files.countries, &options_.flow_files.systems}) {
    if (!path->empty()) paths.push_back(*path);
  }
  kept_ = CapabilitiesToKeep(had_, paths);
  if (const absl::Status status = KeepCapabilities(kept_); !status.ok()) {
    LogWarning(StrCat("all threads keep the agent's capabilities: ", Message(status)));
    kept_ = had_;
  }
  std::string required;
  for (const CapabilityRow& row : AllCapabilities()) {
    if (Has(had_, row) || row.need == Need::kAtTimes) continue;
    const std::string text = StrCat(row.name, " is missing: ", row.without);
    LogWarning(text);
    if (row.need == Need::kRequired) required += StrCat(required.empty() ? "" : "; ", text);
  }
  if (!required.empty()) {
    return absl::PermissionDeniedError(StrCat(required, " (docs/reference/capabilities.md)"));
  }
  return absl::OkStatus();
}

void Agent::FillCapabilities(v1::AgentStatus* status) const {
  for (const CapabilityRow& row : AllCapabilities()) {
    v1::CapabilityStatus* told = status->add_capabilities();
    told->set_name(std::string(row.name));
    told->set_without(std::string(row.without));
    if ((kept_ & Bit(row)) != 0) {
      told->set_state("all threads");
    } else if ((had_ & Bit(row)) == 0) {
      told->set_state(row.need == Need::kAtTimes || Has(had_, row) ? "not given" : "missing");
    } else {
      told->set_state(row.holder == Holder::kHooks ? "thread for hooks" : "given up");
    }
  }
}

}  // namespace vakt
