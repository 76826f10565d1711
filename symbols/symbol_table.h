// SPDX-License-Identifier: Apache-2.0
// The functions of one ELF file, by their place in it.
//
//   SymbolTable table("/usr/lib/x86_64-linux-gnu/libc.so.6", debug_file);
//   if (const Symbol* symbol = table.At(offset)) ...
//
// Ownership: owns the names. Threads: constant once made.
#ifndef VAKT_SYMBOLS_SYMBOL_TABLE_H_
#define VAKT_SYMBOLS_SYMBOL_TABLE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vakt {

struct Symbol {
  uint64_t address = 0;  // as the file has it, before it is loaded
  uint64_t size = 0;     // 0: written in assembly language without one
  std::string name;      // as the linker has it
};

class SymbolTable {
 public:
  // `debug_file` has more symbols of the same program; it may not exist. Both are untrusted.
  SymbolTable(const std::string& program, const std::string& debug_file);

  // The address that lies at this offset of the program's file; none: no code does.
  std::optional<uint64_t> AddressOf(uint64_t offset) const;
  // The function that has the address; null: none says that it does.
  const Symbol* At(uint64_t address) const;

 private:
  struct Segment {
    uint64_t address, size, offset;
  };
  static int AddSegment(uint64_t address, uint64_t size, uint64_t offset, void* table);
  static int AddSymbol(const char* name, uint64_t address, uint64_t size, void* table);

  std::vector<Segment> segments_;  // that are loaded executable
  std::vector<Symbol> symbols_;    // by address
};

// The name as its programmer wrote it, of a name of C++ or Rust.
std::string Demangled(const std::string& name);

}  // namespace vakt

#endif  // VAKT_SYMBOLS_SYMBOL_TABLE_H_
