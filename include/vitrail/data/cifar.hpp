// cifar.hpp - reads the binary files of CIFAR-10 and CIFAR-100 (Krizhevsky 2009): 3x32x32, red, green and blue planes
// behind the label.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <system_error>
#include <vector>

#include "../config.hpp"
#include "../error.hpp"
#include "../io/input_file.hpp"
#include "image_set.hpp"

namespace vitrail::inline VITRAIL_TU {

// Bytes in front of an image, of which the last is its label (CIFAR-100: the coarse label, then the fine one), and how
// many classes there are.
struct CifarFormat {
  std::size_t label_bytes = 1, classes = 10;
};
inline constexpr CifarFormat cifar10{1, 10}, cifar100{2, 100};

// Appends the images of a file to `set`, which is empty or of the same format. Throws io_error, with `set` as it was,
// unless the file consists of whole records whose labels are below format.classes.
inline void read_cifar(const std::filesystem::path& path, const CifarFormat& format, ImageSet& set) {
  constexpr std::size_t pixels = 3 * 32 * 32;
  const InputFile file(path);
  const std::size_t record = format.label_bytes + pixels;
  const auto fail = [&](const std::string& what) { throw io_error(file.name() + ": " + what); };
  if (file.size() == 0 || file.size() % record != 0)
    fail("expected whole records of " + std::to_string(record) + " bytes, found " + std::to_string(file.size()) +
         " bytes");
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(file.size()));
  file.read_at(0, bytes.data(), bytes.size());
  const std::size_t count = bytes.size() / record;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t label = bytes[i * record + format.label_bytes - 1];
    if (label >= format.classes)
      fail("expected labels below " + std::to_string(format.classes) + ", found " + std::to_string(label) +
           " for image " + std::to_string(i));
  }
  set.channels = 3, set.height = set.width = 32, set.classes = format.classes;
  set.pixels.reserve(set.pixels.size() + count * pixels);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* image = bytes.data() + i * record + format.label_bytes;
    set.labels.push_back(image[-1]);
    set.pixels.insert(set.pixels.end(), image, image + pixels);
  }
}

// The training (50,000) and test (10,000) images of CIFAR-10 or CIFAR-100 from a folder with their binary files, as
// published: data_batch_1.bin to data_batch_5.bin and test_batch.bin, or train.bin and test.bin. Throws io_error if one
// is missing or is not what it should be.
inline TrainAndTest find_cifar(const std::filesystem::path& folder) {
  const auto is_there = [&](const char* name) {
    std::error_code ignored;
    return std::filesystem::exists(folder / name, ignored);
  };
  const auto read = [&](std::initializer_list<const char*> names, const CifarFormat& format) {
    ImageSet set;
    for (const char* name : names) read_cifar(folder / name, format, set);
    return set;
  };
  if (is_there("data_batch_1.bin")) {
    return {read({"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"},
                 cifar10),
            read({"test_batch.bin"}, cifar10)};
  }
  if (is_there("train.bin")) return {read({"train.bin"}, cifar100), read({"test.bin"}, cifar100)};
  throw io_error(folder.string() +
                 ": expected data_batch_1.bin of CIFAR-10 or train.bin of CIFAR-100 in this folder, found neither");
}

}  // namespace vitrail::inline VITRAIL_TU
