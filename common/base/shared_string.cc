// SPDX-License-Identifier: Apache-2.0
#include "common/base/shared_string.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>
#include <string>

namespace vakt {

SharedString SharedString::WithSize(size_t size) {
  SharedString string;
  if (size == 0) return string;
  // Longer ones do not come up (kernel records end at 64 KiB); cutting beats a wrong size.
  size = std::min<size_t>(size, std::numeric_limits<uint32_t>::max());
  void* memory = ::operator new(sizeof(Buffer) + size);
  string.buffer_ = new (memory) Buffer{{1}, static_cast<uint32_t>(size)};
  return string;
}

SharedString::SharedString(std::string_view text) : SharedString(WithSize(text.size())) {
  if (!empty()) std::memcpy(mutable_data(), text.data(), size());
}

void SharedString::Unref() {
  if (buffer_ == nullptr) return;
  if (buffer_->refs.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  buffer_->~Buffer();
  ::operator delete(buffer_);
}

StringList::StringList(std::initializer_list<std::string_view> strings) {
  std::string separated;
  for (const std::string_view string : strings) {
    separated.append(string);
    separated.push_back('\0');
  }
  *this = FromNulSeparated(separated);
}

StringList StringList::FromNulSeparated(std::string_view blob) {
  if (blob.empty()) return {};
  if (blob.back() == '\0') blob.remove_suffix(1);
  const auto count = static_cast<size_t>(std::count(blob.begin(), blob.end(), '\0')) + 1;

  StringList list;
  list.buffer_ = SharedString::WithSize((count + 1) * sizeof(uint32_t) + blob.size());
  char* out = list.buffer_.mutable_data();
  const auto put = [&out](size_t value) {
    const auto word = static_cast<uint32_t>(value);
    std::memcpy(out, &word, sizeof(word));
    out += sizeof(word);
  };
  put(count);
  for (size_t begin = 0, i = 0; i < count; ++i) {
    const size_t end = std::min(blob.find('\0', begin), blob.size());
    put(end);
    begin = end + 1;
  }
  std::replace_copy(blob.begin(), blob.end(), out, '\0', ' ');
  return list;
}

size_t StringList::size() const {
  if (buffer_.empty()) return 0;
  uint32_t count;
  std::memcpy(&count, buffer_.data(), sizeof(count));
  return count;
}

size_t StringList::End(size_t i) const {
  uint32_t end;
  std::memcpy(&end, buffer_.data() + (i + 1) * sizeof(end), sizeof(end));
  return end;
}

std::string_view StringList::Text() const {
  return buffer_.view().substr((size() + 1) * sizeof(uint32_t));
}

std::string_view StringList::operator[](size_t i) const {
  const size_t begin = i == 0 ? 0 : End(i - 1) + 1;
  return Text().substr(begin, End(i) - begin);
}

std::string_view StringList::Joined(size_t first) const {
  if (first >= size()) return {};
  return Text().substr(first == 0 ? 0 : End(first - 1) + 1);
}

}  // namespace vakt
