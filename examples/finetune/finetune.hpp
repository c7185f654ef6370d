// finetune.hpp - what the units of finetune share: a base of any type, and the list of those that the program knows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>
#include <vitrail/data/image_set.hpp>
#include <vitrail/data/preprocess.hpp>

namespace vt = vitrail;

struct Options {
  std::string model = "train_vit", base, data, out;
  std::vector<std::string> methods;
  std::size_t drawn = 0, epochs = 5, batch = 32;
  int threads = 0;
  std::uint64_t seed = 1;
  double rate = 0;  // 0: what suits the method
  bool mirror = true;
};
// What a method took and gave.
struct Row {
  double accuracy = 0;
  std::size_t trainable = 0, parameters = 0, adapter_bytes = 0, arena_bytes = 0;
  double images_per_second = 0;
};
struct Base {
  std::string name;
  std::size_t channels = 0, classes = 0;
  vt::Preprocess preprocess;
  virtual ~Base() = default;
  virtual std::vector<std::string> methods() const = 0;
  // Both sets are [channels, preprocess.size, preprocess.size].
  virtual Row finetune(const std::string& method, const vt::TrainAndTest& data, const Options& options) const = 0;
};

struct KnownBase {
  std::function<std::unique_ptr<Base>(const Options&)> load;
  std::string methods;  // as --help tells them
};
// By the name of --model. A unit adds its bases before main starts: a new family is one more file in this folder.
inline std::map<std::string, KnownBase>& known_bases() {
  static std::map<std::string, KnownBase> bases;
  return bases;
}

// Null where the program was built without libpng and TurboJPEG.
inline vt::Image (*&image_reader())(const std::filesystem::path&) {
  static vt::Image (*read)(const std::filesystem::path&) = nullptr;
  return read;
}
