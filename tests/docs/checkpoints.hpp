// checkpoints.hpp - the program around fragments of docs/checkpoints.md: files of a small ViT with 10 classes.
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <vitrail/io/checkpoint.hpp>
#include <vitrail/io/load_classifier.hpp>
#include <vitrail/vitrail.hpp>

namespace vt = vitrail;

constexpr vt::ViTConfig config{.image = 32, .patch = 8, .dim = 16, .depth = 2, .heads = 2, .mlp = 32};
constexpr vt::ViTConfig larger{.image = 64, .patch = 8, .dim = 16, .depth = 2, .heads = 2, .mlp = 32};
using Net = vt::ViT<config, 10>;
template <std::size_t Classes>
using Other = vt::ViT<config, Classes>;
using Larger = vt::ViT<larger, 10>;

int main() {
  const auto file = std::filesystem::temp_directory_path() / "vitrail_checkpoints_page.safetensors";
  vt::save_checkpoint(vt::Model<Net>(vt::seed{1}), file);
  vt::Batch<Net::input> images(2);
  // fragment
}
