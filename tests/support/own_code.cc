// SPDX-License-Identifier: Apache-2.0
#include "tests/support/own_code.h"

#include <elf.h>
#include <link.h>

#include <cstring>

// In the middle of CallFromHere.
extern "C" const char vakt_test_call_site[];

namespace vakt {
namespace {

// mov rax,rdi; mov rdi,rsi; mov rsi,rdx; mov rdx,rcx; mov r10,r8; syscall; ret
constexpr char kCode[] = "\x48\x89\xf8\x48\x89\xf7\x48\x89\xd6\x48\x89\xca\x4d\x89\xc2\x0f\x05\xc3";
static_assert(sizeof(kCode) - 1 == kCodeCallEnd + 1);

struct Search {
  uint64_t address;
  CodePlace found;
};

std::string BuildIdIn(const char* notes, size_t size) {
  const auto padded = [](size_t n) { return (n + 3) & ~size_t{3}; };
  while (size >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) note;
    std::memcpy(&note, notes, sizeof(note));
    const size_t whole = sizeof(note) + padded(note.n_namesz) + padded(note.n_descsz);
    if (whole > size) break;
    if (note.n_type == NT_GNU_BUILD_ID) {
      return {notes + sizeof(note) + padded(note.n_namesz), note.n_descsz};
    }
    notes += whole;
    size -= whole;
  }
  return {};
}

int Look(dl_phdr_info* object, size_t, void* data) {
  auto* search = static_cast<Search*>(data);
  bool is_here = false;
  std::string build_id;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& part = object->dlpi_phdr[i];
    const uint64_t begin = object->dlpi_addr + part.p_vaddr;
    if (part.p_type == PT_NOTE && build_id.empty()) {
      build_id = BuildIdIn(reinterpret_cast<const char*>(begin), part.p_memsz);
    }
    if (part.p_type != PT_LOAD || search->address < begin) continue;
    if (search->address >= begin + part.p_memsz) continue;
    is_here = true;
    search->found.offset = search->address - begin + part.p_offset;
  }
  if (is_here) search->found.build_id = build_id;
  return is_here ? 1 : 0;
}

}  // namespace

[[gnu::noinline, gnu::noclone, gnu::used]] long CallFromHere(const CallNumbers& call,
                                                             const void** returns_to) {
  *returns_to = __builtin_return_address(0);
  long result;
  register long fourth asm("r10") = call[4];
  asm volatile(
      "syscall\n"
      ".globl vakt_test_call_site\n"
      "vakt_test_call_site:\n"
      : "=a"(result)
      : "a"(call[0]), "D"(call[1]), "S"(call[2]), "d"(call[3]), "r"(fourth)
      : "rcx", "r11", "memory");
  return result;
}

const void* CallSite() { return vakt_test_call_site; }

[[gnu::noinline, gnu::noclone]] long CallFromDepth(int depth, const CallNumbers& call,
                                                   const void** returns_to) {
  // Kept, so that no call is the last thing that a function does: it would be a jump.
  volatile long result =
      depth > 0 ? CallFromDepth(depth - 1, call, returns_to) : CallFromHere(call, returns_to);
  return result;
}

std::string_view CallingCode() { return {kCode, sizeof(kCode) - 1}; }

CodePlace PlaceOf(const void* address) {
  Search search = {.address = reinterpret_cast<uint64_t>(address), .found = {}};
  dl_iterate_phdr(Look, &search);
  return search.found;
}

}  // namespace vakt
