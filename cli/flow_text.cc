// SPDX-License-Identifier: Apache-2.0
#include "cli/flow_text.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstdio>

#include "cli/json.h"
#include "common/alert/alert_time.h"
#include "common/base/address.h"
#include "common/base/strings.h"
#include "common/base/text.h"

namespace vakt {
namespace {

constexpr size_t kShortContainerId = 12;

std::string ProtocolText(const v1::Flow& flow) {
  switch (flow.protocol()) {
    case IPPROTO_TCP:
      return "tcp";
    case IPPROTO_UDP:
      return "udp";
    case IPPROTO_ICMP:
      return "icmp";
    case IPPROTO_ICMPV6:
      return "icmpv6";
    default:
      return StrCat("protocol-", flow.protocol());
  }
}

}  // namespace

std::string EndpointText(const v1::Endpoint& endpoint) {
  const std::string address = AddressText(endpoint.address());
  if (endpoint.port() == 0) return address;
  if (endpoint.address().size() == 16) return StrCat("[", address, "]:", endpoint.port());
  return StrCat(address, ":", endpoint.port());
}

std::string WorkloadText(const v1::StoredRecord& stored) {
  const v1::Container& container = stored.record().flow().container();
  if (!container.pod().name().empty()) {
    return StrCat(container.pod().namespace_(), "/", container.pod().name());
  }
  if (!container.id().empty()) {
    return StrCat("container ", container.id().substr(0, kShortContainerId));
  }
  return StrCat("node ", stored.node());
}

std::string ProgramText(const v1::Flow& flow) {
  const std::string& path = flow.executable();
  const size_t slash = path.rfind('/');
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (!name.empty()) return name;
  return flow.task().process_comm().empty() ? "?" : flow.task().process_comm();
}

std::string RemoteText(const v1::Flow& flow) {
  if (flow.names_size() > 0) return flow.names(0).name();
  if (flow.direction() == v1::Flow::DIRECTION_LISTEN) return "";
  const std::string address = AddressText(flow.remote().address());
  return address.empty() && flow.folded_flows() > 0 ? "(many)" : address;
}

std::string ServiceText(const v1::Flow& flow) {
  const uint32_t port =
      flow.direction() == v1::Flow::DIRECTION_OUT ? flow.remote().port() : flow.local().port();
  return port == 0 ? ProtocolText(flow) : StrCat(port, "/", ProtocolText(flow));
}

std::string EnumWord(const google::protobuf::EnumDescriptor& type, int number) {
  std::string text = EnumText(type, number);
  std::replace(text.begin(), text.end(), '_', '-');
  return text;
}

std::string DirectionText(const v1::Flow& flow) {
  const bool is_told = flow.direction() != 0 && v1::Flow::Direction_IsValid(flow.direction());
  return is_told ? EnumWord(*v1::Flow::Direction_descriptor(), flow.direction()) : "";
}

std::string ClassText(const v1::Flow& flow) {
  const bool is_told = flow.class_() != 0 && v1::Flow::Class_IsValid(flow.class_());
  return is_told ? EnumWord(*v1::Flow::Class_descriptor(), flow.class_()) : "";
}

std::string PlaceText(const v1::Flow& flow) {
  std::string text = ClassText(flow);
  if (!flow.country().empty()) text += StrCat(" ", flow.country());
  if (flow.as_number() != 0) text += StrCat(" AS", flow.as_number());
  return text;
}

std::string BytesText(uint64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes < 1024) return StrCat(bytes, " B");
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  char text[32];
  snprintf(text, sizeof(text), "%.1f %s", value, kUnits[unit]);
  return text;
}

std::string ConnectionsText(const v1::Flow& flow) {
  std::string text = StrCat(flow.connections());
  const struct {
    uint64_t count;
    std::string_view what;
  } failures[] = {
      {flow.refused(), "refused"}, {flow.timed_out(), "timed out"}, {flow.reset(), "reset"}};
  for (const auto& [count, what] : failures) {
    if (count > 0) text += StrCat(" (", count, " ", what, ")");
  }
  return text;
}

std::string FlowLine(const v1::StoredRecord& stored, const Console& console) {
  const v1::Flow& flow = stored.record().flow();
  const Style of_class = flow.class_() == v1::Flow::CLASS_EXTERNAL ? Style::kYellow : Style::kPlain;
  std::string line = StrCat(console.Styled(Style::kFaint, Rfc3339(flow.end())), "  ",
                            EscapeUtf8(WorkloadText(stored)), "  ",
                            console.Styled(Style::kBold, EscapeUtf8(ProgramText(flow))), "[",
                            flow.task().pid(), "] ", DirectionText(flow));
  if (const std::string remote = RemoteText(flow); !remote.empty()) {
    line += StrCat(" ", EscapeUtf8(remote));
  }
  line += StrCat(" ", ServiceText(flow));
  if (const std::string place = PlaceText(flow); !place.empty()) {
    line += StrCat(" ", console.Styled(of_class, EscapeUtf8(place)));
  }
  return StrCat(line, "  ", ConnectionsText(flow), " connections, ", BytesText(flow.bytes_out()),
                " out, ", BytesText(flow.bytes_in()), " in");
}

std::string FlowJson(const v1::StoredRecord& stored) {
  const v1::Flow& flow = stored.record().flow();
  JsonObject object;
  object.Add("cursor", stored.cursor()).Add("node", stored.node());
  object.Add("cluster", stored.cluster());
  object.Add("begin", Rfc3339(flow.begin())).Add("end", Rfc3339(flow.end()));
  object.Add("first_seen", Rfc3339(flow.first_seen()));
  object.Add("direction", DirectionText(flow)).Add("class", ClassText(flow));
  object.Add("protocol", ProtocolText(flow));
  object.Add("local_address", AddressText(flow.local().address()));
  object.Add("local_port", flow.local().port());
  object.Add("remote_address", AddressText(flow.remote().address()));
  object.Add("remote_port", flow.remote().port());
  object.Add("country", flow.country()).Add("as_number", flow.as_number());
  JsonArray names, asked, clients;
  for (const v1::RemoteName& name : flow.names()) {
    const bool is_asked = name.source() == v1::RemoteName::SOURCE_SNI;
    (is_asked ? asked : names).AddJson(JsonString(name.name()));
  }
  for (const std::string& client : flow.tls_clients()) clients.AddJson(JsonString(client));
  object.AddJson("remote_names", names.Text()).AddJson("tls_names", asked.Text());
  object.AddJson("tls_clients", clients.Text());
  object.Add("pid", flow.task().pid()).Add("uid", flow.task().uid());
  object.Add("process", flow.task().process_comm()).Add("executable", flow.executable());
  object.Add("command_line", flow.command_line());
  object.Add("container", flow.container().id());
  object.Add("pod", flow.container().pod().name());
  object.Add("namespace", flow.container().pod().namespace_());
  object.Add("connections", flow.connections()).Add("established", flow.established());
  object.Add("refused", flow.refused()).Add("timed_out", flow.timed_out());
  object.Add("reset", flow.reset()).Add("retransmits", flow.retransmits());
  object.Add("bytes_out", flow.bytes_out()).Add("bytes_in", flow.bytes_in());
  object.Add("packets_out", flow.packets_out()).Add("packets_in", flow.packets_in());
  object.Add("open_connections", flow.open_connections());
  return object.Add("folded_flows", flow.folded_flows()).Text();
}

}  // namespace vakt
