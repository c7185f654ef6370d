// atomic_file.hpp - writes a file so that a crash or a power cut leaves the old one or the new one, never a torn one.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <random>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include "../config.hpp"
#include "../error.hpp"

namespace vitrail::inline VITRAIL_TU {

// The system calls of AtomicFile. Tests put a policy in its place that fails the n-th of them.
struct PosixFile {
  static int open(const char* path, int flags, ::mode_t mode) { return ::open(path, flags, mode); }
  static ::ssize_t write(int descriptor, const void* from, std::size_t count) {
    return ::write(descriptor, from, count);
  }
  static int fsync(int descriptor) { return ::fsync(descriptor); }
  static int close(int descriptor) { return ::close(descriptor); }
  static int rename(const char* from, const char* to) { return ::rename(from, to); }
  static int unlink(const char* path) { return ::unlink(path); }
};

// Bytes go to a new file in the same directory; commit() makes them durable and gives them the name in one step.
// Destroyed before that, it leaves nothing. Processes may write the same path at once: the last commit wins. A symbolic
// link is followed, so the file that it points to is replaced; permissions of a replaced file are kept.
template <class FileOperations = PosixFile>
class AtomicFile {
 public:
  // Throws io_error if the directory does not exist or cannot be written, or if `path` is a directory.
  explicit AtomicFile(const std::filesystem::path& path) : path_(path) {
    std::error_code ignored;
    if (std::filesystem::is_symlink(path_, ignored)) {
      const auto target = std::filesystem::canonical(path_, ignored);
      if (!ignored) path_ = target;
    }
    if (std::filesystem::is_directory(path_, ignored))
      throw io_error(path_.string() + ": expected the name of a file to write, found a directory");
    struct ::stat old {};
    const ::mode_t mode = ::stat(path_.c_str(), &old) == 0 ? old.st_mode & 0777 : 0666;
    std::random_device random;
    // A name may be taken by what a killed process left.
    for (int attempt = 0; attempt < 100; ++attempt) {
      // Names end at 255 bytes.
      temporary_ = path_.parent_path() / (path_.filename().string().substr(0, 200) + ".tmp." +
                                          std::to_string(::getpid()) + "." + std::to_string(random()));
      descriptor_ = retried(
          [&] { return FileOperations::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode); });
      if (descriptor_ >= 0 || errno != EEXIST) break;
    }
    if (descriptor_ < 0) fail("cannot create a temporary file beside it", errno);
  }
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile() { abandon(); }

  // Appends. Throws io_error (disk full, input/output error); the temporary file is then gone.
  void write(std::span<const std::byte> bytes) {
    require_open();
    while (!bytes.empty()) {
      // Linux transfers 2 GiB - 4096 at most in one call.
      const std::size_t count = std::min(bytes.size(), std::size_t{1} << 30);
      const ::ssize_t written = retried([&] { return FileOperations::write(descriptor_, bytes.data(), count); });
      if (written <= 0) fail("cannot be written", written == 0 ? EIO : errno);
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
  }

  // Makes the written bytes the content of the path. Throws io_error; then the path holds the old content, unless the
  // very last step failed (the message says so): then it holds the new content, which a power cut may still undo.
  void commit() {
    require_open();
    if (retried([&] { return FileOperations::fsync(descriptor_); }) != 0) fail("cannot be made durable (fsync)", errno);
    // Linux closes even when it answers EINTR, and the data is durable by now. Any other answer may be a late write
    // error.
    if (FileOperations::close(std::exchange(descriptor_, -1)) != 0 && errno != EINTR) fail("cannot be closed", errno);
    const auto parent = path_.parent_path();
    const auto folder = parent.empty() ? std::filesystem::path(".") : parent;
    // Opened before the rename, so that failing to open it still leaves the old content.
    const int directory =
        retried([&] { return FileOperations::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0); });
    if (directory < 0) fail("its directory cannot be opened", errno);
    if (retried([&] { return FileOperations::rename(temporary_.c_str(), path_.c_str()); }) != 0) {
      const int cause = errno;
      FileOperations::close(directory);
      fail("cannot replace the old file", cause);
    }
    temporary_.clear();
    const bool synced = retried([&] { return FileOperations::fsync(directory); }) == 0;
    const int cause = errno;
    FileOperations::close(directory);
    // Some network file systems do not know fsync on a directory (EINVAL): there is nothing more to ask of them.
    if (!synced && cause != EINVAL)
      fail("was replaced, but the replacement may not survive a power cut (fsync of its directory)", cause);
  }

 private:
  // Repeats a call that a signal interrupted; a thousand times in a row without progress is no signal any more.
  template <class Call>
  static auto retried(Call call) {
    auto result = call();
    for (int attempt = 0; attempt < 1000 && result < 0 && errno == EINTR; ++attempt) result = call();
    return result;
  }
  void require_open() const {
    if (descriptor_ < 0)
      throw io_error(path_.string() + ": expected a file that is being written, found one already finished");
  }
  // Empty, or what could not be cleaned up.
  std::string abandon() noexcept {
    if (descriptor_ >= 0) FileOperations::close(std::exchange(descriptor_, -1));
    if (temporary_.empty()) return {};
    const auto left = std::exchange(temporary_, {});
    if (retried([&] { return FileOperations::unlink(left.c_str()); }) == 0 || errno == ENOENT) return {};
    return "; the temporary file " + left.string() + " could not be removed";
  }
  [[noreturn]] void fail(const char* what, int cause) {
    const std::string left = abandon();
    throw io_error(path_.string() + ": " + what + ": " + std::generic_category().message(cause) + left);
  }

  std::filesystem::path path_, temporary_;
  int descriptor_ = -1;
};

}  // namespace vitrail::inline VITRAIL_TU
