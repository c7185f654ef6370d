// classifier.hpp - what the units of classify share: a model of any type, and the list of those that the program
// knows.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vitrail/data/preprocess.hpp>
#include <vitrail/io/key_map.hpp>

namespace vt = vitrail;

struct Source {
  std::filesystem::path weights;
  vt::KeyMap keys;
  int threads = 0;
};

struct Classifier {
  std::size_t channels = 0, size = 0, classes = 0;
  vt::Preprocess preprocess;
  virtual ~Classifier() = default;
  // [count, channels, size, size] -> [count, classes], valid until the next call.
  virtual std::span<const float> logits(const float* images, std::size_t count) = 0;
};

using Load = std::function<std::unique_ptr<Classifier>(const Source&)>;
// By name. A unit adds its models before main starts: a new family is one more file in this folder.
inline std::map<std::string, Load>& known_models() {
  static std::map<std::string, Load> models;
  return models;
}

// Null where the program was built without libpng and TurboJPEG.
inline vt::Image (*&image_reader())(const std::filesystem::path&) {
  static vt::Image (*read)(const std::filesystem::path&) = nullptr;
  return read;
}
