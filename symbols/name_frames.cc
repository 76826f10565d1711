// SPDX-License-Identifier: Apache-2.0
#include "symbols/name_frames.h"

#include <map>
#include <optional>
#include <set>

#include "symbols/program_files.h"
#include "symbols/symbol_table.h"

namespace vakt {
namespace {

void Name(const SymbolTable& table, NamedFrame* named) {
  const uint64_t call = named->frame.offset == 0 ? 0 : named->frame.offset - 1;
  const std::optional<uint64_t> address = table.AddressOf(call);
  if (!address) {
    named->unnamed = "the file has no code at this offset";
    return;
  }
  const Symbol* symbol = table.At(*address);
  if (symbol == nullptr) {
    named->unnamed = "no symbol covers it: the file is stripped, and its debug file is not here";
    return;
  }
  named->function = Demangled(symbol->name);
  named->into = *address - symbol->address + (named->frame.offset - call);
}

}  // namespace

std::vector<NamedFrame> NameFrames(const std::vector<Frame>& frames, const SymbolSearch& search) {
  std::vector<std::string> places = search.paths;
  for (std::string& place : UsualPlaces(search.root)) places.push_back(std::move(place));
  ProgramFiles files(std::move(places));
  std::set<std::string> ids;
  for (const Frame& frame : frames) {
    if (!frame.build_id.empty()) ids.insert(frame.build_id);
  }
  files.Find(ids);

  std::map<std::string, SymbolTable> tables;  // by build id
  std::vector<NamedFrame> named;
  for (const Frame& frame : frames) {
    NamedFrame& out = named.emplace_back();
    out.frame = frame;
    if (frame.build_id.empty()) {
      out.unnamed = "an address without a file, or its file has no build id";
      continue;
    }
    out.file = files.PathOf(frame.build_id);
    if (out.file.empty()) {
      out.unnamed = "no file with this build id was found; --path or --root say where to look";
      continue;
    }
    const auto table =
        tables.try_emplace(frame.build_id, out.file, DebugFile(search.root, frame.build_id));
    Name(table.first->second, &out);
  }
  return named;
}

}  // namespace vakt
