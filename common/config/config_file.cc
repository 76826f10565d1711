// SPDX-License-Identifier: Apache-2.0
#include "common/config/config_file.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <exception>
#include <map>
#include <sstream>
#include <utility>

#include "common/base/strings.h"
#include "common/base/text.h"

namespace vakt {
namespace {

constexpr size_t kMaxBytes = size_t{1} << 20;
constexpr size_t kMaxDepth = 8;

// Takes the parser's events and keeps the names on the way to the current value. Stops the parser
// by throwing, which is the only way that yaml-cpp offers.
class EntryCollector : public YAML::EventHandler {
 public:
  std::vector<ConfigEntry> TakeEntries() { return std::move(entries_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    if (levels_.empty() && !in_sequence_) return;  // a file of comments only
    Refuse(mark, StrCat("'", JoinedName(),
                        "' has no value: write one (\"\" for none), or remove "
                        "the line"));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    Refuse(mark, "aliases (*name) are not allowed: write the value out");
  }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                const std::string& value) override {
    if (in_sequence_) {
      entries_.back().values.push_back(value);
    } else if (levels_.empty()) {
      Refuse(mark, "expected `name: value`");
    } else if (!levels_.back().has_key) {
      TakeKey(mark, value);
    } else {
      AddEntry(mark).values.push_back(value);
      levels_.back().has_key = false;
    }
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    if (in_sequence_) Refuse(mark, "a list in a list is not allowed");
    if (levels_.empty() || !levels_.back().has_key) Refuse(mark, "expected `name: value`");
    AddEntry(mark).sequence = true;
    in_sequence_ = true;
  }
  void OnSequenceEnd() override {
    in_sequence_ = false;
    levels_.back().has_key = false;
  }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    if (in_sequence_) Refuse(mark, "a mapping in a list is not allowed");
    if (!levels_.empty() && !levels_.back().has_key) Refuse(mark, "a mapping cannot be a name");
    if (levels_.size() >= kMaxDepth) Refuse(mark, StrCat("nested deeper than ", kMaxDepth));
    levels_.emplace_back();
  }
  void OnMapEnd() override {
    levels_.pop_back();
    if (!levels_.empty()) levels_.back().has_key = false;
  }

 private:
  struct Level {
    std::string key;
    bool has_key = false;             // the next value belongs to `key`
    std::map<std::string, int> seen;  // to the line
  };

  [[noreturn]] static void Refuse(const YAML::Mark& mark, const std::string& message) {
    throw YAML::ParserException(mark, message);
  }

  void TakeKey(const YAML::Mark& mark, const std::string& key) {
    Level& level = levels_.back();
    level.key = key;
    level.has_key = true;
    const auto [seen, is_new] = level.seen.emplace(key, mark.line + 1);
    if (is_new) return;
    Refuse(mark, StrCat("'", JoinedName(), "' is already given at line ", seen->second,
                        ": keep one of them"));
  }

  ConfigEntry& AddEntry(const YAML::Mark& mark) {
    return entries_.emplace_back(ConfigEntry{.name = JoinedName(), .line = mark.line + 1});
  }

  std::string JoinedName() const {
    std::string name;
    for (const Level& level : levels_) {
      if (!name.empty()) name.push_back('.');
      name += EscapeUtf8(level.key);
    }
    return name;
  }

  std::vector<Level> levels_;
  std::vector<ConfigEntry> entries_;
  bool in_sequence_ = false;
};

absl::Status RefuseText(std::string_view path, std::string_view text) {
  if (text.size() > kMaxBytes) {
    return absl::InvalidArgumentError(
        StrCat(path, ": has ", text.size(), " bytes, at most ", kMaxBytes, " are read"));
  }
  // yaml-cpp would take a text with NUL bytes for UTF-16.
  if (text.find('\0') != std::string_view::npos || !IsValidUtf8(text)) {
    return absl::InvalidArgumentError(StrCat(path, ": is not UTF-8 text; save it as UTF-8"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<ConfigEntry>> ParseConfigFile(std::string_view path,
                                                         std::string_view text) {
  if (absl::Status refused = RefuseText(path, text); !refused.ok()) return refused;
  EntryCollector collector;
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    parser.HandleNextDocument(collector);
    EntryCollector second;
    if (parser.HandleNextDocument(second)) {
      return absl::InvalidArgumentError(
          StrCat(path, ": holds more than one YAML document; keep one"));
    }
  } catch (const YAML::Exception& exception) {
    return absl::InvalidArgumentError(
        StrCat(path, ":", exception.mark.line + 1, ": ", exception.msg));
  } catch (const std::exception& exception) {  // out of memory, stream failures
    return absl::InvalidArgumentError(StrCat(path, ": ", exception.what()));
  }
  return collector.TakeEntries();
}

}  // namespace vakt
