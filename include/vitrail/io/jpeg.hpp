// jpeg.hpp - JPEG files to pictures, by TurboJPEG. Needs vitrail::images; most will want io/image_file.hpp.
#pragma once

#include <turbojpeg.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "../error.hpp"
#include "image.hpp"

namespace vitrail::inline VITRAIL_TU {

// A JPEG file in grey or colour, decoded as accurately as the library can; the orientation that a camera notes is not
// applied (Pillow does not either). Throws io_error, which starts with `source`, for anything else: CMYK, and files
// that are damaged or end early, of which decoders otherwise make half a picture.
inline Image decode_jpeg(std::span<const std::byte> file, std::string_view source) {
  struct Destroy {
    void operator()(void* decoder) const { tjDestroy(decoder); }
  };
  const auto fail = [&](const std::string& what) { throw io_error(std::string(source) + ": " + what); };
  const std::unique_ptr<void, Destroy> decoder(tjInitDecompress());
  if (!decoder) fail("no JPEG decoder can be made");
  const auto* bytes = reinterpret_cast<const unsigned char*>(file.data());
  const auto size = static_cast<unsigned long>(file.size());
  int width = 0, height = 0, subsampling = 0, colours = 0;
  if (tjDecompressHeader3(decoder.get(), bytes, size, &width, &height, &subsampling, &colours) != 0)
    fail(std::string("no JPEG image can be read: ") + tjGetErrorStr2(decoder.get()));
  if (colours == TJCS_CMYK || colours == TJCS_YCCK)
    fail("expected a JPEG image in grey or RGB, found CMYK: convert it first");
  Image image;
  image.width = static_cast<std::size_t>(width);
  image.height = static_cast<std::size_t>(height);
  if (image.width > ImageLimits::side || image.height > ImageLimits::side ||
      image.width * image.height > ImageLimits::pixels)
    fail("expected an image of at most " + std::to_string(ImageLimits::pixels) + " pixels, " +
         std::to_string(ImageLimits::side) + " a side, found " + std::to_string(width) + " x " +
         std::to_string(height));
  image.pixels.resize(image.width * image.height * 3);
  constexpr int flags = TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS;
  if (tjDecompress2(decoder.get(), bytes, size, image.pixels.data(), width, 0, height, TJPF_RGB, flags) != 0)
    fail(std::string("the JPEG image is damaged: ") + tjGetErrorStr2(decoder.get()));
  return image;
}

}  // namespace vitrail::inline VITRAIL_TU
