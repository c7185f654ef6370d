// resize.cpp - resized pictures are Pillow's to the bit; fixtures/make_resize.py made the expected pixels.
#include "vitrail/data/resize.hpp"

#include <sstream>

#include "catch.hpp"
#include "vitrail/io/safetensors.hpp"

namespace vt = vitrail;

TEST_CASE("resizing gives Pillow's pixels, larger and smaller, by both filters") {
  const auto file = vt::Safetensors::open(std::string(VITRAIL_TESTS) + "/data/fixtures/resize.safetensors");
  std::size_t cases = 0;
  for (const vt::TensorInfo& info : file.tensors()) {
    std::istringstream words(info.name);
    std::size_t height = 0, width = 0, to_height = 0, to_width = 0;
    std::string filter;
    if (!(words >> height >> width >> to_height >> to_width >> filter)) continue;
    INFO(info.name);
    const vt::Image image{height, width, file.read<std::uint8_t>(std::to_string(height) + " " + std::to_string(width))};
    const auto found = vt::resize(image, to_height, to_width,
                                  filter == "bicubic" ? vt::resampling::bicubic : vt::resampling::bilinear);
    CHECK(found.height == to_height);
    CHECK(found.width == to_width);
    CHECK(found.pixels == file.read<std::uint8_t>(info.name));
    ++cases;
  }
  CHECK(cases == 30);
}

TEST_CASE("the shorter side gets the size, the middle is cut out") {
  const vt::Image image{20, 33, std::vector<std::uint8_t>(20 * 33 * 3)};
  const auto wide = vt::resize_shorter_side(image, 9, vt::resampling::bilinear);
  CHECK(wide.height == 9);
  CHECK(wide.width == 14);  // 14.85
  vt::Image ramp{7, 6, std::vector<std::uint8_t>(7 * 6 * 3)};
  for (std::size_t i = 0; i < ramp.pixels.size(); ++i) ramp.pixels[i] = static_cast<std::uint8_t>(i);
  // (7 - 4) / 2 = 1.5 rounds to 2, (6 - 1) / 2 = 2.5 to 2
  const auto middle = vt::center_crop(ramp, 4, 1);
  CHECK(middle.pixels == std::vector<std::uint8_t>{42, 43, 44, 60, 61, 62, 78, 79, 80, 96, 97, 98});
}

TEST_CASE("what cannot be resized throws") {
  const vt::Image image{2, 2, std::vector<std::uint8_t>(12)}, wrong{2, 2, std::vector<std::uint8_t>(11)};
  CHECK_THROWS_AS(vt::resize(image, 0, 2, vt::resampling::bicubic), vt::shape_error);
  CHECK_THROWS_AS(vt::resize(wrong, 3, 3, vt::resampling::bicubic), vt::shape_error);
  CHECK_THROWS_AS(vt::resize_shorter_side(vt::Image{}, 3, vt::resampling::bicubic), vt::shape_error);
  CHECK_THROWS_AS(vt::center_crop(image, 3, 1), vt::shape_error);
}
