// pictures.hpp - the program around fragments about pictures in docs/checkpoints.md.
#include <filesystem>
#include <iostream>
#include <vector>
#include <vitrail/io/checkpoint.hpp>
#include <vitrail/io/image_file.hpp>
#include <vitrail/vitrail.hpp>

namespace vt = vitrail;

constexpr vt::ViTConfig config{.image = 32, .patch = 8, .dim = 16, .depth = 2, .heads = 2, .mlp = 32};
using Net = vt::ViT<config, 10>;

int main() {
  const auto folder = std::filesystem::temp_directory_path();
  vt::write_image(folder / "vitrail_page.png", vt::Image{20, 30, std::vector<std::uint8_t>(20 * 30 * 3, 128)});
  vt::save_checkpoint(vt::Model<Net>(vt::seed{1}), folder / "vitrail_page.safetensors");
  // fragment
}
