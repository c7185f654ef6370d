// merge.hpp - how an adapter on a base becomes one model.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <vector>
#include <vitrail/autodiff/predict.hpp>

#include "../tuning_bases.hpp"
#include "known_merges.hpp"

template <class Model>
std::vector<float> logits_of(const Model& model) {
  vt::Batch<typename Model::module::input> images(4);
  for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = vt::normal_at<float>({7, 0, 0}, 0, i);
  auto predict = vt::predictor(model);
  const auto logits = predict(images);
  return {logits.data(), logits.data() + logits.size()};
}

// Throws vt::error if the plain model would not give the tuned one's logits.
template <class Tuned>
void write_merged(const Tuned& tuned, const Options& o) {
  const auto plain = tuned.merged();
  const std::vector<float> expected = logits_of(tuned), found = logits_of(plain);
  double most = 0, scale = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    most = std::max(most, std::abs(static_cast<double>(found[i]) - static_cast<double>(expected[i])));
    scale = std::max(scale, std::abs(static_cast<double>(expected[i])));
  }
  if (!(most <= 1e-4 * scale))
    throw vt::error("expected the tuned model's logits of the merged one, found a difference of " +
                    std::to_string(most) + " among logits of up to " + std::to_string(scale));
  // How images are normalised is the base's.
  std::map<std::string, std::string> metadata;
  const vt::Safetensors base = vt::Safetensors::open(o.base);
  for (const auto& [name, value] : base.metadata()) {
    if (name.starts_with("train_vit.")) metadata[name] = value;
  }
  vt::save_checkpoint(plain, o.out, metadata);
  std::printf("%s: %zu parameters, logits differ by %.1e of the largest\n", o.out.c_str(),
              vt::parameter_count<typename std::remove_cvref_t<decltype(plain)>::module>(), most / scale);
}

// The adapter says by what is in it which method it is of: the first one that it fits.
template <class B>
void merge(const Options& o) {
  const auto base = vt::load<typename B::net>(o.base, {.head = vt::head_policy::keep}, vt::seed{}, {.threads = 1});
  std::string problems;
  bool done = false;
  B::methods::each([&]<auto Method>(Named<Method> method) {
    if constexpr (decltype(Method)::merges) {
      if (done) return;
      auto tuned = vt::tune<Method, vt::head<B::net::classes>>(base);
      try {
        load_tuning<Method>(tuned, o.adapter);
      } catch (const vt::io_error& e) {
        problems += std::string("\n") + method.name + ": " + e.what();
        return;
      }
      write_merged(tuned, o);
      done = true;
    }
  });
  if (!done)
    throw vt::io_error(o.adapter + ": expected the adapter of a method that can be merged into " + B::name + ":" +
                       problems);
}
