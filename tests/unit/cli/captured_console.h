// SPDX-License-Identifier: Apache-2.0
// A console whose output a test can read. Threads: one at a time.
#ifndef VAKT_TESTS_UNIT_CLI_CAPTURED_CONSOLE_H_
#define VAKT_TESTS_UNIT_CLI_CAPTURED_CONSOLE_H_

#include <cstdio>
#include <cstdlib>
#include <string>

#include "cli/console.h"

namespace vakt {

class CapturedConsole {
 public:
  explicit CapturedConsole(bool color = false) : console_(out_.file, err_.file, color) {}

  Console& get() { return console_; }
  std::string out() { return out_.Text(); }
  std::string err() { return err_.Text(); }

 private:
  struct Stream {
    Stream() : file(open_memstream(&text, &size)) {}
    ~Stream() {
      fclose(file);
      free(text);
    }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    std::string Text() {
      fflush(file);
      return std::string(text, size);
    }
    char* text = nullptr;
    size_t size = 0;
    FILE* file;
  };

  Stream out_;
  Stream err_;
  Console console_;
};

}  // namespace vakt

#endif  // VAKT_TESTS_UNIT_CLI_CAPTURED_CONSOLE_H_
