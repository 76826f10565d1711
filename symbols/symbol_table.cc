// SPDX-License-Identifier: Apache-2.0
#include "symbols/symbol_table.h"

#include <bcc/bcc_elf.h>
#include <bcc/bcc_syms.h>
#include <cxxabi.h>
#include <elf.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <tuple>

namespace vakt {

SymbolTable::SymbolTable(const std::string& program, const std::string& debug_file) {
  bcc_elf_foreach_load_section(program.c_str(), AddSegment, this);
  // bcc would look for files of its own by links in the program, on this machine.
  bcc_symbol_option option = {};
  option.use_symbol_type = 1 << STT_FUNC | 1 << STT_GNU_IFUNC;
  bcc_elf_foreach_sym(program.c_str(), AddSymbol, &option, this);
  if (access(debug_file.c_str(), R_OK) == 0) {
    bcc_elf_foreach_sym(debug_file.c_str(), AddSymbol, &option, this);
  }
  // Of several names of one place the first by length, then by letters: always the same one.
  std::sort(symbols_.begin(), symbols_.end(), [](const Symbol& a, const Symbol& b) {
    return std::make_tuple(a.address, a.size == 0, a.name.size(), std::string_view(a.name)) <
           std::make_tuple(b.address, b.size == 0, b.name.size(), std::string_view(b.name));
  });
}

std::optional<uint64_t> SymbolTable::AddressOf(uint64_t offset) const {
  for (const Segment& segment : segments_) {
    if (offset < segment.offset || offset - segment.offset >= segment.size) continue;
    return segment.address + (offset - segment.offset);
  }
  return std::nullopt;
}

const Symbol* SymbolTable::At(uint64_t address) const {
  auto after =
      std::upper_bound(symbols_.begin(), symbols_.end(), address,
                       [](uint64_t a, const Symbol& symbol) { return a < symbol.address; });
  if (after == symbols_.begin()) return nullptr;
  const uint64_t start = std::prev(after)->address;
  const auto first =
      std::lower_bound(symbols_.begin(), after, start,
                       [](const Symbol& symbol, uint64_t a) { return symbol.address < a; });
  const bool reaches = first->size == 0 || address - start < first->size;
  return reaches ? &*first : nullptr;
}

int SymbolTable::AddSegment(uint64_t address, uint64_t size, uint64_t offset, void* table) {
  static_cast<SymbolTable*>(table)->segments_.push_back({address, size, offset});
  return 0;
}

int SymbolTable::AddSymbol(const char* name, uint64_t address, uint64_t size, void* table) {
  if (name != nullptr && *name != '\0' && address != 0) {
    static_cast<SymbolTable*>(table)->symbols_.push_back({address, size, name});
  }
  return 0;
}

std::string Demangled(const std::string& name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), &std::free);
  return status == 0 && text != nullptr ? std::string(text.get()) : name;
}

}  // namespace vakt
