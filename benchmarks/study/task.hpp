// task.hpp - the data of the study: some classes of a set to train a base on, the others to adapt it to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>
#include <vitrail/backend/philox.hpp>
#include <vitrail/data/batches.hpp>

namespace vt = vitrail;

// Labels count from 0 within the classes of each part.
struct Task {
  vt::ImageSet base_train, base_test;
  vt::ImageSet pool, validation, test;  // of the classes to adapt to; the training images are drawn from `pool`
  vt::Normalisation normalisation;      // of the base's training images, for all parts
};

inline vt::ImageSet images_of(const vt::ImageSet& set, const std::vector<std::size_t>& which) {
  const std::size_t size = set.channels * set.height * set.width;
  vt::ImageSet part{set.channels, set.height, set.width, set.classes, {}, {}};
  part.pixels.reserve(which.size() * size);
  for (const std::size_t i : which) {
    const auto from = set.pixels.begin() + static_cast<std::ptrdiff_t>(i * size);
    part.pixels.insert(part.pixels.end(), from, from + static_cast<std::ptrdiff_t>(size));
    part.labels.push_back(set.labels[i]);
  }
  return part;
}
// The images of these classes, whose labels become their places in the list.
inline vt::ImageSet classes_of(const vt::ImageSet& set, const std::vector<std::int32_t>& classes) {
  std::vector<std::size_t> which;
  std::vector<std::int32_t> labels;
  for (std::size_t i = 0; i < set.size(); ++i) {
    for (std::size_t c = 0; c < classes.size(); ++c) {
      if (set.labels[i] != classes[c]) continue;
      which.push_back(i);
      labels.push_back(static_cast<std::int32_t>(c));
    }
  }
  vt::ImageSet part = images_of(set, which);
  part.labels = std::move(labels);
  part.classes = classes.size();
  return part;
}
// `count` images, as many of each class, drawn from the seed; and all others.
inline std::pair<vt::ImageSet, vt::ImageSet> draw(const vt::ImageSet& set, std::size_t count, std::uint64_t seed) {
  std::vector<std::size_t> order(set.size()), taken, left, of_class(set.classes);
  std::iota(order.begin(), order.end(), std::size_t(0));
  const vt::RandomStream stream{.seed = seed, .step = 0, .site = vt::site_of("study")};
  for (std::size_t i = order.size(); i > 1; --i) {
    const double u = vt::uniform_at<double>(stream, 0, i);
    std::swap(order[i - 1], order[static_cast<std::size_t>(u * static_cast<double>(i))]);
  }
  for (const std::size_t i : order) {
    std::size_t& found = of_class[static_cast<std::size_t>(set.labels[i])];
    (found < count / set.classes ? taken : left).push_back(i);
    ++found;
  }
  return {images_of(set, taken), images_of(set, left)};
}

// `validation` images of the classes to adapt to are never trained on: they choose the learning rates.
inline Task make_task(const vt::TrainAndTest& data, const std::vector<std::int32_t>& base,
                      const std::vector<std::int32_t>& others, std::size_t validation) {
  Task task;
  task.base_train = classes_of(data.train, base), task.base_test = classes_of(data.test, base);
  auto [held_out, pool] = draw(classes_of(data.train, others), validation, 0);
  task.validation = std::move(held_out), task.pool = std::move(pool);
  task.test = classes_of(data.test, others);
  task.normalisation = vt::normalisation_of(task.base_train);
  return task;
}
