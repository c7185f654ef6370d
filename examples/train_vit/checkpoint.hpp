// checkpoint.hpp - what a checkpoint of train_vit says of itself: the model's family, and how its images are prepared.
#pragma once

#include <sstream>
#include <string>
#include <vector>
#include <vitrail/data/preprocess.hpp>
#include <vitrail/io/safetensors.hpp>

inline std::string train_vit_text(const vitrail::Safetensors& file, const std::string& name,
                                  const std::string& otherwise) {
  const auto found = file.metadata().find(name);
  return found == file.metadata().end() ? otherwise : found->second;
}
// One number for each channel of grey or coloured images.
inline std::vector<double> train_vit_numbers(const vitrail::Safetensors& file, const std::string& name) {
  const std::string text = train_vit_text(file, name, "0.5 0.5 0.5");
  std::istringstream stream(text);
  std::vector<double> values;
  for (double x; stream >> x;) values.push_back(x);
  if (values.size() != 1 && values.size() != 3) {
    throw vitrail::io_error(file.name() + ": " + name + ": expected numbers for 1 or 3 channels, found '" + text + "'");
  }
  return values;
}
inline bool train_vit_is_grey(const vitrail::Safetensors& file) {
  return train_vit_numbers(file, "train_vit.mean").size() == 1;
}
inline vitrail::Preprocess train_vit_preprocess(const vitrail::Safetensors& file, std::size_t size) {
  vitrail::Preprocess how{.size = size, .crop = 1, .filter = vitrail::resampling::bilinear};
  const auto mean = train_vit_numbers(file, "train_vit.mean");
  const auto deviation = train_vit_numbers(file, "train_vit.deviation");
  for (std::size_t c = 0; c < 3; ++c) {
    how.mean[c] = mean[c % mean.size()];
    how.deviation[c] = deviation[c % deviation.size()];
  }
  return how;
}
