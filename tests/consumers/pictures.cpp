// pictures.cpp - a user's program with vitrail::images: it writes a picture and reads it.
#include <cstdio>
#include <vitrail/io/image_file.hpp>

int main() {
  vitrail::Image image{2, 3, std::vector<std::uint8_t>(18, 7)};
  vitrail::write_image("picture.png", image);
  const bool same = vitrail::read_image("picture.png").pixels == image.pixels;
  std::printf("%s\n", same ? "the same pixels" : "other pixels");
  return same ? 0 : 1;
}
