// families.hpp - what the units of train_vit share: the options and the list of the models that the program knows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vitrail/data/image_set.hpp>

namespace vt = vitrail;

struct Options {
  std::string data = "/usr/share/datasets/fashion-mnist", checkpoint, model = "vit";
  bool drawn = false, mirror = true, resume = false;
  std::size_t epochs = 18, batch = 64, images = 0, shift = 0, save_every = 0;
  int threads = 0;
  std::uint64_t seed = 1;
  double rate = 3e-3, smoothing = 0.1;
};

// A family has a model for grey images of 28 x 28 and one for colours of 32 x 32.
struct Family {
  void (*gray)(const vt::ImageSet&, const vt::ImageSet&, const Options&);
  void (*colour)(const vt::ImageSet&, const vt::ImageSet&, const Options&);
};
// By name. A unit adds its own before main starts: a new family is one more file in this folder.
inline std::map<std::string, Family>& families() {
  static std::map<std::string, Family> all;
  return all;
}
