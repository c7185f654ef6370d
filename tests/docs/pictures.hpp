// pictures.hpp - the program around fragments about pictures in docs/checkpoints.md.
#include <filesystem>
#include <vector>
#include <vitrail/io/image_file.hpp>
#include <vitrail/vitrail.hpp>

namespace vt = vitrail;

int main() {
  const auto folder = std::filesystem::temp_directory_path();
  vt::write_image(folder / "vitrail_page.png", vt::Image{20, 30, std::vector<std::uint8_t>(20 * 30 * 3, 128)});
  // fragment
}
