// SPDX-License-Identifier: Apache-2.0
#include "tests/support/power_loss_vfs.h"

#include <sqlite3.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace vakt {
namespace {

enum class Operation { kCreate, kWrite, kTruncate, kSync, kSyncWithDirectory, kDelete };

struct Change {
  Operation operation;
  std::string name;  // without the directory
  int64_t at = 0;    // kWrite; kTruncate: the size
  std::string bytes;
  bool synced_directory = false;  // kDelete
};

// A file as a crash may leave it: what is certain, and what came after the last sync.
struct Fate {
  std::string certain;
  std::vector<const Change*> unsynced;
  bool name_is_certain = false;
  bool is_deleted = false;  // and whether that is certain says `name_is_certain`
};

void Put(std::string* file, int64_t at, std::string_view bytes) {
  const size_t end = static_cast<size_t>(at) + bytes.size();
  if (file->size() < end) file->resize(end);
  file->replace(static_cast<size_t>(at), bytes.size(), bytes);
}

void Apply(const Change& change, size_t bytes, std::string* file) {
  if (change.operation == Operation::kTruncate) {
    file->resize(static_cast<size_t>(change.at));
  } else {
    Put(file, change.at, std::string_view(change.bytes).substr(0, bytes));
  }
}

}  // namespace

class PowerLossVfs::Journal {
 public:
  Journal() {
    real_ = sqlite3_vfs_find(nullptr);
    vfs_ = *real_;
    vfs_.zName = "power_loss";
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
    vfs_.pNext = nullptr;
    vfs_.pAppData = this;
    vfs_.xOpen = Open;
    vfs_.xDelete = Delete;
    if (sqlite3_vfs_register(&vfs_, 1) != SQLITE_OK) abort();
  }
  ~Journal() {
    sqlite3_vfs_unregister(&vfs_);
    sqlite3_vfs_register(real_, 1);
  }
  void Stop() { stopped_ = true; }

  size_t size() const {
    std::lock_guard lock(mutex_);
    return changes_.size();
  }
  std::vector<Change> First(size_t count) const {
    std::lock_guard lock(mutex_);
    return {changes_.begin(), changes_.begin() + static_cast<ptrdiff_t>(count)};
  }

 private:
  // What SQLite holds: ours, with the real VFS's file right behind it.
  struct File : sqlite3_file {
    Journal* journal;
    std::string* name;
    bool syncs_directory;  // at its next sync
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };
  static File* Of(sqlite3_file* file) { return static_cast<File*>(file); }
  static Journal* Of(sqlite3_vfs* vfs) { return static_cast<Journal*>(vfs->pAppData); }
  static std::string NameOf(const char* path) {
    return std::filesystem::path(path).filename().string();
  }

  void Note(Change change) {
    if (stopped_) return;
    std::lock_guard lock(mutex_);
    changes_.push_back(std::move(change));
  }

  static int Open(sqlite3_vfs* vfs, const char* path, sqlite3_file* out, int flags, int* got) {
    Journal* const self = Of(vfs);
    File* const file = Of(out);
    file->pMethods = nullptr;
    int exists = 1;
    if (path != nullptr) self->real_->xAccess(self->real_, path, SQLITE_ACCESS_EXISTS, &exists);
    const int result = self->real_->xOpen(self->real_, path, file->real(), flags, got);
    if (result != SQLITE_OK) return result;
    file->journal = self;
    file->name = new std::string(path == nullptr ? "" : NameOf(path));
    const bool is_log = (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
    file->syncs_directory = is_log && exists == 0;
    file->pMethods = &kMethods;
    if (exists == 0) self->Note({Operation::kCreate, *file->name});
    return SQLITE_OK;
  }

  static int Delete(sqlite3_vfs* vfs, const char* path, int sync_directory) {
    Journal* const self = Of(vfs);
    const int result = self->real_->xDelete(self->real_, path, sync_directory);
    if (result == SQLITE_OK) {
      self->Note({.operation = Operation::kDelete,
                  .name = NameOf(path),
                  .synced_directory = sync_directory != 0});
    }
    return result;
  }

  static int Close(sqlite3_file* file) {
    delete Of(file)->name;
    return Of(file)->real()->pMethods->xClose(Of(file)->real());
  }
  static int Read(sqlite3_file* file, void* out, int size, sqlite3_int64 at) {
    return Of(file)->real()->pMethods->xRead(Of(file)->real(), out, size, at);
  }
  static int Write(sqlite3_file* file, const void* data, int size, sqlite3_int64 at) {
    const int result = Of(file)->real()->pMethods->xWrite(Of(file)->real(), data, size, at);
    if (result == SQLITE_OK) {
      Of(file)->journal->Note(
          {Operation::kWrite, *Of(file)->name, at,
           std::string(static_cast<const char*>(data), static_cast<size_t>(size))});
    }
    return result;
  }
  static int Truncate(sqlite3_file* file, sqlite3_int64 size) {
    const int result = Of(file)->real()->pMethods->xTruncate(Of(file)->real(), size);
    if (result == SQLITE_OK) {
      Of(file)->journal->Note({Operation::kTruncate, *Of(file)->name, size});
    }
    return result;
  }
  static int Sync(sqlite3_file* file, int flags) {
    if (Of(file)->journal->stopped_) return SQLITE_OK;
    const int result = Of(file)->real()->pMethods->xSync(Of(file)->real(), flags);
    if (result == SQLITE_OK) {
      const bool directory = std::exchange(Of(file)->syncs_directory, false);
      Of(file)->journal->Note(
          {directory ? Operation::kSyncWithDirectory : Operation::kSync, *Of(file)->name});
    }
    return result;
  }
  static int FileSize(sqlite3_file* file, sqlite3_int64* size) {
    return Of(file)->real()->pMethods->xFileSize(Of(file)->real(), size);
  }
  static int Lock(sqlite3_file* file, int level) {
    return Of(file)->real()->pMethods->xLock(Of(file)->real(), level);
  }
  static int Unlock(sqlite3_file* file, int level) {
    return Of(file)->real()->pMethods->xUnlock(Of(file)->real(), level);
  }
  static int CheckReservedLock(sqlite3_file* file, int* out) {
    return Of(file)->real()->pMethods->xCheckReservedLock(Of(file)->real(), out);
  }
  static int FileControl(sqlite3_file* file, int what, void* argument) {
    return Of(file)->real()->pMethods->xFileControl(Of(file)->real(), what, argument);
  }
  static int SectorSize(sqlite3_file* file) {
    return Of(file)->real()->pMethods->xSectorSize(Of(file)->real());
  }
  static int DeviceCharacteristics(sqlite3_file*) { return 0; }  // promises nothing
  static int ShmMap(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
    return Of(file)->real()->pMethods->xShmMap(Of(file)->real(), page, size, extend, out);
  }
  static int ShmLock(sqlite3_file* file, int offset, int count, int flags) {
    return Of(file)->real()->pMethods->xShmLock(Of(file)->real(), offset, count, flags);
  }
  static void ShmBarrier(sqlite3_file* file) {
    Of(file)->real()->pMethods->xShmBarrier(Of(file)->real());
  }
  static int ShmUnmap(sqlite3_file* file, int remove) {
    return Of(file)->real()->pMethods->xShmUnmap(Of(file)->real(), remove);
  }

  static constexpr sqlite3_io_methods kMethods = {
      .iVersion = 2,
      .xClose = Close,
      .xRead = Read,
      .xWrite = Write,
      .xTruncate = Truncate,
      .xSync = Sync,
      .xFileSize = FileSize,
      .xLock = Lock,
      .xUnlock = Unlock,
      .xCheckReservedLock = CheckReservedLock,
      .xFileControl = FileControl,
      .xSectorSize = SectorSize,
      .xDeviceCharacteristics = DeviceCharacteristics,
      .xShmMap = ShmMap,
      .xShmLock = ShmLock,
      .xShmBarrier = ShmBarrier,
      .xShmUnmap = ShmUnmap,
  };

  sqlite3_vfs* real_ = nullptr;
  sqlite3_vfs vfs_ = {};
  std::atomic<bool> stopped_ = false;
  mutable std::mutex mutex_;
  std::vector<Change> changes_;
};

PowerLossVfs::PowerLossVfs() : journal_(std::make_unique<Journal>()) {}
PowerLossVfs::~PowerLossVfs() = default;

void PowerLossVfs::Stop() { journal_->Stop(); }

size_t PowerLossVfs::changes() const { return journal_->size(); }

namespace {

void SyncNames(std::map<std::string, Fate>* files) {
  for (auto file = files->begin(); file != files->end();) {
    file->second.name_is_certain = true;
    file = file->second.is_deleted ? files->erase(file) : std::next(file);
  }
}

std::map<std::string, Fate> FatesAfter(const std::vector<Change>& changes) {
  std::map<std::string, Fate> files;
  for (const Change& change : changes) {
    Fate& file = files[change.name];
    switch (change.operation) {
      case Operation::kCreate:
        file = {};
        break;
      case Operation::kWrite:
      case Operation::kTruncate:
        file.unsynced.push_back(&change);
        break;
      case Operation::kSync:
      case Operation::kSyncWithDirectory:
        for (const Change* write : file.unsynced) Apply(*write, write->bytes.size(), &file.certain);
        file.unsynced.clear();
        if (change.operation == Operation::kSyncWithDirectory) SyncNames(&files);
        break;
      case Operation::kDelete:
        file.is_deleted = true;
        file.name_is_certain = false;
        if (change.synced_directory) SyncNames(&files);
        break;
    }
  }
  return files;
}

}  // namespace

void PowerLossVfs::CrashState(size_t changes, const std::string& directory,
                              const Choose& choose) const {
  const std::vector<Change> done = journal_->First(changes);
  for (const auto& [name, fate] : FatesAfter(done)) {
    if (!fate.name_is_certain) {
      const bool was_done = choose(2) == 0;
      if (was_done == fate.is_deleted) continue;  // there is no such file
    }
    std::string bytes = fate.certain;
    for (const Change* change : fate.unsynced) {
      const uint32_t what = choose(3);
      if (what == 1) continue;
      Apply(*change, what == 0 ? change->bytes.size() : change->bytes.size() / 2, &bytes);
    }
    std::ofstream(directory + "/" + name, std::ios::binary) << bytes;
  }
}

}  // namespace vakt
