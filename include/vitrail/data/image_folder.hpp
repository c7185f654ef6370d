// image_folder.hpp - a data set as a folder with a sub-folder of pictures for each class.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "../config.hpp"
#include "../error.hpp"
#include "picture_set.hpp"

namespace vitrail::inline VITRAIL_TU {

// The classes, by the names of their sub-folders in order, and the PNG and JPEG files, by class and name; labels[i] is
// the class of files[i].
struct ImageFolder {
  std::vector<std::string> classes;
  std::vector<std::filesystem::path> files;
  std::vector<std::int32_t> labels;
};

namespace detail {
// Of folders or of files with a picture's ending, in the order of their names.
inline std::vector<std::filesystem::path> sorted_entries(const std::filesystem::path& folder, bool folders) {
  std::vector<std::filesystem::path> found;
  std::error_code failed;
  for (std::filesystem::directory_iterator entry(folder, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    std::error_code ignored;
    std::string ending = entry->path().extension().string();
    std::ranges::transform(ending, ending.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
    const bool is_folder = entry->is_directory(ignored);
    const bool is_picture = !is_folder && (ending == ".png" || ending == ".jpg" || ending == ".jpeg");
    if (folders ? is_folder : is_picture) found.push_back(entry->path());
  }
  if (failed) throw io_error(folder.string() + ": cannot be read as a folder: " + failed.message());
  std::ranges::sort(found);
  return found;
}
}  // namespace detail

// Throws io_error if the folder has no sub-folders, or one of them has no pictures. Other files are left alone.
inline ImageFolder list_image_folder(const std::filesystem::path& folder) {
  ImageFolder list;
  for (const std::filesystem::path& of_class : detail::sorted_entries(folder, true)) {
    const auto files = detail::sorted_entries(of_class, false);
    if (files.empty()) throw io_error(of_class.string() + ": expected PNG or JPEG files of a class, found none");
    list.files.insert(list.files.end(), files.begin(), files.end());
    list.labels.insert(list.labels.end(), files.size(), static_cast<std::int32_t>(list.classes.size()));
    list.classes.push_back(of_class.filename().string());
  }
  if (list.classes.empty()) throw io_error(folder.string() + ": expected a sub-folder for each class, found none");
  return list;
}

// All pictures of a folder as a model sees them, [channels, how.size, how.size] each: decoded by `read`, as
// vt::read_image (io/image_file.hpp), which throws with the file's name. `channels` is 3, or 1 for grey. They are all
// in memory, a byte for each pixel and channel.
template <class Read>
ImageSet read_image_folder(const ImageFolder& list, const Preprocess& how, std::size_t channels, const Read& read) {
  ImageSet set{channels, how.size, how.size, list.classes.size(), {}, {}};
  for (std::size_t i = 0; i < list.files.size(); ++i) append_picture(set, read(list.files[i]), list.labels[i], how);
  return set;
}

}  // namespace vitrail::inline VITRAIL_TU
