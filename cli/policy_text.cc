// SPDX-License-Identifier: Apache-2.0
#include "cli/policy_text.h"

#include <string_view>

#include "cli/json.h"
#include "cli/time_text.h"
#include "common/alert/alert_time.h"
#include "common/base/strings.h"
#include "common/base/text.h"

namespace vakt {
namespace {

constexpr std::string_view kApiVersion = "networking.k8s.io/v1";
constexpr std::string_view kNamespaceLabel = "kubernetes.io/metadata.name";
constexpr size_t kCommentColumns = 100;
constexpr size_t kMaxRemarks = 8;  // of a peer: an address can have been asked for by many names

// One line of ASCII: YAML 1.1 knows line breaks beyond it.
std::string Plain(std::string_view text) {
  std::string plain;
  for (const char c : EscapeUtf8(text)) plain.push_back(static_cast<signed char>(c) < 0 ? '?' : c);
  return plain;
}

// "# first line\n#   the rest, in lines of their own\n".
std::string Comment(std::string_view indent, std::string_view text, std::string_view hang = "") {
  std::string out, line;
  const std::string plain = Plain(text);
  std::string_view rest = plain;
  while (!rest.empty()) {
    const size_t space = rest.find(' ');
    const std::string_view word = rest.substr(0, space);
    if (!line.empty() && indent.size() + line.size() + word.size() > kCommentColumns) {
      out += StrCat(indent, "#", line, "\n");
      line = std::string(hang);
    }
    line += StrCat(" ", word);
    rest = space == rest.npos ? std::string_view() : rest.substr(space + 1);
  }
  return line.empty() ? out : StrCat(out, indent, "#", line, "\n");
}

std::string Title(const PolicyDraft& draft) {
  const WorkloadKey& key = draft.workload.key;
  return StrCat(key.kind, " ", key.name_space, "/", key.name,
                key.cluster.empty() ? "" : StrCat(" of cluster ", key.cluster));
}

std::string MadeFrom(const PolicyDraft& draft) {
  const size_t pods = draft.workload.pods.size();
  return StrCat("Made from ", draft.records, " flow records of its ", pods,
                pods == 1 ? " pod and " : " pods and ", draft.peer_records, " of its peers, from ",
                Rfc3339(ToTimestamp(draft.begin)), " to ", Rfc3339(ToTimestamp(draft.end)), ".");
}

std::string RemarksText(const std::set<std::string>& remarks) {
  std::string text;
  size_t count = 0;
  for (const std::string& remark : remarks) {
    if (++count > kMaxRemarks) return StrCat(text, " and ", remarks.size() - kMaxRemarks, " more");
    text += StrCat(text.empty() ? "" : ", ", remark);
  }
  return text;
}

std::string LabelsYaml(std::string_view indent, const std::map<std::string, std::string>& labels) {
  std::string out = StrCat(indent, "matchLabels:\n");
  for (const auto& [key, value] : labels) {
    out += StrCat(indent, "  ", JsonString(key), ": ", JsonString(value), "\n");
  }
  return out;
}

std::string PeerYaml(const PolicyPeer& peer) {
  constexpr std::string_view kDash = "        - ", kNext = "          ", kBelow = "            ";
  if (peer.cidr.empty()) {
    return StrCat(kDash, "namespaceSelector:\n",
                  LabelsYaml(kBelow, {{std::string(kNamespaceLabel), peer.name_space}}), kNext,
                  "podSelector:\n", LabelsYaml(kBelow, peer.labels));
  }
  std::string out = StrCat(kDash, "ipBlock:\n", kBelow, "cidr: ", JsonString(peer.cidr), "\n");
  if (!peer.except.empty()) out += StrCat(kBelow, "except:\n");
  for (const std::string& block : peer.except) {
    out += StrCat(kBelow, "  - ", JsonString(block), "\n");
  }
  return out;
}

std::string RulesYaml(std::string_view side, std::string_view peers,
                      const std::vector<PolicyRule>& rules) {
  if (rules.empty()) return StrCat("  ", side, ": []\n");
  std::string out = StrCat("  ", side, ":\n");
  for (const PolicyRule& rule : rules) {
    out += StrCat("    - ", peers, ":\n");
    for (const auto& [peer, remarks] : rule.peers) {
      if (!remarks.empty()) out += Comment("        ", RemarksText(remarks));
      out += PeerYaml(peer);
    }
    out += "      ports:\n";
    for (const PolicyPort& port : rule.ports) {
      out += StrCat("        - protocol: ", port.protocol, "\n          port: ", port.port, "\n");
    }
  }
  return out;
}

std::string DraftYaml(const PolicyDraft& draft) {
  std::string out = Comment("", StrCat(Title(draft), ". ", MadeFrom(draft)));
  if (!draft.has_policy) out += Comment("", "No policy can be made for it:");
  if (draft.has_policy && !draft.notes.empty()) out += Comment("", "Not expressed, or to look at:");
  for (const std::string& note : draft.notes) out += Comment("", StrCat("- ", note), "  ");
  if (!draft.has_policy) return out;
  return StrCat(
      out, "apiVersion: ", kApiVersion,
      "\nkind: NetworkPolicy\nmetadata:\n  name: ", JsonString(draft.name),
      "\n  namespace: ", JsonString(draft.workload.key.name_space), "\nspec:\n  podSelector:\n",
      LabelsYaml("    ", draft.workload.labels), "  policyTypes:\n    - Ingress\n    - Egress\n",
      RulesYaml("ingress", "from", draft.ingress), RulesYaml("egress", "to", draft.egress));
}

std::string SelectorJson(const std::map<std::string, std::string>& labels) {
  JsonObject match;
  for (const auto& [key, value] : labels) match.Add(key, value);
  return JsonObject().AddJson("matchLabels", match.Text()).Text();
}

std::string PeerJson(const PolicyPeer& peer) {
  JsonObject object;
  if (peer.cidr.empty()) {
    object.AddJson("namespaceSelector",
                   SelectorJson({{std::string(kNamespaceLabel), peer.name_space}}));
    return object.AddJson("podSelector", SelectorJson(peer.labels)).Text();
  }
  JsonObject block;
  block.Add("cidr", peer.cidr);
  JsonArray except;
  for (const std::string& text : peer.except) except.AddJson(JsonString(text));
  if (!peer.except.empty()) block.AddJson("except", except.Text());
  return object.AddJson("ipBlock", block.Text()).Text();
}

std::string RulesJson(std::string_view peers, const std::vector<PolicyRule>& rules) {
  JsonArray array;
  for (const PolicyRule& rule : rules) {
    JsonArray of, ports;
    for (const auto& [peer, remarks] : rule.peers) of.AddJson(PeerJson(peer));
    for (const PolicyPort& port : rule.ports) {
      ports.AddJson(JsonObject().Add("protocol", port.protocol).Add("port", port.port).Text());
    }
    array.AddJson(JsonObject().AddJson(peers, of.Text()).AddJson("ports", ports.Text()).Text());
  }
  return array.Text();
}

std::string DraftJson(const PolicyDraft& draft) {
  std::string notes;
  for (const std::string& note : draft.notes) notes += StrCat(notes.empty() ? "" : "; ", note);
  JsonObject annotations, metadata, spec, policy;
  annotations.Add("suggested-by", "vaktctl flows policy: to be reviewed by a person");
  annotations.Add("made-from", MadeFrom(draft));
  if (!notes.empty()) annotations.Add("not-expressed", notes);
  metadata.Add("name", draft.name).Add("namespace", draft.workload.key.name_space);
  metadata.AddJson("annotations", annotations.Text());
  spec.AddJson("podSelector", SelectorJson(draft.workload.labels));
  spec.AddJson("policyTypes", R"(["Ingress","Egress"])");
  spec.AddJson("ingress", RulesJson("from", draft.ingress));
  spec.AddJson("egress", RulesJson("to", draft.egress));
  policy.Add("apiVersion", kApiVersion).Add("kind", "NetworkPolicy");
  return policy.AddJson("metadata", metadata.Text()).AddJson("spec", spec.Text()).Text();
}

}  // namespace

std::string PoliciesYaml(const PolicyOrigin& origin, const std::vector<PolicyDraft>& drafts) {
  std::string out =
      Comment("", StrCat("Suggested by `vaktctl flows policy --external-as ", origin.external_as,
                         "` from the ", origin.records, " flow records that the collector has of ",
                         Rfc3339(ToTimestamp(origin.since)), " to ",
                         Rfc3339(ToTimestamp(origin.until)), "."));
  out += Comment("",
                 "A person must review it before it is applied: it allows what was seen, be that "
                 "good or bad, and denies what was not, such as a yearly backup.");
  for (const PolicyDraft& draft : drafts) out += StrCat("---\n", DraftYaml(draft));
  return out;
}

std::string PoliciesJson(const PolicyOrigin&, const std::vector<PolicyDraft>& drafts) {
  JsonArray items;
  for (const PolicyDraft& draft : drafts) {
    if (draft.has_policy) items.AddJson(DraftJson(draft));
  }
  JsonObject list;
  list.Add("apiVersion", "v1").Add("kind", "List");
  return list.AddJson("items", items.Text()).Text();
}

}  // namespace vakt
