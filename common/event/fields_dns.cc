// SPDX-License-Identifier: Apache-2.0
// dns.*: a name server's answer, as a process received it. Null for other events.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/strings.h"
#include "common/event/fields.h"

namespace vakt {
namespace {

const DnsReport* DnsOf(const Event& event) {
  return event.kind == Kind::network_dns ? &event.dns : nullptr;
}

template <auto member>
void PutNumber(const Event& event, Extractor& out) {
  if (const DnsReport* dns = DnsOf(event)) out.Add(Value::Uint(dns->*member));
}

void PutText(std::string_view text, Extractor& out) {
  if (!text.empty()) out.Add(Value::String(text));
}

// Where the registered part begins. Without a list of all registries' rules this is a guess that
// takes "co.uk" and "com.au" for one label, and is right for nearly everything else.
size_t DomainBegin(std::string_view name) {
  constexpr size_t kLongestSecondLevel = 3;  // co, com, net, org, ac, gov
  constexpr size_t kCountryCode = 2;
  const size_t last = name.rfind('.');
  if (last == std::string_view::npos || last == 0) return 0;
  const size_t second = name.rfind('.', last - 1);
  if (second == std::string_view::npos) return 0;
  const bool is_shared = name.size() - last - 1 == kCountryCode &&
                         last - second - 1 <= kLongestSecondLevel && second != 0;
  if (!is_shared) return second + 1;
  const size_t third = name.rfind('.', second - 1);
  return third == std::string_view::npos ? 0 : third + 1;
}

std::string_view SubdomainOf(std::string_view name) {
  const size_t begin = DomainBegin(name);
  return begin == 0 ? std::string_view() : name.substr(0, begin - 1);
}

// Shannon's, of single characters.
double BitsPerCharacter(std::string_view text) {
  std::array<uint32_t, 256> counts{};
  double used = 0;
  for (const char c : text) {
    if (c == '.') continue;
    ++counts[static_cast<uint8_t>(c)];
    ++used;
  }
  double bits = 0;
  for (const uint32_t count : counts) {
    if (count != 0) bits -= count / used * std::log2(count / used);
  }
  return bits;
}

struct Number {
  uint32_t number;
  std::string_view name;
};

// IANA, Domain Name System Parameters.
constexpr Number kTypes[] = {
    {1, "A"},       {2, "NS"},    {5, "CNAME"},  {6, "SOA"},    {10, "NULL"},  {12, "PTR"},
    {15, "MX"},     {16, "TXT"},  {28, "AAAA"},  {33, "SRV"},   {35, "NAPTR"}, {43, "DS"},
    {48, "DNSKEY"}, {64, "SVCB"}, {65, "HTTPS"}, {252, "AXFR"}, {255, "ANY"},  {257, "CAA"}};
constexpr Number kRcodes[] = {{0, "NOERROR"},  {1, "FORMERR"}, {2, "SERVFAIL"},
                              {3, "NXDOMAIN"}, {4, "NOTIMP"},  {5, "REFUSED"}};

template <size_t size>
void PutName(const Number (&names)[size], uint32_t number, std::string_view prefix,
             Extractor& out) {
  const Number* row = std::find_if(std::begin(names), std::end(names),
                                   [&](const Number& n) { return n.number == number; });
  if (row != std::end(names)) return out.Add(Value::String(row->name));
  out.Add(Value::String(out.Keep(StrCat(prefix, number))));
}

}  // namespace

void DnsAddresses(const Event& event, const FieldArg&, Extractor& out) {
  const DnsReport* dns = DnsOf(event);
  if (dns == nullptr) return;
  for (std::string_view rest = dns->addresses; !rest.empty();) {
    const size_t size = std::min<size_t>(static_cast<uint8_t>(rest[0]), rest.size() - 1);
    IpAddress ip{.ipv6 = size == 16};
    std::copy_n(rest.begin() + 1, std::min(size, ip.bytes.size()), ip.bytes.begin());
    out.Add(Value::Ip(ip));
    rest.remove_prefix(1 + size);
  }
}

void DnsAliases(const Event& event, const FieldArg&, Extractor& out) {
  const DnsReport* dns = DnsOf(event);
  if (dns == nullptr) return;
  for (std::string_view rest = dns->aliases; !rest.empty();) {
    const size_t size = std::min(rest.find('\0'), rest.size());
    PutText(rest.substr(0, size), out);
    rest.remove_prefix(std::min(size + 1, rest.size()));
  }
}

void DnsName(const Event& event, const FieldArg&, Extractor& out) {
  if (const DnsReport* dns = DnsOf(event)) PutText(dns->name, out);
}

void DnsDomain(const Event& event, const FieldArg&, Extractor& out) {
  if (const DnsReport* dns = DnsOf(event)) PutText(dns->name.substr(DomainBegin(dns->name)), out);
}

void DnsSubdomain(const Event& event, const FieldArg&, Extractor& out) {
  if (const DnsReport* dns = DnsOf(event)) PutText(SubdomainOf(dns->name), out);
}

void DnsEntropy(const Event& event, const FieldArg&, Extractor& out) {
  const DnsReport* dns = DnsOf(event);
  if (dns == nullptr || SubdomainOf(dns->name).empty()) return;
  out.Add(Value::Double(BitsPerCharacter(SubdomainOf(dns->name))));
}

void DnsLabels(const Event& event, const FieldArg&, Extractor& out) {
  const DnsReport* dns = DnsOf(event);
  if (dns == nullptr || dns->name.empty()) return;
  out.Add(
      Value::Uint(1 + static_cast<uint64_t>(std::count(dns->name.begin(), dns->name.end(), '.'))));
}

void DnsLongestLabel(const Event& event, const FieldArg&, Extractor& out) {
  const DnsReport* dns = DnsOf(event);
  if (dns == nullptr || dns->name.empty()) return;
  size_t longest = 0;
  for (std::string_view rest = dns->name; !rest.empty();) {
    const size_t size = std::min(rest.find('.'), rest.size());
    longest = std::max(longest, size);
    rest.remove_prefix(std::min(size + 1, rest.size()));
  }
  out.Add(Value::Uint(longest));
}

void DnsNameLength(const Event& event, const FieldArg&, Extractor& out) {
  if (const DnsReport* dns = DnsOf(event)) out.Add(Value::Uint(dns->name.size()));
}

void DnsServer(const Event& event, const FieldArg&, Extractor& out) {
  const DnsReport* dns = DnsOf(event);
  if (dns != nullptr) out.Add(Value::Ip(IpAddress{dns->server.address, dns->ipv6}));
}

void DnsType(const Event& event, const FieldArg&, Extractor& out) {
  if (const DnsReport* dns = DnsOf(event)) PutName(kTypes, dns->type, "TYPE", out);
}

void DnsRcode(const Event& event, const FieldArg&, Extractor& out) {
  if (const DnsReport* dns = DnsOf(event)) PutName(kRcodes, dns->rcode, "RCODE", out);
}

void DnsTruncated(const Event& event, const FieldArg&, Extractor& out) {
  if (const DnsReport* dns = DnsOf(event)) out.Add(Value::Bool(dns->truncated));
}

void DnsAnswers(const Event& event, const FieldArg&, Extractor& out) {
  PutNumber<&DnsReport::answers>(event, out);
}
void DnsSize(const Event& event, const FieldArg&, Extractor& out) {
  PutNumber<&DnsReport::size_bytes>(event, out);
}
void DnsTtl(const Event& event, const FieldArg&, Extractor& out) {
  PutNumber<&DnsReport::ttl_seconds>(event, out);
}

}  // namespace vakt
