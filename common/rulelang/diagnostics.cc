// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/diagnostics.h"

#include <utility>

namespace vakt {
namespace {

void Add(std::vector<LoadMessage>* messages, std::string_view code, ItemLabel item,
         SourcePosition position, std::string text) {
  if (messages->size() >= Diagnostics::kMaxMessages) return;
  LoadMessage& message = messages->emplace_back();
  message.code = std::string(code);
  message.message = std::move(text);
  message.item_kind = std::string(item.kind);
  message.item_name = std::string(item.name);
  message.line = position.line;
  message.column = position.column;
}

}  // namespace

void Diagnostics::Error(std::string_view code, ItemLabel item, SourcePosition position,
                        std::string message) {
  ++errors_;
  FileResult& file = (*files_)[static_cast<size_t>(position.file)];
  file.ok = false;
  Add(&file.errors, code, item, position, std::move(message));
}

void Diagnostics::Warning(std::string_view code, ItemLabel item, SourcePosition position,
                          std::string message) {
  Add(&(*files_)[static_cast<size_t>(position.file)].warnings, code, item, position,
      std::move(message));
}

}  // namespace vakt
