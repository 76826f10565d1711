// SPDX-License-Identifier: Apache-2.0
// A record log as found after a crash or on a failing disk. The first byte says what the rest is:
//
//   even   the whole file: reading it ends, forward only, within the file
//   odd    changes to a good file (three bytes each: where, and what is put there instead): every
//          record that no change touched is read as it was written, and each one that is missing
//          was reported before whatever comes behind it
//
//   recordlog_fuzz -max_len=4096 corpus/
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/recordlog/record_log_reader.h"
#include "common/recordlog/record_log_writer.h"
#include "tests/support/memory_file_system.h"

namespace vakt {
namespace {

constexpr char kPath[] = "d/log";

void Expect(bool condition) {
  if (!condition) __builtin_trap();
}

struct ReadBack {
  bool opened = false;
  std::vector<std::string> payloads;
  std::vector<uint64_t> offsets;  // of them
  uint64_t skipped_bytes = 0;
};

ReadBack ReadAll(std::string_view bytes) {
  ReadBack all;
  MemoryFileSystem disk;
  disk.SetContents(kPath, bytes);
  auto reader = RecordLogReader::Open(kPath, disk);
  if (!reader.ok()) return all;
  all.opened = true;
  uint64_t offset = 0;
  bool torn = false;
  // Each result moves on by a byte at least.
  for (size_t i = 0; i <= bytes.size() + 1; ++i) {
    std::string payload;
    const ReadResult result = (*reader)->Next(&payload);
    Expect((*reader)->offset() >= offset && (*reader)->offset() <= bytes.size());
    offset = (*reader)->offset();
    Expect(!torn || result == ReadResult::kEnd);
    switch (result) {
      case ReadResult::kEnd:
        return all;
      case ReadResult::kError:
        __builtin_trap();  // this disk does not fail
      case ReadResult::kOk:
        all.payloads.push_back(payload);
        all.offsets.push_back((*reader)->record_offset());
        break;
      case ReadResult::kTornTail:
        torn = true;
        [[fallthrough]];
      case ReadResult::kCorrupt:
        Expect((*reader)->skipped_bytes() > 0);
        all.skipped_bytes += (*reader)->skipped_bytes();
        break;
    }
  }
  __builtin_trap();  // it does not end
}

struct Good {
  Good() {
    MemoryFileSystem disk;
    auto writer = RecordLogWriter::Create(kPath, "header", disk).value();
    ends.push_back(writer->size_bytes());
    for (size_t i = 0; i < 8; ++i) {
      payloads.push_back(std::string(i * 17, static_cast<char>('a' + i)) + std::to_string(i));
      Expect(writer->Append(payloads.back()).ok());
      ends.push_back(writer->size_bytes());
    }
    Expect(writer->Close().ok());
    bytes = disk.Contents(kPath);
  }
  std::string bytes;
  std::vector<std::string> payloads;
  std::vector<uint64_t> ends;  // of the header record and of each payload's
};

void TryDamaged(std::string_view changes) {
  static const Good& good = *new Good();
  std::string bytes = good.bytes;
  for (; changes.size() >= 3; changes.remove_prefix(3)) {
    const size_t at = static_cast<uint8_t>(changes[0]) << 8 | static_cast<uint8_t>(changes[1]);
    bytes[at % bytes.size()] = changes[2];
  }
  const ReadBack read = ReadAll(bytes);
  if (bytes.substr(0, good.ends[0]) != good.bytes.substr(0, good.ends[0]) && !read.opened) return;
  size_t next = 0;
  uint64_t missing = 0;
  for (size_t i = 0; i < good.payloads.size(); ++i) {
    const uint64_t begin = good.ends[i], end = good.ends[i + 1];
    const bool touched = std::string_view(bytes).substr(begin, end - begin) !=
                         std::string_view(good.bytes).substr(begin, end - begin);
    const bool there = next < read.payloads.size() && read.offsets[next] == begin &&
                       read.payloads[next] == good.payloads[i];
    Expect(there || touched);
    missing += there ? 0 : end - begin;
    next += there ? 1 : 0;
  }
  Expect(next == read.payloads.size());  // nothing that was not written
  Expect(missing == 0 || read.skipped_bytes > 0);
}

}  // namespace
}  // namespace vakt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    vakt::ReadAll(bytes);
  } else {
    vakt::TryDamaged(bytes);
  }
  return 0;
}
