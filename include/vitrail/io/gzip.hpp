// gzip.hpp - reads a gzip file as a stream, so that a small file cannot make the reader hold a large one. Needs zlib.
#pragma once

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../config.hpp"
#include "../error.hpp"
#include "input_file.hpp"

namespace vitrail::inline VITRAIL_TU {

// Whether the file starts as gzip files do, whatever its name.
inline bool is_gzip(const InputFile& file) {
  unsigned char magic[2] = {};
  if (file.size() < 2) return false;
  file.read_at(0, magic, 2);
  return magic[0] == 0x1f && magic[1] == 0x8b;
}

// Deflate cannot do better: no file of n bytes unpacks to more than 1032 n.
inline constexpr std::uint64_t gzip_largest_ratio = 1032;

// The unpacked bytes of a file with one gzip member. What follows the member is refused: another member would make the
// text depend on which reader is asked.
class GzipReader {
 public:
  // `file` must outlive the reader.
  explicit GzipReader(const InputFile& file)
      : file_(file), input_(std::size_t{1} << 16), stream_(std::make_unique<::z_stream>()) {
    // 15: the largest window; + 16: gzip, and neither zlib nor raw data. Its checksum and length are then checked by
    // zlib.
    if (::inflateInit2(stream_.get(), 15 + 16) != Z_OK) throw io_error(file_.name() + ": zlib cannot start");
  }
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;
  ~GzipReader() { ::inflateEnd(stream_.get()); }

  // Unpacks up to `count` bytes; fewer only at the end. Throws io_error for anything but one complete, correct member.
  std::size_t read(std::byte* to, std::size_t count) {
    std::size_t done = 0;
    while (done != count && !ended_) {
      const auto now = static_cast<::uInt>(std::min(count - done, std::size_t{1} << 30));
      refill();
      stream_->next_out = reinterpret_cast<::Bytef*>(to + done);
      stream_->avail_out = now;
      const int result = ::inflate(stream_.get(), Z_NO_FLUSH);
      done += now - stream_->avail_out;
      if (result == Z_STREAM_END) {
        ended_ = true;
        if (stream_->avail_in != 0 || offset_ != file_.size())
          throw io_error(file_.name() + ": expected the end of the file after one gzip member, found more bytes");
      } else if (result == Z_BUF_ERROR && stream_->avail_in == 0) {
        throw io_error(file_.name() + ": expected more gzip data, found the end of the file");
      } else if (result != Z_OK) {
        throw io_error(file_.name() + ": expected valid gzip data, found " +
                       (stream_->msg != nullptr ? stream_->msg : "error " + std::to_string(result)));
      }
    }
    return done;
  }

 private:
  void refill() {
    if (stream_->avail_in != 0 || offset_ == file_.size()) return;
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(input_.size(), file_.size() - offset_));
    file_.read_at(offset_, input_.data(), count);
    offset_ += count;
    stream_->next_in = reinterpret_cast<::Bytef*>(input_.data());
    stream_->avail_in = static_cast<::uInt>(count);
  }

  const InputFile& file_;
  std::vector<std::byte> input_;
  std::unique_ptr<::z_stream> stream_;
  std::uint64_t offset_ = 0;
  bool ended_ = false;
};

}  // namespace vitrail::inline VITRAIL_TU
