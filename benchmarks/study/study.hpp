// study.hpp - what the units of the study share: a subject (a base and its task) and the methods that adapt it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "task.hpp"

// One training: `images` drawn from the seed, and of them `steps` batches, in whole epochs.
struct Setting {
  std::size_t images = 600, steps = 300, batch = 20;
  std::uint64_t seed = 1;
  double rate = 1e-3;
  bool validate = false;  // the accuracy is on the validation images, else on the test images
};
struct Outcome {
  double accuracy = 0;
  double images_per_second = 0;  // of training, by the processor's time: the machine may be shared
  std::size_t arena_bytes = 0;
};
struct Method {
  std::string name;
  double rate = 0;  // where the search for one starts
  std::size_t trainable = 0, parameters = 0;
  std::function<Outcome(const Task&, const Setting&)> run;
};
struct Subject {
  std::string name;
  Task task;
  double base_accuracy = 0;
  std::vector<Method> methods = {};
};

// Each group of methods is a unit for each subject, which instantiates one of these: none takes long to compile.
template <class S>
void add_parameters(Subject& to);  // those that the base has
template <class S>
void add_low_rank(Subject& to);  // of several ranks
template <class S>
void add_low_rank_variants(Subject& to);
template <class S>
void add_adapters(Subject& to);
template <class S>
void add_adapter_variants(Subject& to);
template <class S>
void add_prompts(Subject& to);
// Trains the base, or reads it from the file if that is there.
template <class S>
void prepare_base(Subject& of, const std::filesystem::path& file);
