// SPDX-License-Identifier: Apache-2.0
// Finds programs and libraries by their build ids.
//
//   ProgramFiles files({"/usr/lib", "/opt/app"});
//   files.Find({id1, id2});
//   files.PathOf(id1);
//
// Ownership: owns what it found. Threads: one at a time.
#ifndef VAKT_SYMBOLS_PROGRAM_FILES_H_
#define VAKT_SYMBOLS_PROGRAM_FILES_H_

#include <map>
#include <set>
#include <string>
#include <vector>

namespace vakt {

class ProgramFiles {
 public:
  // Files and directories, which are searched with all below them in this order. What cannot be
  // read is passed over, and so are debug files; symbolic links are not followed.
  explicit ProgramFiles(std::vector<std::string> places) : places_(std::move(places)) {}

  // Looks for files that have one of these build ids, until all are found.
  void Find(std::set<std::string> build_ids);

  // Of those that were looked for; empty when no file has it.
  const std::string& PathOf(const std::string& build_id) const;

 private:
  void LookAt(const std::string& path);
  void LookBelow(const std::string& directory);

  const std::vector<std::string> places_;
  std::set<std::string> missing_;
  std::map<std::string, std::string> paths_;  // by build id
};

// Where distributions put programs and libraries, below `root`.
std::vector<std::string> UsualPlaces(const std::string& root);

// The file with the symbols that were taken out of the program with this id, below `root`; it may
// not be there.
std::string DebugFile(const std::string& root, const std::string& build_id);

}  // namespace vakt

#endif  // VAKT_SYMBOLS_PROGRAM_FILES_H_
