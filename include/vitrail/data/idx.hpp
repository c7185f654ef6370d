// idx.hpp - reads IDX files, the format of MNIST and Fashion-MNIST, plain or packed with gzip. Needs zlib.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "../config.hpp"
#include "../error.hpp"
#include "../io/gzip.hpp"
#include "../io/input_file.hpp"
#include "../io/spelled.hpp"
#include "image_set.hpp"

namespace vitrail::inline VITRAIL_TU {

// An array of bytes, row-major.
struct Idx {
  std::vector<std::size_t> shape;
  std::vector<std::uint8_t> values;
};

namespace detail {
// The bytes of a file one after the other, unpacked if they are packed.
class IdxSource {
 public:
  explicit IdxSource(const std::filesystem::path& path) : file_(path) {
    if (is_gzip(file_)) gzip_.emplace(file_);
  }
  const std::string& name() const { return file_.name(); }
  // No more bytes than this can follow the header.
  std::uint64_t largest_size() const { return gzip_ ? file_.size() * gzip_largest_ratio : file_.size(); }
  // Fewer than `count` only at the end.
  std::size_t read(std::byte* to, std::size_t count) {
    if (gzip_) return gzip_->read(to, count);
    const auto now = static_cast<std::size_t>(std::min<std::uint64_t>(count, file_.size() - offset_));
    file_.read_at(offset_, to, now);
    offset_ += now;
    return now;
  }

 private:
  InputFile file_;
  std::optional<GzipReader> gzip_;  // refers to file_
  std::uint64_t offset_ = 0;
};
}  // namespace detail

// Reads an IDX file of unsigned bytes, rank 1 to 4, no extent zero, of at most `most_bytes` values. Throws io_error for
// any other, for one that is shorter or longer than its extents say, and for gzip data that is not one correct member.
// Memory never exceeds what the file really unpacks to.
inline Idx read_idx(const std::filesystem::path& path, std::uint64_t most_bytes = std::uint64_t{1} << 32) {
  detail::IdxSource source(path);
  const auto fail = [&](const std::string& what) { throw io_error(source.name() + ": " + what); };
  std::array<std::byte, 16> bytes{};
  const auto byte = [&](std::size_t i) { return std::to_integer<std::uint32_t>(bytes[i]); };
  if (const std::size_t found = source.read(bytes.data(), 4); found != 4)
    fail("expected an IDX file, found one of " + std::to_string(found) + " bytes");
  if (byte(0) != 0 || byte(1) != 0)
    fail("expected an IDX file to start with two zero bytes, found " + std::to_string(byte(0)) + " and " +
         std::to_string(byte(1)));
  if (byte(2) != 8) fail("expected IDX type 8 (unsigned bytes), found type " + std::to_string(byte(2)));
  const std::size_t rank = byte(3);
  if (rank < 1 || rank > 4) fail("expected an IDX rank of 1 to 4, found " + std::to_string(rank));
  if (const std::size_t found = source.read(bytes.data(), 4 * rank); found != 4 * rank)
    fail("expected " + std::to_string(4 * rank) + " bytes of extents, found " + std::to_string(found));

  Idx idx;
  std::uint64_t size = 1;
  const std::uint64_t most = std::min(most_bytes, source.largest_size());
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const std::uint64_t extent =
        byte(4 * axis) << 24 | byte(4 * axis + 1) << 16 | byte(4 * axis + 2) << 8 | byte(4 * axis + 3);
    if (extent == 0) fail("expected extents above zero, found extent " + std::to_string(axis) + " to be zero");
    idx.shape.push_back(static_cast<std::size_t>(extent));
    if (extent > most / size)
      fail("expected at most " + std::to_string(most) + " values, found extents " + spelled_shape(idx.shape) +
           (axis + 1 < rank ? " and more" : ""));
    size *= extent;
  }

  // Grown by what has really been read; the space reserved costs nothing until it is written.
  idx.values.reserve(static_cast<std::size_t>(size));
  std::vector<std::byte> chunk(static_cast<std::size_t>(std::min<std::uint64_t>(size, std::uint64_t{1} << 18)));
  while (idx.values.size() < size) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(chunk.size(), size - idx.values.size()));
    const std::size_t found = source.read(chunk.data(), wanted);
    const auto* first = reinterpret_cast<const std::uint8_t*>(chunk.data());
    idx.values.insert(idx.values.end(), first, first + found);
    if (found != wanted)
      fail("expected " + std::to_string(size) + " values for " + spelled_shape(idx.shape) + ", found " +
           std::to_string(idx.values.size()));
  }
  // Asking for one byte more also lets gzip see its checksum.
  if (std::byte extra{}; source.read(&extra, 1) != 0)
    fail("expected " + std::to_string(size) + " values for " + spelled_shape(idx.shape) + ", found more");
  return idx;
}

// Reads images ([count, height, width] or [count, channels, height, width]) and their labels ([count], each below
// `classes`). Throws io_error as read_idx does, and if the two files do not belong together.
inline ImageSet read_idx_images(const std::filesystem::path& images_path, const std::filesystem::path& labels_path,
                                std::size_t classes) {
  Idx images = read_idx(images_path);
  const Idx labels = read_idx(labels_path);
  if (images.shape.size() < 3)
    throw io_error(images_path.string() + ": expected images of rank 3 or 4, found " + spelled_shape(images.shape));
  if (labels.shape.size() != 1)
    throw io_error(labels_path.string() + ": expected labels of rank 1, found " + spelled_shape(labels.shape));
  if (labels.shape[0] != images.shape[0])
    throw io_error(labels_path.string() + ": expected a label for each of " + std::to_string(images.shape[0]) +
                   " images of " + images_path.string() + ", found " + std::to_string(labels.shape[0]));
  ImageSet set;
  set.channels = images.shape.size() == 4 ? images.shape[1] : 1;
  set.height = images.shape[images.shape.size() - 2];
  set.width = images.shape.back();
  set.classes = classes;
  set.labels.reserve(labels.values.size());
  for (std::size_t i = 0; i < labels.values.size(); ++i) {
    if (labels.values[i] >= classes)
      throw io_error(labels_path.string() + ": expected labels below " + std::to_string(classes) + ", found " +
                     std::to_string(labels.values[i]) + " for image " + std::to_string(i));
    set.labels.push_back(labels.values[i]);
  }
  set.pixels = std::move(images.values);
  return set;
}

// The training (60,000) and test (10,000) images of Fashion-MNIST or MNIST, 1x28x28, ten classes, from a folder with
// the files that both are published as (train-images-idx3-ubyte and so on), with or without .gz; Debian's package
// dataset-fashion-mnist has them. Throws io_error if one is missing or is not what it should be.
inline TrainAndTest find_fashion_mnist(const std::filesystem::path& folder) {
  const auto find = [&](const char* name) {
    std::error_code ignored;
    const auto plain = folder / name, packed = folder / (std::string(name) + ".gz");
    if (std::filesystem::exists(plain, ignored)) return plain;
    if (std::filesystem::exists(packed, ignored)) return packed;
    throw io_error(folder.string() + ": expected " + name + " or " + name + ".gz in this folder, found neither");
  };
  const auto part = [&](const char* images, const char* labels) {
    const auto images_path = find(images);
    ImageSet set = read_idx_images(images_path, find(labels), 10);
    if (set.channels != 1 || set.height != 28 || set.width != 28)
      throw io_error(images_path.string() + ": expected images of 28x28 pixels, found " + std::to_string(set.height) +
                     "x" + std::to_string(set.width) + " of " + std::to_string(set.channels) + " channels");
    return set;
  };
  return {part("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
          part("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")};
}

}  // namespace vitrail::inline VITRAIL_TU
