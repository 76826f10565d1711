// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/yaml_reader.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <exception>
#include <sstream>
#include <utility>

#include "common/base/strings.h"
#include "common/base/text.h"

namespace vakt {
namespace {

SourcePosition ToPosition(const YAML::Mark& mark) {
  return {.line = mark.line + 1, .column = mark.column + 1};
}

bool IsNullText(std::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

// Builds the tree of one document from the parser's events. Stops the parser by throwing, which is
// the only way that yaml-cpp offers.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const YamlLimits& limits, size_t* nodes_left)
      : limits_(limits), nodes_left_(nodes_left) {}

  YamlNode TakeRoot() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { Add(mark, {}); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw YAML::ParserException(mark, "aliases (*name) are not allowed; write the value out");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    YamlNode node;
    node.quoted = tag == "!";
    if (node.quoted || !IsNullText(value)) {
      node.kind = YamlNode::Kind::kScalar;
      node.text = value;
    }
    Add(mark, std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    Open(mark, YamlNode::Kind::kSequence);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    Open(mark, YamlNode::Kind::kMapping);
  }
  void OnMapEnd() override { Close(); }

 private:
  // A collection whose end has not come yet. In a mapping, `key` waits for its value.
  struct Frame {
    YamlNode node;
    YamlNode key;
    bool has_key = false;
  };

  void Count(const YAML::Mark& mark) {
    if (*nodes_left_ == 0) {
      throw YAML::ParserException(
          mark, StrCat("more than ", limits_.max_nodes, " values; split the file"));
    }
    --*nodes_left_;
  }

  void Add(const YAML::Mark& mark, YamlNode node) {
    Count(mark);
    node.position = ToPosition(mark);
    Place(std::move(node));
  }

  void Open(const YAML::Mark& mark, YamlNode::Kind kind) {
    Count(mark);
    if (open_.size() >= limits_.max_depth) {
      throw YAML::ParserException(mark, StrCat("nested more than ", limits_.max_depth, " deep"));
    }
    Frame& frame = open_.emplace_back();
    frame.node.kind = kind;
    frame.node.position = ToPosition(mark);
  }

  void Close() {
    YamlNode node = std::move(open_.back().node);
    open_.pop_back();
    Place(std::move(node));
  }

  void Place(YamlNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = open_.back();
    if (frame.node.is_sequence()) {
      frame.node.items.push_back(std::move(node));
    } else if (!frame.has_key) {
      frame.key = std::move(node);
      frame.has_key = true;
    } else {
      frame.node.entries.push_back({std::move(frame.key), std::move(node)});
      frame.key = YamlNode();
      frame.has_key = false;
    }
  }

  const YamlLimits& limits_;
  size_t* nodes_left_;
  std::vector<Frame> open_;
  YamlNode root_;
};

// What must hold before the YAML parser may see the text: yaml-cpp would take a text with NUL bytes
// for UTF-16.
std::string RefuseBytes(std::string_view text, const YamlLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return StrCat("the file has ", text.size(), " bytes; at most ", limits.max_bytes,
                  " are read: split it");
  }
  if (text.find('\0') != std::string_view::npos) return "the file holds a NUL byte; it is no YAML";
  if (!IsValidUtf8(text)) return "the file is not valid UTF-8; save it as UTF-8";
  return "";
}

}  // namespace

const YamlNode* YamlNode::Find(std::string_view key) const {
  for (const YamlEntry& entry : entries) {
    if (entry.key.is_scalar() && entry.key.text == key) return &entry.value;
  }
  return nullptr;
}

std::vector<YamlNode> ReadYaml(std::string_view text, const YamlLimits& limits, YamlError* error) {
  std::vector<YamlNode> documents;
  error->message = RefuseBytes(text, limits);
  if (!error->message.empty()) return documents;
  size_t nodes_left = limits.max_nodes;
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    for (;;) {
      TreeBuilder builder(limits, &nodes_left);
      if (!parser.HandleNextDocument(builder)) break;
      documents.push_back(builder.TakeRoot());
    }
  } catch (const YAML::Exception& exception) {
    error->message = exception.msg;
    error->position = ToPosition(exception.mark);
  } catch (const std::exception& exception) {  // out of memory, stream failures
    error->message = exception.what();
  }
  return documents;
}

}  // namespace vakt
