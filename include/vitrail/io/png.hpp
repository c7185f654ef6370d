// png.hpp - PNG files to and from pictures, by libpng. Needs vitrail::images; most will want io/image_file.hpp.
#pragma once

#include <png.h>

#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../error.hpp"
#include "image.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// libpng leaves its functions by longjmp, which must not pass a destructor: all that a decoding owns is in this struct,
// and the functions between setjmp and libpng have trivial variables only. The simplified interface, which would spare
// us this, converts by the file's gamma; torchvision, timm and Pillow do not.
struct PngReader {
  std::span<const std::byte> file;
  std::size_t at = 0;
  png_structp png = nullptr;
  png_infop info = nullptr;
  char message[160] = "out of memory";

  explicit PngReader(std::span<const std::byte> bytes) : file(bytes) {
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, &fail, &ignore);
    if (png) info = png_create_info_struct(png);
  }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }

  // False: `message` says why.
  bool read_header() {
    if (!info || setjmp(png_jmpbuf(png))) return false;
    png_set_read_fn(png, this, &read);
    png_set_user_limits(png, ImageLimits::side, ImageLimits::side);
    png_set_chunk_malloc_max(png, 8'000'000);
    png_read_info(png, info);
    png_set_expand(png);  // palettes to colours, 1, 2 and 4 bits of grey to 8, transparent colours to alpha
    png_set_strip_16(png);
    png_set_gray_to_rgb(png);
    png_set_strip_alpha(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    return true;
  }
  bool read_pixels(std::uint8_t* to, std::size_t stride, std::size_t height) {
    if (setjmp(png_jmpbuf(png))) return false;
    const int passes = png_get_interlace_type(png, info) == PNG_INTERLACE_NONE ? 1 : PNG_INTERLACE_ADAM7_PASSES;
    for (int pass = 0; pass < passes; ++pass) {
      for (std::size_t y = 0; y < height; ++y) png_read_row(png, to + y * stride, nullptr);
    }
    png_read_end(png, nullptr);
    return true;
  }

 private:
  static void fail(png_structp png, png_const_charp text) {
    auto* self = static_cast<PngReader*>(png_get_error_ptr(png));
    std::snprintf(self->message, sizeof self->message, "%s", text);
    png_longjmp(png, 1);
  }
  static void ignore(png_structp, png_const_charp) {}
  static void read(png_structp png, png_bytep to, std::size_t count) {
    auto* self = static_cast<PngReader*>(png_get_io_ptr(png));
    if (self->file.size() - self->at < count) png_error(png, "the file ends early");
    std::memcpy(to, self->file.data() + self->at, count);
    self->at += count;
  }
};

}  // namespace detail

// A PNG file of any colour type, depth and interlacing. Grey becomes three equal channels, alpha is dropped, of 16 bits
// the upper 8 are taken, gamma and profiles are ignored: Pillow's convert("RGB"). Throws io_error, which starts with
// `source`.
inline Image decode_png(std::span<const std::byte> file, std::string_view source) {
  detail::PngReader reader(file);
  const auto fail = [&](const std::string& what) { throw io_error(std::string(source) + ": " + what); };
  if (!reader.read_header()) fail(std::string("no PNG image can be read: ") + reader.message);
  Image image;
  image.height = png_get_image_height(reader.png, reader.info);
  image.width = png_get_image_width(reader.png, reader.info);
  if (image.height * image.width > ImageLimits::pixels)
    fail("expected an image of at most " + std::to_string(ImageLimits::pixels) + " pixels, found " +
         std::to_string(image.width) + " x " + std::to_string(image.height));
  if (png_get_rowbytes(reader.png, reader.info) != 3 * image.width) fail("expected a PNG image of a known colour type");
  image.pixels.resize(image.height * image.width * 3);
  if (!reader.read_pixels(image.pixels.data(), 3 * image.width, image.height))
    fail(std::string("the PNG image is damaged: ") + reader.message);
  return image;
}

// The bytes of a PNG file. Throws shape_error if the image has no pixels or another number than its size says.
inline std::vector<std::byte> encode_png(const Image& image) {
  if (image.pixels.empty() || image.pixels.size() != image.height * image.width * 3)
    throw shape_error("encode_png: expected " + std::to_string(image.height) + " x " + std::to_string(image.width) +
                      " pixels of 3 bytes, found " + std::to_string(image.pixels.size()) + " bytes");
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(image.width);
  png.height = static_cast<png_uint_32>(image.height);
  png.format = PNG_FORMAT_RGB;
  std::vector<std::byte> bytes(PNG_IMAGE_PNG_SIZE_MAX(png));
  png_alloc_size_t size = bytes.size();
  if (!png_image_write_to_memory(&png, bytes.data(), &size, 0, image.pixels.data(), 0, nullptr))
    throw io_error(std::string("encode_png: ") + png.message);
  bytes.resize(size);
  return bytes;
}

}  // namespace vitrail::inline VITRAIL_TU
