// image_file.hpp - pictures from PNG and JPEG files, and into PNG files. Needs vitrail::images (libpng, TurboJPEG).
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "../tensor/view.hpp"
#include "atomic_file.hpp"
#include "input_file.hpp"
#include "jpeg.hpp"
#include "png.hpp"

namespace vitrail::inline VITRAIL_TU {

// Reads a PNG or JPEG file as 8-bit RGB; its first bytes say which it is, not its name. Throws io_error, which names
// the file, if it cannot be read, is neither, is damaged or ends early, or is larger than ImageLimits.
inline Image read_image(const std::filesystem::path& path) {
  const InputFile file(path);
  if (file.size() > ImageLimits::file_bytes)
    throw io_error(file.name() + ": expected an image file of at most " + std::to_string(ImageLimits::file_bytes) +
                   " bytes, found " + std::to_string(file.size()));
  std::vector<std::byte> bytes(static_cast<std::size_t>(file.size()));
  file.read_at(0, bytes.data(), bytes.size());
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with("\x89PNG\r\n\x1a\n")) return decode_png(bytes, file.name());
  if (text.starts_with("\xff\xd8\xff")) return decode_jpeg(bytes, file.name());
  throw io_error(file.name() + ": expected a PNG or JPEG image, found neither");
}

// Writes a PNG file; it appears whole or not at all (AtomicFile). Throws io_error, and shape_error if the image has no
// pixels or another number than its size says.
inline void write_image(const std::filesystem::path& path, const Image& image) {
  const std::vector<std::byte> bytes = encode_png(image);
  AtomicFile<> file(path);
  file.write(bytes);
  file.commit();
}

// A map over an image as a PNG file: write_image of overlay (inspect/overlay.hpp, which must be included).
// `vt::write_overlay("cat.png", images[0], vt::patch_grid(map.row(0)));`
template <class S, class T, class Map>
void write_overlay(const std::filesystem::path& path, const View<S, T>& image, const Map& map, double opacity = 0.6) {
  write_image(path, overlay(image, map, opacity));
}

}  // namespace vitrail::inline VITRAIL_TU
