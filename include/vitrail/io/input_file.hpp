// input_file.hpp - a regular file opened for reading at any offset.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "../config.hpp"
#include "../error.hpp"

namespace vitrail::inline VITRAIL_TU {

// Files are read, not mapped: when another process truncates a mapped file the reader dies of SIGBUS, here it gets an
// exception.
class InputFile {
 public:
  // Throws io_error unless `path` is a regular file that can be read.
  explicit InputFile(const std::filesystem::path& path) : name_(path.string()) {
    // O_NONBLOCK: opening a pipe by mistake must not hang. Regular files ignore it.
    do descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    while (descriptor_ < 0 && errno == EINTR);
    if (descriptor_ < 0) fail("cannot be opened");
    struct ::stat status {};
    if (::fstat(descriptor_, &status) != 0) {
      const int cause = errno;
      close();
      errno = cause;
      fail("cannot be examined");
    }
    if (!S_ISREG(status.st_mode)) {
      close();
      throw io_error(name_ + ": expected a regular file, found " +
                     (S_ISDIR(status.st_mode) ? "a directory" : "something else"));
    }
    size_ = static_cast<std::uint64_t>(status.st_size);
  }
  InputFile(InputFile&& other) noexcept
      : name_(std::move(other.name_)),
        descriptor_(std::exchange(other.descriptor_, -1)),
        size_(std::exchange(other.size_, 0)) {}
  InputFile& operator=(InputFile&& other) noexcept {
    if (this != &other) {
      close();
      name_ = std::move(other.name_);
      descriptor_ = std::exchange(other.descriptor_, -1);
      size_ = std::exchange(other.size_, 0);
    }
    return *this;
  }
  ~InputFile() { close(); }

  const std::string& name() const { return name_; }
  // Bytes, as found when the file was opened.
  std::uint64_t size() const { return size_; }

  // Reads exactly `count` bytes from byte `offset` on, from any thread. Throws io_error if the file ends before.
  void read_at(std::uint64_t offset, void* to, std::size_t count) const {
    auto* next = static_cast<std::byte*>(to);
    while (count != 0) {
      const ::ssize_t found = ::pread(descriptor_, next, count, static_cast<::off_t>(offset));
      if (found < 0 && errno == EINTR) continue;
      if (found < 0) fail("cannot be read");
      if (found == 0)
        throw io_error(name_ + ": expected " + std::to_string(count) + " more bytes at byte " + std::to_string(offset) +
                       ", found the end of the file");
      next += found;
      offset += static_cast<std::uint64_t>(found);
      count -= static_cast<std::size_t>(found);
    }
  }

 private:
  [[noreturn]] void fail(const char* what) const {
    throw io_error(name_ + ": " + what + ": " + std::generic_category().message(errno));
  }
  void close() noexcept {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }

  std::string name_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace vitrail::inline VITRAIL_TU
