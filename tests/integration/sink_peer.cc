// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/sink_peer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <set>
#include <sstream>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/base/file.h"
#include "common/base/strings.h"
#include "common/base/unique_fd.h"

namespace vakt {
namespace {

constexpr absl::Duration kPause = absl::Milliseconds(5);

// Accepts connections on a port that it keeps, one thread each.
class Listener {
 public:
  using Serve = std::function<void(int fd)>;

  explicit Listener(Serve serve) : serve_(std::move(serve)) { Start(); }
  ~Listener() { Stop(); }

  void Start() {
    listening_ = UniqueFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    setsockopt(listening_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port_));
    socklen_t size = sizeof(address);
    if (bind(listening_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        listen(listening_.get(), 64) != 0 ||
        getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      perror("sink_peer");
      abort();
    }
    port_ = ntohs(address.sin_port);
    stopping_ = false;
    accepting_ = std::thread([this, fd = listening_.get()] { Accept(fd); });
  }

  void Stop() {
    if (stopping_.exchange(true)) return;
    shutdown(listening_.get(), SHUT_RDWR);
    accepting_.join();
    listening_.reset();
    std::vector<std::thread> threads;
    {
      absl::MutexLock lock(&mutex_);
      for (const int fd : open_) shutdown(fd, SHUT_RDWR);
      threads.swap(threads_);
    }
    for (std::thread& thread : threads) thread.join();
  }

  bool stopping() const { return stopping_; }
  int port() const { return port_; }

 private:
  void Accept(int listening) {
    while (true) {
      const int fd = accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      absl::MutexLock lock(&mutex_);
      open_.insert(fd);
      threads_.emplace_back([this, fd] {
        serve_(fd);
        absl::MutexLock inner(&mutex_);
        open_.erase(fd);
        close(fd);
      });
    }
  }

  const Serve serve_;
  int port_ = 0;
  UniqueFd listening_;
  std::atomic<bool> stopping_{true};
  std::thread accepting_;
  absl::Mutex mutex_;
  std::set<int> open_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
};

// HTTP/1.1 as far as a client that posts needs it.
class HttpPeer : public SinkPeer {
 public:
  HttpPeer(std::string kind, std::string path, std::string marker)
      : kind_(std::move(kind)),
        path_(std::move(path)),
        marker_(std::move(marker)),
        listener_([this](int fd) { Serve(fd); }) {}
  ~HttpPeer() override { listener_.Stop(); }

  std::string Keys() const override {
    return StrCat("kind: ", kind_, ", url: \"http://127.0.0.1:", listener_.port(), path_,
                  "\", timeout: 2s");
  }
  void Stop() override { listener_.Stop(); }
  void Start() override { listener_.Start(); }
  bool can_refuse() const override { return true; }
  bool can_choke() const override { return true; }

 private:
  void Serve(int fd) {
    std::string buffer;
    char bytes[65536];
    while (!listener_.stopping()) {
      const size_t end = buffer.find("\r\n\r\n");
      const size_t length = end == std::string::npos ? 0 : ContentLength(buffer);
      if (end != std::string::npos && buffer.size() >= end + 4 + length) {
        Answer(fd, buffer.substr(end + 4, length));
        buffer.erase(0, end + 4 + length);
        continue;
      }
      const ssize_t count = recv(fd, bytes, sizeof(bytes), 0);
      if (count <= 0) return;
      buffer.append(bytes, static_cast<size_t>(count));
    }
  }

  static size_t ContentLength(const std::string& request) {
    const size_t at = request.find("Content-Length: ");
    return at == std::string::npos ? 0 : std::stoul(request.substr(at + 16));
  }

  void Answer(int fd, const std::string& body) {
    while (mood() == Mood::kStalled && !listener_.stopping()) absl::SleepFor(kPause);
    if (mood() == Mood::kSlow) absl::SleepFor(kPause);
    std::string status = "200 OK";
    if (body.find("unacceptable") != std::string::npos) status = "400 Bad Request";
    if (body.find("indigestible") != std::string::npos) status = "500 Internal Server Error";
    if (mood() == Mood::kFailing) status = "500 Internal Server Error";
    if (mood() == Mood::kFull) status = "507 Insufficient Storage";
    if (status.starts_with("200")) Take(body, marker_, false);
    const std::string answer = StrCat("HTTP/1.1 ", status, "\r\nContent-Length: 2\r\n\r\nhi");
    send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
  }

  const std::string kind_, path_, marker_;
  Listener listener_;
};

// TLS with octet counting. Takes note of what it has read, frame by frame.
class SyslogPeer final : public SinkPeer {
 public:
  SyslogPeer(const std::string& directory, TestAuthority& authority)
      : files_(WriteCertificates(authority.Issue("", {"localhost"}), directory)),
        context_(SSL_CTX_new(TLS_server_method())),
        listener_([this](int fd) { Serve(fd); }) {
    SSL_CTX_use_certificate_chain_file(context_, files_.cert.c_str());
    SSL_CTX_use_PrivateKey_file(context_, files_.key.c_str(), SSL_FILETYPE_PEM);
  }
  ~SyslogPeer() override {
    listener_.Stop();
    SSL_CTX_free(context_);
  }

  std::string Keys() const override {
    return StrCat("kind: syslog, address: \"127.0.0.1:", listener_.port(), "\", ca: \"", files_.ca,
                  "\", timeout: 2s");
  }
  void Stop() override { listener_.Stop(); }
  void Start() override { listener_.Start(); }
  bool can_choke() const override { return true; }

 private:
  void Serve(int fd) {
    if (mood() == Mood::kFailing) return;
    sigset_t broken_pipe;  // the client may have gone
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
    SSL* const ssl = SSL_new(context_);
    SSL_set_fd(ssl, fd);
    std::string buffer;
    char bytes[16384];
    bool more = SSL_accept(ssl) == 1;
    while (more && !listener_.stopping()) {
      // Full, it leaves in the middle; stalled, it just does not read.
      if (mood() == Mood::kFull) break;
      while (mood() == Mood::kStalled && !listener_.stopping()) absl::SleepFor(kPause);
      if (mood() == Mood::kSlow) absl::SleepFor(kPause);
      const int wanted = mood() == Mood::kSlow ? 2048 : sizeof(bytes);
      const int count = SSL_read(ssl, bytes, wanted);
      more = count > 0;
      if (more) buffer.append(bytes, static_cast<size_t>(count));
      more = TakeFrames(fd, &buffer) && more;
    }
    SSL_free(ssl);  // and no close_notify, as many receivers do
  }

  // False: one was too much.
  bool TakeFrames(int fd, std::string* buffer) {
    while (true) {
      const size_t space = buffer->find(' ');
      if (space == std::string::npos) return true;
      size_t length = 0;
      std::from_chars(buffer->data(), buffer->data() + space, length);
      if (length == 0 || buffer->size() < space + 1 + length) return true;
      const std::string frame = buffer->substr(space + 1, length);
      if (frame.find("indigestible") != std::string::npos) {
        const linger reset = {1, 0};  // or its end would look as if it had read and liked it all
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        return false;
      }
      Take(frame, "rule=\"r-", true);
      buffer->erase(0, space + 1 + length);
    }
  }

  const CertificateFiles files_;
  SSL_CTX* const context_;
  Listener listener_;
};

// A file that is rotated away, or replaced by a full device, a directory or a pipe.
class FilePeer final : public SinkPeer {
 public:
  explicit FilePeer(const std::string& directory) : path_(directory + "/alerts.jsonl") {}
  ~FilePeer() override {
    ended_ = true;
    for (std::thread& reader : readers_) reader.join();
  }

  std::string Keys() const override { return StrCat("kind: file, path: \"", path_, "\""); }
  void Stop() override { MoveAway(); }
  void Start() override {}

  void SetMood(Mood mood) override {
    MoveAway();
    SinkPeer::SetMood(mood);
    if (mood == Mood::kFull) std::filesystem::create_symlink("/dev/full", path_);
    if (mood == Mood::kFailing) std::filesystem::create_directory(path_);
    if (mood != Mood::kSlow && mood != Mood::kStalled) return;
    mkfifo(path_.c_str(), 0600);
    readers_.emplace_back([this, fd = open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC)] {
      ReadPipe(UniqueFd(fd));
    });
  }

  std::map<int, int> Received() override {
    std::map<int, int> received = SinkPeer::Received();
    std::vector<std::string> files = rotated_;
    files.push_back(path_);
    for (const std::string& path : files) {
      if (!std::filesystem::is_regular_file(path)) continue;
      std::istringstream lines(ReadFile(path).value_or(""));
      for (std::string line; std::getline(lines, line) && !lines.eof();) {
        Count(line, kMarker, true, &received);
      }
    }
    return received;
  }

 private:
  static constexpr char kMarker[] = "\"rule\":\"r-";

  void MoveAway() {
    if (!std::filesystem::is_regular_file(std::filesystem::symlink_status(path_))) {
      std::filesystem::remove(path_);
      return;
    }
    rotated_.push_back(StrCat(path_, ".", rotated_.size() + 1));
    std::filesystem::rename(path_, rotated_.back());
  }

  // To the end, also when the pipe has lost its name: what is in it has been delivered.
  void ReadPipe(UniqueFd pipe) {
    std::string buffer;
    char bytes[4096];
    while (!ended_) {
      if (mood() == Mood::kSlow) absl::SleepFor(absl::Milliseconds(1));
      const ssize_t count = mood() == Mood::kStalled ? 0 : read(pipe.get(), bytes, sizeof(bytes));
      if (count <= 0) {
        absl::SleepFor(kPause);
        continue;
      }
      buffer.append(bytes, static_cast<size_t>(count));
      for (size_t end = buffer.find('\n'); end != std::string::npos; end = buffer.find('\n')) {
        // A line that was broken off comes again.
        if (end > 0 && buffer[end - 1] == '}') Take(buffer.substr(0, end), kMarker, true);
        buffer.erase(0, end + 1);
      }
    }
  }

  const std::string path_;
  std::vector<std::string> rotated_;
  std::atomic<bool> ended_{false};
  std::vector<std::thread> readers_;
};

}  // namespace

void SinkPeer::Count(std::string_view text, std::string_view marker, bool only_first,
                     std::map<int, int>* received) {
  for (size_t at = text.find(marker); at != std::string_view::npos;
       at = text.find(marker, at + 1)) {
    int number = 0;
    const char* const digits = text.data() + at + marker.size();
    std::from_chars(digits, text.data() + text.size(), number);
    ++(*received)[number];
    if (only_first) return;
  }
}

void SinkPeer::Take(std::string_view text, std::string_view marker, bool only_first) {
  absl::MutexLock lock(&mutex_);
  Count(text, marker, only_first, &received_);
}

std::map<int, int> SinkPeer::Received() {
  absl::MutexLock lock(&mutex_);
  return received_;
}

std::unique_ptr<SinkPeer> MakeSinkPeer(SinkKind kind, const std::string& directory,
                                       TestAuthority& authority) {
  switch (kind) {
    case SinkKind::kHttp:
      return std::make_unique<HttpPeer>("http", "/", "\"rule\":\"r-");
    case SinkKind::kAlertmanager:
      return std::make_unique<HttpPeer>("alertmanager", "", "\"alertname\":\"r-");
    case SinkKind::kSyslog:
      return std::make_unique<SyslogPeer>(directory, authority);
    case SinkKind::kFile:
      return std::make_unique<FilePeer>(directory);
  }
  return nullptr;
}

}  // namespace vakt
