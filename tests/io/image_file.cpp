// image_file.cpp - pictures of every kind are Pillow's pixels; damaged, hostile and foreign files are refused by name.
// fixtures/make_images.py made the files and the expected pixels.
#include "vitrail/io/image_file.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "catch.hpp"
#include "io/messages.hpp"
#include "io/temporary_folder.hpp"
#include "vitrail/inspect/overlay.hpp"
#include "vitrail/io/safetensors.hpp"

namespace vt = vitrail;

namespace {

const std::string fixtures = std::string(VITRAIL_TESTS) + "/io/fixtures/";

std::uint32_t crc(std::string_view text) {
  std::uint32_t c = ~0u;
  for (const char byte : text) {
    c ^= static_cast<unsigned char>(byte);
    for (int i = 0; i < 8; ++i) c = c >> 1 ^ (c & 1 ? 0xedb88320u : 0u);
  }
  return ~c;
}
std::string big_endian(std::uint32_t value) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(value >> shift & 255);
  return text;
}
// A PNG file whose header asks for another size, with a checksum that fits.
std::string png_of_size(std::string file, std::uint32_t width, std::uint32_t height) {
  file.replace(16, 8, big_endian(width) + big_endian(height));
  file.replace(29, 4, big_endian(crc(std::string_view(file).substr(12, 17))));
  return file;
}

}  // namespace

TEST_CASE("PNG and JPEG files of every kind have Pillow's pixels") {
  const auto expected = vt::Safetensors::open(fixtures + "images.safetensors");
  CHECK(expected.tensors().size() == 20);
  for (const vt::TensorInfo& info : expected.tensors()) {
    INFO(info.name);
    const vt::Image image = vt::read_image(fixtures + "images/" + info.name);
    REQUIRE(info.shape == std::vector<std::size_t>{image.height, image.width, 3});
    const auto pixels = expected.read<std::uint8_t>(info.name);
    int worst = 0;
    for (std::size_t i = 0; i < pixels.size(); ++i) worst = std::max(worst, std::abs(int(pixels[i]) - image.pixels[i]));
    CHECK(worst <= (info.name.ends_with(".jpg") ? 2 : 0));  // decoders of JPEG may round otherwise
  }
}

TEST_CASE("a picture that is written comes back") {
  const TemporaryFolder folder;
  vt::Image image{3, 5, std::vector<std::uint8_t>(45)};
  for (std::size_t i = 0; i < 45; ++i) image.pixels[i] = static_cast<std::uint8_t>(i * 37);
  vt::write_image(folder / "a.png", image);
  const vt::Image found = vt::read_image(folder / "a.png");
  CHECK(found.height == 3);
  CHECK(found.width == 5);
  CHECK(found.pixels == image.pixels);
  CHECK(folder.entries() == 1);
  image.pixels.pop_back();
  CHECK_THROWS_AS(vt::write_image(folder / "b.png", image), vt::shape_error);
  CHECK_THROWS_AS(vt::write_image(folder / "b.png", vt::Image{}), vt::shape_error);
  CHECK_THROWS_AS(vt::write_image(folder / "none" / "b.png", found), vt::io_error);
}

TEST_CASE("a map over an image is a file in one call") {
  const TemporaryFolder folder;
  const std::vector<float> values{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1};
  const vt::View<vt::Shape<1, 4, 4>, const float> image(values.data());
  const vt::Grid map{1, 2, {0, 3}};
  vt::write_overlay(folder / "map.png", image, map);
  const vt::Image found = vt::read_image(folder / "map.png");
  CHECK(found.pixels == vt::overlay(image, map).pixels);
  CHECK(found.pixels[0] == 0);             // black where both are smallest
  CHECK(found.pixels[3 * 16 - 1] == 255);  // white where both are largest
  CHECK(found.pixels[3 * 3] == 153);       // of red the map's share
  vt::write_overlay(folder / "map.png", image, map, 0.25);
  CHECK(vt::read_image(folder / "map.png").pixels[3 * 3] == 64);
}

TEST_CASE("files that end anywhere, or whose bytes are changed, are refused or read, and nothing else") {
  const TemporaryFolder folder;
  const auto path = folder / "cut";
  for (const std::string name : {"rgb8_interlaced.png", "palette4.png", "colour.jpg", "progressive.jpg"}) {
    const std::string whole = read_text(fixtures + "images/" + name);
    for (std::size_t size = 0; size + 2 < whole.size(); size += 1 + size / 40) {
      INFO(name << " cut to " << size);
      write_text(path, whole.substr(0, size));
      CHECK_THAT(message_of([&] { vt::read_image(path); }), contains(path.string() + ": "));
    }
    for (std::size_t at = 8; at < whole.size(); at += 3) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ (1 << at % 8));
      write_text(path, changed);
      message_of([&] { vt::read_image(path); });  // no other exception, no crash
    }
  }
}

TEST_CASE("absurd sizes, CMYK and foreign files are refused by what they are") {
  const TemporaryFolder folder;
  const auto path = folder / "image";
  const std::string png = read_text(fixtures + "images/rgb8.png");
  const auto message = [&](const std::string& bytes) {
    write_text(path, bytes);
    return message_of([&] { vt::read_image(path); });
  };
  CHECK(png_of_size(png, 13, 11) == png);
  CHECK_THAT(message(png_of_size(png, 1'000'000, 11)), contains("no PNG image can be read"));
  CHECK_THAT(message(png_of_size(png, 16'000, 16'000)), contains("at most 67108864 pixels, found 16000 x 16000"));
  CHECK_THAT(message(png_of_size(png, 0, 11)), contains("no PNG image can be read"));
  std::string jpeg = read_text(fixtures + "images/grey.jpg");
  const std::size_t frame = jpeg.find("\xff\xc0");
  REQUIRE(frame != std::string::npos);
  jpeg.replace(frame + 5, 4, "\xf0\xf0\xf0\xf0");
  CHECK_THAT(message(jpeg), contains("at most 67108864 pixels, 16384 a side, found 61680 x 61680"));
  CHECK_THAT(message(read_text(fixtures + "images/cmyk.jpg")),
             contains("expected a JPEG image in grey or RGB, found CMYK"));
  CHECK_THAT(message("GIF89a"), contains("expected a PNG or JPEG image, found neither"));
  CHECK_THAT(message(""), contains("expected a PNG or JPEG image, found neither"));
  CHECK_THAT(message_of([&] { vt::read_image(folder.path); }), contains("a directory"));
  CHECK_THAT(message_of([&] { vt::read_image(folder / "absent"); }), contains("cannot be opened"));
}
