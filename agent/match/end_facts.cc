// SPDX-License-Identifier: Apache-2.0
#include "agent/match/end_facts.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <string_view>
#include <unordered_map>

#include "absl/strings/str_join.h"
#include "common/base/strings.h"
#include "common/rulelang/eval.h"

namespace vakt {
namespace {

using Number = EndCuts::Number;

constexpr uint64_t kAll = std::numeric_limits<uint64_t>::max();
constexpr uint64_t kPorts = uint64_t{1} << 16;
constexpr uint64_t kV4Addresses = uint64_t{1} << 32;
constexpr size_t kMaxPiecesShown = 8;

enum class Asks : uint8_t { kFamily, kPort, kAddress };

struct EndField {
  std::string_view name;
  Asks asks;
};
constexpr EndField kEndFields[] = {
    {"fd.type", Asks::kFamily},  {"fd.typechar", Asks::kFamily}, {"fd.sockfamily", Asks::kFamily},
    {"fd.cport", Asks::kPort},   {"fd.sport", Asks::kPort},      {"fd.lport", Asks::kPort},
    {"fd.rport", Asks::kPort},   {"fd.port", Asks::kPort},       {"fd.proto", Asks::kPort},
    {"fd.cip", Asks::kAddress},  {"fd.sip", Asks::kAddress},     {"fd.lip", Asks::kAddress},
    {"fd.rip", Asks::kAddress},  {"fd.ip", Asks::kAddress},      {"fd.cnet", Asks::kAddress},
    {"fd.snet", Asks::kAddress}, {"fd.lnet", Asks::kAddress},    {"fd.rnet", Asks::kAddress},
    {"fd.net", Asks::kAddress},
};

const EndField* FindEndField(const Check& check) {
  if (check.left.kind != Operand::Kind::kField || check.right != nullptr) return nullptr;
  const auto* found =
      std::find_if(std::begin(kEndFields), std::end(kEndFields),
                   [&](const EndField& f) { return f.name == check.left.field->name; });
  return found == std::end(kEndFields) ? nullptr : found;
}

bool AsksOfEnds(const Expr& condition) {
  if (condition.kind == Expr::Kind::kCheck) return FindEndField(*condition.check) != nullptr;
  return std::any_of(condition.children.begin(), condition.children.end(),
                     [](const auto& child) { return AsksOfEnds(*child); });
}

Number NumberOf(const std::array<uint8_t, 16>& address, bool ipv6) {
  const uint64_t high = vakt_big_endian(address.data());
  return ipv6 ? Number{high, vakt_big_endian(address.data() + 8)} : Number{0, high >> 32};
}

std::array<uint8_t, 16> AddressOf(const Number& number, bool ipv6) {
  std::array<uint8_t, 16> address{};
  const uint64_t high = ipv6 ? number.first : number.second << 32;
  for (int i = 0; i < 8; ++i) {
    address[i] = static_cast<uint8_t>(high >> (56 - 8 * i));
    if (ipv6) address[8 + i] = static_cast<uint8_t>(number.second >> (56 - 8 * i));
  }
  return address;
}

// Where the number after `last` begins another piece.
void CutAfter(Number last, std::set<Number>* cuts) {
  if (++last.second == 0 && ++last.first == 0) return;
  cuts->insert(last);
}

void CutAround(const Literal& literal, std::set<Number>* cuts) {
  if (literal.tag == Value::Tag::kIp) {
    const bool ipv6 = literal.ip.ipv6;
    const int bits = ipv6 ? 128 : 32;
    const int prefix = literal.prefix_bits < 0 ? bits : literal.prefix_bits;
    std::array<uint8_t, 16> first = literal.ip.bytes, last = first;
    for (int bit = prefix; bit < bits; ++bit) {
      const auto mask = static_cast<uint8_t>(0x80 >> bit % 8);
      first[bit / 8] &= static_cast<uint8_t>(~mask);
      last[bit / 8] |= mask;
    }
    cuts->insert(NumberOf(first, ipv6));
    const Number end = NumberOf(last, ipv6);
    if (ipv6 || end.second + 1 < kV4Addresses) CutAfter(end, cuts);
    return;
  }
  const bool is_signed = literal.tag == Value::Tag::kInt;
  if (is_signed && literal.int_value < 0) return;
  const uint64_t port = is_signed ? static_cast<uint64_t>(literal.int_value) : literal.uint_value;
  if (port < kPorts) cuts->insert({0, port});
  if (port < kPorts - 1) cuts->insert({0, port + 1});
}

uint32_t TableOf(const Literal& literal) {
  if (literal.tag != Value::Tag::kIp) return VAKT_CUTS_OF_PORTS;
  return literal.ip.ipv6 ? VAKT_CUTS_OF_V6 : VAKT_CUTS_OF_V4;
}

uint64_t ClassesOfEnd(const vakt_prefilter& tables, const vakt_end_masks& masks, uint32_t end,
                      const Endpoint& endpoint, bool ipv6) {
  const uint32_t table = ipv6 ? VAKT_CUTS_OF_V6 : VAKT_CUTS_OF_V4;
  const Number address = NumberOf(endpoint.address, ipv6);
  const uint32_t of_port = vakt_find_cut(&tables.cuts[VAKT_CUTS_OF_PORTS], 0, endpoint.port);
  const uint32_t of_address = vakt_find_cut(&tables.cuts[table], address.first, address.second);
  return masks.classes[end][VAKT_CUTS_OF_PORTS][of_port] & masks.classes[end][table][of_address];
}

Event EventOf(Kind kind, int family) {
  Event event;
  event.kind = kind;
  event.network.family = static_cast<uint16_t>(family);
  event.network.ipv6 = family == AF_INET6;
  return event;
}

}  // namespace

bool HasEnds(Kind kind) {
  return kind >= Kind::network_connect && kind <= Kind::network_receive &&
         kind != Kind::network_socket;
}

uint64_t ClassesOfEnds(const vakt_prefilter& tables, const Event& event) {
  const auto which = static_cast<size_t>(event.kind) - static_cast<size_t>(Kind::network_connect);
  const vakt_end_masks& masks = tables.ends[which];
  const Network& n = event.network;
  if (n.family != AF_INET && n.family != AF_INET6) return masks.no_internet;
  return ClassesOfEnd(tables, masks, VAKT_LOCAL_END, n.local, n.ipv6) &
         ClassesOfEnd(tables, masks, VAKT_REMOTE_END, n.remote, n.ipv6);
}

EndCuts::EndCuts(const RuleSet& rules, int priority_floor) {
  for (std::set<Number>& cuts : sets_) cuts.insert({0, 0});
  // An address that is all zero is not known (fields_fd.cc), and the last one is where spare cuts
  // are.
  sets_[VAKT_CUTS_OF_V4].insert({0, 1});
  sets_[VAKT_CUTS_OF_V6].insert({{0, 1}, {kAll, kAll}});
  for (const Rule& rule : rules.rules) {
    bool has_ends = false;
    for (const KindRow& row : AllKinds()) {
      has_ends |= HasEnds(row.kind) && (rule.kinds & KindBit(row.kind)) != 0;
    }
    if (has_ends && rule.priority <= priority_floor) AddCondition(*rule.condition);
  }
  for (uint32_t table = 0; table < VAKT_CUT_TABLES; ++table) {
    cuts_[table].assign(sets_[table].begin(), sets_[table].end());
  }
}

void EndCuts::AddCondition(const Expr& condition) {
  if (condition.kind == Expr::Kind::kCheck) return AddCheck(*condition.check);
  for (const auto& child : condition.children) AddCondition(*child);
}

void EndCuts::AddCheck(const Check& check) {
  const EndField* field = FindEndField(check);
  if (field == nullptr || field->asks == Asks::kFamily) return;
  auto sets = sets_;
  for (const Literal& literal : check.literals) {
    const bool is_number = literal.tag == Value::Tag::kIp || literal.tag == Value::Tag::kInt ||
                           literal.tag == Value::Tag::kUint;
    std::set<Number>& cuts = sets[TableOf(literal)];
    if (is_number) CutAround(literal, &cuts);
    if (!is_number || cuts.size() > VAKT_CUTS) {
      unfit_.insert(&check);
      return;
    }
  }
  sets_ = std::move(sets);
}

void EndCuts::Fill(vakt_prefilter* tables) const {
  for (uint32_t table = 0; table < VAKT_CUT_TABLES; ++table) {
    for (uint32_t i = 0; i < VAKT_CUTS; ++i) {
      const Number cut = i < cuts_[table].size() ? cuts_[table][i] : Number{kAll, kAll};
      tables->cuts[table].high[i] = cut.first;
      tables->cuts[table].low[i] = cut.second;
    }
  }
}

std::string EndPieces::Key() const {
  std::string key = no_internet ? "+" : "-";
  for (const auto& end : pieces) {
    for (const auto& table : end) key += table.to_string();
  }
  return key;
}

bool EndPieces::empty() const {
  const bool internet = std::all_of(std::begin(pieces), std::end(pieces), [](const auto& end) {
    return end[VAKT_CUTS_OF_PORTS].any() &&
           (end[VAKT_CUTS_OF_V4].any() || end[VAKT_CUTS_OF_V6].any());
  });
  return !no_internet && !internet;
}

Verdict EndFacts::On(const Check& check, const Event& event) {
  extractor_.Reset();
  ExtractOperand(check.left, event, extractor_);
  return EvaluateCheck(check, extractor_.values(), {}) ? Verdict::kHolds : Verdict::kFails;
}

uint32_t EndFacts::EndsAsked(const Check& check) {
  Event event = EventOf(kind_, AF_INET);
  event.network.local = {{1}, 1};
  event.network.remote = {{2}, 2};
  extractor_.Reset();
  ExtractOperand(check.left, event, extractor_);
  uint32_t ends = 0;
  for (const Value& value : extractor_.values()) {
    const uint64_t which = value.tag == Value::Tag::kIp ? value.ip.bytes[0] : value.uint_value;
    ends |= which == 1 ? 1u << VAKT_LOCAL_END : 1u << VAKT_REMOTE_END;
  }
  return ends;
}

// Families of sockets that are not the internet's: ports and addresses are null on all of them.
Verdict EndFacts::WithoutInternet(const Check& check) {
  const Verdict verdict = On(check, EventOf(kind_, AF_UNIX));
  for (const int family : {AF_UNSPEC, AF_NETLINK, AF_PACKET}) {
    if (On(check, EventOf(kind_, family)) != verdict) return Verdict::kOpen;
  }
  return verdict;
}

Verdict EndFacts::InPiece(const Check& check, const Piece& piece) {
  const EndField& field = *FindEndField(check);
  const bool of_ports = piece.table == VAKT_CUTS_OF_PORTS;
  Event event = EventOf(kind_, piece.table == VAKT_CUTS_OF_V6 ? AF_INET6 : AF_INET);
  if (field.asks == Asks::kFamily) {
    const Verdict verdict = On(check, event);
    return of_ports && On(check, EventOf(kind_, AF_INET6)) != verdict ? Verdict::kOpen : verdict;
  }
  if (!cuts_.Has(check) || (field.asks == Asks::kPort) != of_ports) return Verdict::kOpen;
  const uint32_t ends = EndsAsked(check);
  if (ends != 0 && ends != 1u << piece.end) return Verdict::kOpen;
  Endpoint& endpoint = piece.end == VAKT_LOCAL_END ? event.network.local : event.network.remote;
  endpoint.port = of_ports ? static_cast<uint16_t>(piece.number.second) : uint16_t{0};
  if (!of_ports) endpoint.address = AddressOf(piece.number, event.network.ipv6);
  return On(check, event);
}

EndPieces EndFacts::PiecesOf(const Expr& condition, const VerdictOf& always) {
  EndPieces result;
  const bool asks = AsksOfEnds(condition);
  std::unordered_map<const Check*, Verdict> others;
  const auto may_hold = [&](const auto& verdict_of) {
    return !asks || Bound(condition, [&](const Check& check) {
                      if (FindEndField(check) != nullptr) return verdict_of(check);
                      const auto [entry, is_new] = others.try_emplace(&check, Verdict::kOpen);
                      if (is_new) entry->second = always(check);
                      return entry->second;
                    }) != Verdict::kFails;
  };
  result.no_internet = may_hold([this](const Check& check) { return WithoutInternet(check); });
  for (uint32_t end = 0; end < VAKT_ENDS; ++end) {
    for (uint32_t table = 0; table < VAKT_CUT_TABLES; ++table) {
      auto& pieces = result.pieces[end][table];
      for (uint32_t i = 0; i < VAKT_CUTS; ++i) {
        const auto& cuts = cuts_.of(table);
        const bool spare = i >= cuts.size();  // the same number as the last one of IPv6
        pieces[i] = spare ? pieces[i - 1] : may_hold([&](const Check& check) {
          return InPiece(check, {end, table, cuts[i]});
        });
      }
    }
  }
  return result;
}

namespace {

// "10.0.0.0/8", or "10.0.0.1-10.0.0.9" of what is no block.
std::string AddressText(const Number& first, const Number& last, bool ipv6) {
  const auto a = AddressOf(first, ipv6), b = AddressOf(last, ipv6);
  const int bits = ipv6 ? 128 : 32;
  const auto bit = [](const std::array<uint8_t, 16>& bytes, int i) {
    return (bytes[i / 8] >> (7 - i % 8) & 1) != 0;
  };
  int prefix = 0;
  while (prefix < bits && bit(a, prefix) == bit(b, prefix)) ++prefix;
  bool is_block = true;
  for (int i = prefix; i < bits; ++i) is_block &= !bit(a, i) && bit(b, i);
  char from[INET6_ADDRSTRLEN] = "", to[INET6_ADDRSTRLEN] = "";
  inet_ntop(ipv6 ? AF_INET6 : AF_INET, a.data(), from, sizeof(from));
  inet_ntop(ipv6 ? AF_INET6 : AF_INET, b.data(), to, sizeof(to));
  if (prefix == bits) return from;
  return is_block ? StrCat(from, "/", prefix) : StrCat(from, "-", to);
}

std::string RunText(uint32_t table, const Number& first, const Number& last) {
  if (table != VAKT_CUTS_OF_PORTS) return AddressText(first, last, table == VAKT_CUTS_OF_V6);
  return first == last ? StrCat(first.second) : StrCat(first.second, "-", last.second);
}

std::string RunsText(const std::vector<std::string>& runs) {
  const size_t shown = std::min(runs.size(), kMaxPiecesShown);
  const std::string text = absl::StrJoin(runs.begin(), runs.begin() + shown, " ");
  return shown == runs.size() ? text : StrCat(text, " and ", runs.size() - shown, " more");
}

Number LastOf(uint32_t table) {
  if (table == VAKT_CUTS_OF_V6) return {kAll, kAll};
  return {0, (table == VAKT_CUTS_OF_V4 ? kV4Addresses : kPorts) - 1};
}

Number Before(Number number) {
  if (number.second-- == 0) --number.first;
  return number;
}

}  // namespace

void EndFacts::AddRuns(uint32_t table, const std::bitset<VAKT_CUTS>& pieces, bool wanted,
                       std::vector<std::string>* runs) const {
  const auto& cuts = cuts_.of(table);
  for (size_t i = 0; i < cuts.size(); ++i) {
    if (pieces[i] != wanted) continue;
    const Number first = cuts[i];
    while (i + 1 < cuts.size() && pieces[i + 1] == wanted) ++i;
    const Number last = i + 1 < cuts.size() ? Before(cuts[i + 1]) : LastOf(table);
    runs->push_back(RunText(table, first, last));
  }
}

std::string EndFacts::Text(const EndPieces& pieces) const {
  struct Look {
    std::string_view name;
    uint32_t end;
    std::vector<uint32_t> tables;
  };
  const Look looks[] = {
      {"local port", VAKT_LOCAL_END, {VAKT_CUTS_OF_PORTS}},
      {"local address", VAKT_LOCAL_END, {VAKT_CUTS_OF_V4, VAKT_CUTS_OF_V6}},
      {"remote port", VAKT_REMOTE_END, {VAKT_CUTS_OF_PORTS}},
      {"remote address", VAKT_REMOTE_END, {VAKT_CUTS_OF_V4, VAKT_CUTS_OF_V6}},
  };
  std::vector<std::string> texts;
  for (const Look& look : looks) {
    std::vector<std::string> in, out;
    for (const uint32_t table : look.tables) {
      AddRuns(table, pieces.pieces[look.end][table], true, &in);
      AddRuns(table, pieces.pieces[look.end][table], false, &out);
    }
    if (out.empty()) continue;
    const bool but = out.size() < in.size();
    texts.push_back(StrCat(look.name, but ? " not " : " ", RunsText(but ? out : in)));
  }
  if (texts.empty()) return pieces.no_internet ? "" : "of the internet";
  return StrCat(absl::StrJoin(texts, ", "), pieces.no_internet ? ", or not of the internet" : "");
}

}  // namespace vakt
