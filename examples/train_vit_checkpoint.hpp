// train_vit_checkpoint.hpp - how a checkpoint of train_vit wants its images: the statistics are in the file.
#pragma once

#include <array>
#include <sstream>
#include <vitrail/data/preprocess.hpp>
#include <vitrail/io/safetensors.hpp>

// Three numbers, or one for grey.
inline std::array<double, 3> train_vit_numbers(const vitrail::Safetensors& file, const char* name) {
  std::array<double, 3> values{0.5, 0.5, 0.5};
  const auto found = file.metadata().find(name);
  if (found == file.metadata().end()) return values;
  std::istringstream text(found->second);
  if (text >> values[0] && !(text >> values[1] >> values[2])) values[1] = values[2] = values[0];
  return values;
}
inline vitrail::Preprocess train_vit_preprocess(const vitrail::Safetensors& file, std::size_t size) {
  return {.size = size,
          .crop = 1,
          .filter = vitrail::resampling::bilinear,
          .mean = train_vit_numbers(file, "train_vit.mean"),
          .deviation = train_vit_numbers(file, "train_vit.deviation")};
}
inline bool train_vit_is_grey(const vitrail::Safetensors& file) {
  const auto& patches = file.at("patch_embed.proj.weight").shape;
  return patches.size() == 4 && patches[1] == 1;
}
