// SPDX-License-Identifier: Apache-2.0
// Which of many literals are part of a text, found in one pass over it (Vectorscan).
//
//   LiteralScanner scanner;
//   scanner.Add("/etc/shadow", Case::kSensitive, 7);
//   VAKT_RETURN_IF_ERROR(scanner.Freeze());
//   scanner.FindPartsOf(cmdline, &ids);
//
// Ownership: owns the compiled literals and the scratch space of a scan.
// Threads: one at a time (a scan uses the scratch space). A scan allocates nothing but what `ids`
// grows by.
#ifndef VAKT_AGENT_MATCH_LITERAL_SCANNER_H_
#define VAKT_AGENT_MATCH_LITERAL_SCANNER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "common/rulelang/text_match.h"

struct hs_database;
struct hs_scratch;

namespace vakt {

class LiteralScanner {
 public:
  using Id = uint32_t;

  LiteralScanner();
  ~LiteralScanner();
  LiteralScanner(LiteralScanner&&) noexcept;
  LiteralScanner& operator=(LiteralScanner&&) noexcept;

  // Not empty, all before Freeze. kIgnore: the case of ASCII letters does not count.
  void Add(std::string_view literal, Case fold, Id id);
  // FailedPrecondition: this machine's processor lacks what the library needs (SSSE3).
  absl::Status Freeze();

  bool empty() const { return literals_.empty() && database_ == nullptr; }

  // Appends the ids of all literals that are part of `text`, in no order, some perhaps repeatedly.
  // After a successful Freeze.
  void FindPartsOf(std::string_view text, std::vector<Id>* ids) const;

 private:
  struct Literal {
    std::string text;
    Case fold;
    Id id;
  };
  struct FreeDatabase {
    void operator()(hs_database* database) const;
  };
  struct FreeScratch {
    void operator()(hs_scratch* scratch) const;
  };

  std::vector<Literal> literals_;  // until Freeze
  std::unique_ptr<hs_database, FreeDatabase> database_;
  std::unique_ptr<hs_scratch, FreeScratch> scratch_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_MATCH_LITERAL_SCANNER_H_
