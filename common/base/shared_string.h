// SPDX-License-Identifier: Apache-2.0
// Immutable strings whose copies share one buffer: what many processes have in common (a program, a
// user's name, a cgroup) is kept once. A SharedString is one pointer; the empty one has no buffer.
//
// Ownership: the last copy frees the buffer; views stay valid as long as any copy that shares it.
// Threads: as std::shared_ptr: different copies may be used on different threads.
#ifndef VAKT_COMMON_BASE_SHARED_STRING_H_
#define VAKT_COMMON_BASE_SHARED_STRING_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "absl/strings/string_view.h"

namespace vakt {

class SharedString {
 public:
  SharedString() = default;
  explicit SharedString(std::string_view text);
  SharedString(const SharedString& other) : buffer_(other.buffer_) { Ref(); }
  SharedString(SharedString&& other) noexcept : buffer_(std::exchange(other.buffer_, nullptr)) {}
  ~SharedString() { Unref(); }

  SharedString& operator=(SharedString other) noexcept {
    std::swap(buffer_, other.buffer_);
    return *this;
  }
  SharedString& operator=(std::string_view text) { return *this = SharedString(text); }
  SharedString& operator=(const char* text) { return *this = SharedString(text); }

  std::string_view view() const {
    return buffer_ == nullptr
               ? std::string_view()
               : std::string_view(reinterpret_cast<const char*>(buffer_ + 1), buffer_->size);
  }
  operator std::string_view() const { return view(); }
  operator absl::string_view() const { return {view().data(), view().size()}; }
  const char* data() const { return view().data(); }
  size_t size() const { return buffer_ == nullptr ? 0 : buffer_->size; }
  bool empty() const { return buffer_ == nullptr; }

  // True when both have the same buffer (or none): equal without looking.
  bool SharesWith(const SharedString& other) const { return buffer_ == other.buffer_; }

  friend bool operator==(const SharedString& a, std::string_view b) { return a.view() == b; }
  friend bool operator==(const SharedString& a, const SharedString& b) {
    return a.SharesWith(b) || a.view() == b.view();
  }

 private:
  friend class StringList;

  struct Buffer {  // `size` bytes of text follow
    std::atomic<uint32_t> refs;
    uint32_t size;
  };

  static SharedString WithSize(size_t size);  // text not yet written
  char* mutable_data() { return reinterpret_cast<char*>(buffer_ + 1); }
  void Ref() const {
    if (buffer_ != nullptr) buffer_->refs.fetch_add(1, std::memory_order_relaxed);
  }
  void Unref();

  Buffer* buffer_ = nullptr;
};

// An immutable list of strings in one shared buffer: an argument vector. One pointer as well.
//
//   StringList argv({"ls", "-l", "/etc"});
//   argv[1]           // "-l"
//   argv.Joined()     // "ls -l /etc"
//   argv.Joined(1)    // "-l /etc"
class StringList {
 public:
  StringList() = default;
  StringList(std::initializer_list<std::string_view> strings);
  // "a\0b\0" and "a\0b" both hold two strings; "" holds none.
  static StringList FromNulSeparated(std::string_view blob);

  size_t size() const;
  bool empty() const { return buffer_.empty(); }
  std::string_view operator[](size_t i) const;  // i < size()
  std::string_view front() const { return (*this)[0]; }
  // The strings from number `first` on with a space between them: a view, nothing is copied.
  std::string_view Joined(size_t first = 0) const;

  bool SharesWith(const StringList& other) const { return buffer_.SharesWith(other.buffer_); }
  friend bool operator==(const StringList& a, const StringList& b) {
    return a.buffer_ == b.buffer_;
  }

 private:
  size_t End(size_t i) const;  // of string i, in the text
  std::string_view Text() const;

  // uint32_t count, uint32_t end[count], then the strings with a space between them.
  SharedString buffer_;
};

}  // namespace vakt

#endif  // VAKT_COMMON_BASE_SHARED_STRING_H_
