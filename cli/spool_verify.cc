// SPDX-License-Identifier: Apache-2.0
// vaktctl spool verify, vaktctl spool list
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "agent/spool/spool_scan.h"
#include "cli/json.h"
#include "cli/text_table.h"
#include "cli/verbs.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/recordlog/file_system.h"

namespace vakt {
namespace {

// What somebody else knows of the stream: how far it came, and the chain's hash there.
struct Witness {
  Position position;
  std::optional<ChainHash> hash;
};

// "EPOCH/SEQ" or "EPOCH/SEQ/HASH".
absl::StatusOr<Witness> ParseWitness(std::string_view text) {
  const std::vector<std::string> parts = absl::StrSplit(ToAbsl(text), '/');
  Witness witness;
  bool good = (parts.size() == 2 || parts.size() == 3) &&
              absl::SimpleAtoi(parts[0], &witness.position.epoch) &&
              absl::SimpleAtoi(parts[1], &witness.position.seq);
  if (good && parts.size() == 3) {
    witness.hash = Sha256FromHex(parts[2]);
    good = witness.hash.has_value();
  }
  if (good) return witness;
  return absl::InvalidArgumentError(StrCat("--stored ", std::string(text),
                                           ": give EPOCH/SEQ or EPOCH/SEQ/HASH, as the collector "
                                           "knows it"));
}

std::string FileName(const Segment& segment) { return SegmentPath("", segment.name).substr(1); }

std::string FindingJson(const SpoolFinding& finding) {
  return JsonObject()
      .Add("kind", SpoolFindingName(finding.kind))
      .Add("segment", finding.segment)
      .Add("offset", finding.offset)
      .Add("epoch", finding.position.epoch)
      .Add("seq", finding.position.seq)
      .Add("missing", finding.count)
      .Add("text", finding.text)
      .Text();
}

std::string ScanJson(const std::string& dir, const SpoolScan& scan) {
  JsonArray findings;
  for (const SpoolFinding& finding : scan.findings) findings.AddJson(FindingJson(finding));
  return JsonObject()
      .Add("dir", dir)
      .Add("intact", scan.intact())
      .Add("segments", scan.segments.size())
      .Add("records", scan.records)
      .Add("tombstones", scan.tombstones)
      .Add("missing", scan.missing())
      .Add("epoch", scan.end.position.epoch)
      .Add("seq", scan.end.position.seq)
      .Add("hash", ToHex(scan.end.hash))
      .AddJson("findings", findings.Text())
      .Text();
}

void PrintForPeople(const std::string& dir, const SpoolScan& scan, Console& console) {
  for (const SpoolFinding& finding : scan.findings) {
    const bool note = finding.kind == SpoolFinding::Kind::kNote;
    const std::string place = finding.segment.empty() ? ""
                                                      : StrCat(" ", EscapeUtf8(finding.segment),
                                                               " at byte ", finding.offset);
    console.Line(
        StrCat(console.Styled(note ? Style::kFaint : Style::kRed, SpoolFindingName(finding.kind)),
               ":", place, " (record ", ToText(finding.position), "): ", EscapeUtf8(finding.text)));
  }
  console.Line(StrCat(EscapeUtf8(dir), ": ",
                      scan.intact() ? console.Styled(Style::kGreen, "intact")
                                    : console.Styled(Style::kRed, "not intact"),
                      ", segments: ", scan.segments.size(), ", records: ", scan.records,
                      ", tombstones: ", scan.tombstones, ", ends at ", ToText(scan.end.position),
                      "/", ToHex(scan.end.hash)));
}

}  // namespace

VerbResult SpoolVerify(const Invocation& invocation) {
  const std::string& dir = invocation.arguments.operands()[0];
  std::optional<Witness> witness;
  if (invocation.arguments.Has("--stored")) {
    VAKT_ASSIGN_OR_RETURN(witness, ParseWitness(invocation.arguments.Text("--stored")));
  }
  absl::StatusOr<SpoolScan> scan = ScanSpool(RealFileSystem(), dir);
  if (!scan.ok()) return absl::InvalidArgumentError(scan.status().message());
  if (witness) CheckWitness(RealFileSystem(), dir, witness->position, witness->hash, &*scan);
  if (invocation.json()) {
    invocation.console.Line(ScanJson(dir, *scan));
  } else {
    PrintForPeople(dir, *scan, invocation.console);
  }
  return scan->intact() ? kSuccess : kFailure;
}

VerbResult SpoolList(const Invocation& invocation) {
  const std::string& dir = invocation.arguments.operands()[0];
  absl::StatusOr<SpoolScan> scan = ScanSpool(RealFileSystem(), dir);
  if (!scan.ok()) return absl::InvalidArgumentError(scan.status().message());
  if (invocation.json()) {
    JsonArray segments;
    for (const Segment& segment : scan->segments) {
      segments.AddJson(JsonObject()
                           .Add("segment", FileName(segment))
                           .Add("first", ToText(segment.index.first()))
                           .Add("last", ToText(segment.index.last()))
                           .Add("records", segment.index.records())
                           .Add("bytes", segment.end_bytes)
                           .Text());
    }
    invocation.console.Line(segments.Text());
    return kSuccess;
  }
  TextTable table({"SEGMENT", "FIRST", "LAST", "RECORDS", "BYTES"});
  for (const Segment& segment : scan->segments) {
    table.AddRow({{FileName(segment)},
                  {ToText(segment.index.first())},
                  {ToText(segment.index.last())},
                  {StrCat(segment.index.records())},
                  {StrCat(segment.end_bytes)}});
  }
  table.Print(invocation.console);
  return kSuccess;
}

}  // namespace vakt
