// SPDX-License-Identifier: Apache-2.0
// vakt-symbols: names the places that an alert's stack consists of.
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/file.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/base/version.h"
#include "symbols/alert_frames.h"
#include "symbols/name_frames.h"

namespace vakt {
namespace {

constexpr int kAllNamed = 0;
constexpr int kSomeUnnamed = 1;  // or the input has no stack
constexpr int kWrongUsage = 2;

constexpr std::string_view kHelp =
    R"(vakt-symbols: which functions made a critical call

Usage:
  vaktctl alerts get UID --output json | vakt-symbols [flags]
  vakt-symbols [flags] FILE
  vakt-symbols [flags] --build-id HEX --offset N

An alert tells places: the build id of a program or library and an offset in it. This finds the files
with these build ids and names the functions. The files must be those of the node, or copies.

Flags:
  --path PATH      file or directory to look at first; may be given several times
  --root DIR       where the node's files are: a mounted image, for example. Default: /
  --build-id HEX   with --offset: one place instead of an alert
  --offset N       decimal, or hexadecimal with 0x
  --output FORMAT  text (default) or json, one object a line
  --version, --help

Symbols that were taken out of a program are read from usr/lib/debug/.build-id below the root.
Exit status: 0 all were named, 1 some were not (or there is no stack), 2 wrong usage or input.
)";

struct Options {
  SymbolSearch search;
  std::string build_id;
  std::optional<uint64_t> offset;
  std::string file;  // empty or "-": standard input
  bool json = false;
};

absl::StatusOr<uint64_t> ParseOffset(std::string_view text) {
  const bool is_hex = text.starts_with("0x") || text.starts_with("0X");
  if (is_hex) text.remove_prefix(2);
  uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, is_hex ? 16 : 10);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
    return absl::InvalidArgumentError("--offset wants a number");
  }
  return value;
}

absl::Status SetFlag(std::string_view flag, const std::string& value, Options* options) {
  if (flag == "--path") {
    options->search.paths.push_back(value);
  } else if (flag == "--root") {
    options->search.root = value;
    while (options->search.root.ends_with('/')) options->search.root.pop_back();
  } else if (flag == "--build-id") {
    VAKT_ASSIGN_OR_RETURN(options->build_id, ParseBuildId(value));
  } else if (flag == "--offset") {
    VAKT_ASSIGN_OR_RETURN(options->offset, ParseOffset(value));
  } else if (flag == "--output" && (value == "text" || value == "json")) {
    options->json = value == "json";
  } else if (flag == "--output") {
    return absl::InvalidArgumentError("--output wants text or json");
  } else {
    return absl::InvalidArgumentError(StrCat("there is no flag ", EscapeUtf8(flag)));
  }
  return absl::OkStatus();
}

absl::StatusOr<Options> ParseOptions(const std::vector<std::string>& arguments) {
  Options options;
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::string flag = arguments[i];
    if (!flag.starts_with("-") || flag == "-") {
      if (!options.file.empty()) return absl::InvalidArgumentError("more than one file is given");
      options.file = flag;
      continue;
    }
    std::string value;
    if (const size_t equals = flag.find('='); equals != flag.npos) {
      value = flag.substr(equals + 1);
      flag.resize(equals);
    } else if (++i < arguments.size()) {
      value = arguments[i];
    } else {
      return absl::InvalidArgumentError(StrCat(EscapeUtf8(flag), " wants a value"));
    }
    VAKT_RETURN_IF_ERROR(SetFlag(flag, value, &options));
  }
  if (options.build_id.empty() != !options.offset.has_value()) {
    return absl::InvalidArgumentError("--build-id and --offset go together");
  }
  if (!options.build_id.empty() && !options.file.empty()) {
    return absl::InvalidArgumentError("give either a file or --build-id and --offset");
  }
  return options;
}

absl::StatusOr<std::vector<Frame>> ReadFrames(const Options& options) {
  if (options.offset) return std::vector<Frame>{{options.build_id, *options.offset}};
  const bool is_stdin = options.file.empty() || options.file == "-";
  if (is_stdin && isatty(STDIN_FILENO) != 0) {
    return absl::InvalidArgumentError("no alert is given; --help says how");
  }
  const absl::StatusOr<std::string> text = ReadFile(is_stdin ? "/dev/stdin" : options.file);
  if (!text.ok()) return absl::InvalidArgumentError(StrCat(Message(text.status())));
  return FramesOfAlert(*text);
}

std::string Hex(uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof(text), "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

std::string TextOf(size_t number, const NamedFrame& named) {
  const Frame& frame = named.frame;
  const std::string place = frame.build_id.empty()
                                ? Hex(frame.offset)
                                : StrCat(frame.build_id.substr(0, 12), "+", Hex(frame.offset));
  std::string text = StrCat("#", number, "  ", place, "  ");
  text += named.function.empty() ? StrCat("?  (", named.unnamed, ")")
                                 : StrCat(EscapeUtf8(named.function), "+", Hex(named.into));
  if (!named.file.empty()) text += StrCat("  ", EscapeUtf8(named.file));
  return text;
}

std::string JsonOf(const NamedFrame& named) {
  const auto quote = [](std::string_view text) { return JsonQuote(EscapeUtf8(text)); };
  std::string text = StrCat("{\"build_id\":", quote(named.frame.build_id),
                            ",\"offset\":", named.frame.offset, ",\"file\":", quote(named.file));
  if (named.function.empty()) return StrCat(text, ",\"unnamed\":", quote(named.unnamed), "}");
  return StrCat(text, ",\"function\":", quote(named.function), ",\"into\":", named.into, "}");
}

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "vakt-symbols: %s\n", std::string(Message(status)).c_str());
  return absl::IsNotFound(status) ? kSomeUnnamed : kWrongUsage;
}

int Run(const std::vector<std::string>& arguments) {
  const auto has = [&](std::string_view flag) {
    return std::find(arguments.begin(), arguments.end(), flag) != arguments.end();
  };
  if (has("--help") || has("-h")) {
    std::fwrite(kHelp.data(), 1, kHelp.size(), stdout);
    return kAllNamed;
  }
  if (has("--version")) {
    std::printf("vakt-symbols %s\n", std::string(kVersion).c_str());
    return kAllNamed;
  }
  const absl::StatusOr<Options> options = ParseOptions(arguments);
  if (!options.ok()) return Fail(options.status());
  const absl::StatusOr<std::vector<Frame>> frames = ReadFrames(*options);
  if (!frames.ok()) return Fail(frames.status());
  bool all_named = true;
  size_t number = 0;
  for (const NamedFrame& named : NameFrames(*frames, options->search)) {
    all_named = all_named && !named.function.empty();
    std::printf("%s\n", (options->json ? JsonOf(named) : TextOf(number++, named)).c_str());
  }
  return all_named ? kAllNamed : kSomeUnnamed;
}

}  // namespace
}  // namespace vakt

int main(int argc, char** argv) {
  return vakt::Run(std::vector<std::string>(argv + 1, argv + argc));
}
