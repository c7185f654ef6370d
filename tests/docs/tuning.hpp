// tuning.hpp - the program around fragments of docs/tuning.md: a small ViT, its data, and a folder.
#include <filesystem>
#include <string>
#include <vitrail/io/peft.hpp>
#include <vitrail/vitrail.hpp>

namespace vt = vitrail;

constexpr vt::ViTConfig config{.image = 32, .channels = 3, .patch = 8, .dim = 32, .depth = 4, .heads = 2, .mlp = 64};
using Net = vt::ViT<config, 1000>;

int main() {
  const vt::ImageSet set = vt::drawn_shapes(1, 48);
  vt::Batches<Net::input, vt::cpu> batches(set, vt::normalisation_of(set), 16);
  vt::Batch<Net::input> images;
  vt::Labels labels;
  batches.load(0, images, labels);
  const auto folder = std::filesystem::temp_directory_path() / "vitrail_tuning_page";
  // fragment
  std::filesystem::remove_all(folder);
}
