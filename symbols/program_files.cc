// SPDX-License-Identifier: Apache-2.0
#include "symbols/program_files.h"

#include <bcc/bcc_elf.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "common/base/strings.h"

namespace vakt {
namespace {

namespace fs = std::filesystem;

// Most files are none, and to open each of them with the ELF library is slow.
bool IsElf(const std::string& path) {
  char magic[4] = {};
  std::ifstream(path, std::ios::binary).read(magic, sizeof(magic));
  return std::memcmp(magic,
                     "\x7f"
                     "ELF",
                     sizeof(magic)) == 0;
}

// Symbols that were taken out of a program, which has its build id and not its layout: what offset
// its code has in the program is not said there.
bool IsDebugFile(const fs::path& path) {
  return path.extension() == ".debug" || path.string().ends_with("/usr/lib/debug");
}

}  // namespace

void ProgramFiles::Find(std::set<std::string> build_ids) {
  missing_ = std::move(build_ids);
  for (const auto& [id, path] : paths_) missing_.erase(id);
  for (const std::string& place : places_) {
    if (missing_.empty()) return;
    std::error_code error;
    if (fs::is_directory(place, error)) {
      LookBelow(place);
    } else if (fs::is_regular_file(place, error)) {
      LookAt(place);
    }
  }
}

const std::string& ProgramFiles::PathOf(const std::string& build_id) const {
  static const std::string none;
  const auto found = paths_.find(build_id);
  return found == paths_.end() ? none : found->second;
}

void ProgramFiles::LookAt(const std::string& path) {
  if (!IsElf(path)) return;
  char id[256] = {};  // bcc writes 40 digits and a terminator
  if (bcc_elf_get_buildid(path.c_str(), id) != 0) return;
  if (missing_.erase(id) != 0) paths_.emplace(id, path);
}

void ProgramFiles::LookBelow(const std::string& directory) {
  std::error_code error;
  fs::recursive_directory_iterator entry(directory, fs::directory_options::skip_permission_denied,
                                         error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (missing_.empty()) return;
    std::error_code ignored;
    if (IsDebugFile(entry->path())) {
      entry.disable_recursion_pending();
      continue;
    }
    if (entry->is_symlink(ignored) || !entry->is_regular_file(ignored)) continue;
    LookAt(entry->path().string());
  }
}

std::vector<std::string> UsualPlaces(const std::string& root) {
  // /bin, /lib and so on are links into /usr, or, on older systems, are not.
  static constexpr std::string_view kPlaces[] = {
      "/usr/lib", "/usr/lib64", "/lib",         "/lib64",     "/usr/bin", "/usr/sbin",
      "/bin",     "/sbin",      "/usr/libexec", "/usr/local", "/opt",
  };
  std::vector<std::string> places;
  for (const std::string_view place : kPlaces) places.push_back(StrCat(root, place));
  return places;
}

std::string DebugFile(const std::string& root, const std::string& build_id) {
  return StrCat(root, "/usr/lib/debug/.build-id/", build_id.substr(0, 2), "/", build_id.substr(2),
                ".debug");
}

}  // namespace vakt
