// SPDX-License-Identifier: Apache-2.0
#include "agent/match/literal_scanner.h"

#include <hs/hs.h>

#include <utility>

#include "common/base/strings.h"

namespace vakt {
namespace {

int OnMatch(unsigned int id, unsigned long long, unsigned long long, unsigned int, void* context) {
  static_cast<std::vector<LiteralScanner::Id>*>(context)->push_back(id);
  return 0;  // go on
}

}  // namespace

void LiteralScanner::FreeDatabase::operator()(hs_database* database) const {
  hs_free_database(database);
}

void LiteralScanner::FreeScratch::operator()(hs_scratch* scratch) const {
  hs_free_scratch(scratch);
}

LiteralScanner::LiteralScanner() = default;
LiteralScanner::~LiteralScanner() = default;
LiteralScanner::LiteralScanner(LiteralScanner&&) noexcept = default;
LiteralScanner& LiteralScanner::operator=(LiteralScanner&&) noexcept = default;

void LiteralScanner::Add(std::string_view literal, Case fold, Id id) {
  literals_.push_back({std::string(literal), fold, id});
}

absl::Status LiteralScanner::Freeze() {
  const std::vector<Literal> literals = std::exchange(literals_, {});
  if (literals.empty()) return absl::OkStatus();
  if (hs_valid_platform() != HS_SUCCESS) {
    return absl::FailedPreconditionError("Vectorscan needs a processor with SSSE3");
  }
  std::vector<const char*> texts;
  std::vector<size_t> sizes;
  std::vector<unsigned> flags;
  std::vector<unsigned> ids;
  for (const Literal& literal : literals) {
    texts.push_back(literal.text.data());
    sizes.push_back(literal.text.size());
    flags.push_back(HS_FLAG_SINGLEMATCH | (literal.fold == Case::kIgnore ? HS_FLAG_CASELESS : 0u));
    ids.push_back(literal.id);
  }
  hs_database_t* database = nullptr;
  hs_compile_error_t* error = nullptr;
  if (hs_compile_lit_multi(texts.data(), flags.data(), ids.data(), sizes.data(),
                           static_cast<unsigned>(literals.size()), HS_MODE_BLOCK,
                           /*platform=*/nullptr, &database, &error) != HS_SUCCESS) {
    const std::string message = error->message;
    hs_free_compile_error(error);
    return absl::InternalError(StrCat("Vectorscan: ", message));
  }
  database_.reset(database);
  hs_scratch_t* scratch = nullptr;
  if (hs_alloc_scratch(database, &scratch) != HS_SUCCESS) {
    database_ = nullptr;
    return absl::ResourceExhaustedError("Vectorscan: no memory for the scratch space");
  }
  scratch_.reset(scratch);
  return absl::OkStatus();
}

void LiteralScanner::FindPartsOf(std::string_view text, std::vector<Id>* ids) const {
  if (text.empty()) return;
  // It fails only when called wrongly.
  hs_scan(database_.get(), text.data(), static_cast<unsigned>(text.size()), 0, scratch_.get(),
          OnMatch, ids);
}

}  // namespace vakt
