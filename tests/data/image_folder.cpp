// image_folder.cpp - classes are sub-folders in the order of their names; pictures become what the model sees.
#include "vitrail/data/image_folder.hpp"

#include <cstddef>
#include <string>
#include <vector>

#include "../io/messages.hpp"
#include "../io/temporary_folder.hpp"
#include "catch.hpp"

namespace vt = vitrail;

namespace {

constexpr vt::Preprocess how{.size = 4, .crop = 1, .filter = vt::resampling::bilinear};

void put(const TemporaryFolder& folder, const std::string& name) {
  std::filesystem::create_directories((folder / name).parent_path());
  write_text(folder / name, "a picture");
}
// A decoder without a library: 4 x 4 pixels of a colour that the file's name says.
vt::Image decode(const std::filesystem::path& path) {
  const auto value = static_cast<std::uint8_t>(path.stem().string()[0]);
  if (value == 'x') throw vt::io_error(path.string() + ": expected a picture, found none");
  vt::Image image{4, 4, {}};
  for (std::size_t i = 0; i < 16; ++i) image.pixels.insert(image.pixels.end(), {value, std::uint8_t(i), 7});
  return image;
}

}  // namespace

TEST_CASE("image folder: classes and files in the order of their names, other files left alone") {
  const TemporaryFolder folder;
  for (const char* name : {"dog/b.png", "dog/a.JPEG", "cat/c.jpg", "cat/notes.txt", "cat/more/d.png", "owl/e.PNG"})
    put(folder, name);
  write_text(folder / "readme.png", "not in a class");
  const vt::ImageFolder list = vt::list_image_folder(folder.path);
  CHECK(list.classes == std::vector<std::string>{"cat", "dog", "owl"});
  CHECK(list.labels == std::vector<std::int32_t>{0, 1, 1, 2});
  REQUIRE(list.files.size() == 4);
  CHECK(list.files[1] == folder / "dog/a.JPEG");

  const vt::ImageSet set = vt::read_image_folder(list, how, 3, decode);
  CHECK((set.channels == 3 && set.height == 4 && set.width == 4 && set.classes == 3 && set.size() == 4));
  CHECK(set.labels == list.labels);
  REQUIRE(set.pixels.size() == 4 * 48);
  CHECK((set.pixels[48] == 'a' && set.pixels[48 + 16 + 5] == 5 && set.pixels[48 + 32] == 7));  // planes
  const vt::ImageSet grey = vt::read_image_folder(list, how, 1, decode);
  CHECK((grey.channels == 1 && grey.pixels.size() == 4 * 16));
  CHECK(grey.pixels[16 + 5] == (19595 * 'a' + 38470 * 5 + 7471 * 7 + 32768) >> 16);
}

TEST_CASE("image folder: what is missing is named") {
  const TemporaryFolder folder;
  CHECK_THAT(message_of([&] { vt::list_image_folder(folder.path); }),
             contains(folder.path.string() + ": expected a sub-folder for each class, found none"));
  put(folder, "cat/a.png");
  put(folder, "dog/a.txt");
  CHECK_THAT(message_of([&] { vt::list_image_folder(folder.path); }),
             contains("dog: expected PNG or JPEG files of a class, found none"));
  CHECK_THAT(message_of([&] { vt::list_image_folder(folder / "absent"); }),
             contains("absent: cannot be read as a folder"));
  put(folder, "dog/x.png");
  CHECK_THAT(message_of([&] { vt::read_image_folder(vt::list_image_folder(folder.path), how, 3, decode); }),
             contains("dog/x.png: expected a picture"));
}
