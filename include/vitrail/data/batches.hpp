// batches.hpp - an image set cut into batches: shuffled, normalised and, for training, moved and mirrored.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "../backend/philox.hpp"
#include "../tensor/tensor.hpp"
#include "image_set.hpp"

namespace vitrail::inline VITRAIL_TU {

// Value = (pixel / 255 - mean) / deviation, per channel.
struct Normalisation {
  std::vector<double> mean, deviation;
};
namespace detail {
inline void check_pixels(const char* what, const ImageSet& set) {
  const std::size_t expected = set.size() * set.channels * set.height * set.width;
  if (set.pixels.size() == expected) return;
  throw shape_error(std::string(what) + ": " + std::to_string(set.size()) + " labels, so " + std::to_string(expected) +
                    " pixels expected, found " + std::to_string(set.pixels.size()));
}
}  // namespace detail

// Mean and standard deviation of each channel over a whole set. Throws shape_error if pixels and labels disagree.
inline Normalisation normalisation_of(const ImageSet& set) {
  detail::check_pixels("normalisation_of", set);
  Normalisation n;
  const std::size_t area = set.height * set.width;
  for (std::size_t c = 0; c < set.channels; ++c) {
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < set.size(); ++i) {
      const std::uint8_t* pixel = set.pixels.data() + (i * set.channels + c) * area;
      for (std::size_t k = 0; k < area; ++k) {
        const double x = pixel[k] / 255.0;
        sum += x;
        squares += x * x;
      }
    }
    const double count = std::max(1.0, static_cast<double>(set.size() * area)), mean = sum / count;
    n.mean.push_back(mean);
    n.deviation.push_back(std::sqrt(std::max(squares / count - mean * mean, 1e-12)));
  }
  return n;
}

struct Augmentation {
  std::size_t shift = 0;  // up to so many pixels in each direction, black moving in
  bool mirror = false;    // left and right, every other time
};

// Walks through an image set in batches of S = Shape<channels, height, width>. The order of an epoch and what happens
// to each image are functions of (seed, epoch, image) alone, so training resumes with the same data. The set must
// outlive it and not change.
template <class S, class P>
class Batches {
 public:
  // Throws shape_error if the set's images are not of shape S, its pixels and labels disagree, the normalisation is not
  // of its channels, or the batch is 0.
  Batches(const ImageSet& set, Normalisation normalisation, std::size_t batch, Augmentation augmentation = {})
      : set_(&set),
        normalisation_(std::move(normalisation)),
        batch_(batch),
        augmentation_(augmentation),
        order_(set.size()) {
    if (set.channels != S::dims[0] || set.height != S::dims[1] || set.width != S::dims[2]) {
      throw shape_error("Batches: the images are [" + std::to_string(set.channels) + ", " + std::to_string(set.height) +
                        ", " + std::to_string(set.width) + "], the model takes [" + std::to_string(S::dims[0]) + ", " +
                        std::to_string(S::dims[1]) + ", " + std::to_string(S::dims[2]) + "]");
    }
    if (batch == 0) throw shape_error("Batches: the batch has no samples");
    detail::check_pixels("Batches", set);
    detail::check_size("Batches: means", normalisation_.mean.size(), set.channels);
    detail::check_size("Batches: deviations", normalisation_.deviation.size(), set.channels);
    std::iota(order_.begin(), order_.end(), 0u);
    tables_.resize(set.channels);
    for (std::size_t c = 0; c < set.channels; ++c) {
      for (std::size_t v = 0; v < 256; ++v) {
        const double x = (static_cast<double>(v) / 255.0 - normalisation_.mean[c]) / normalisation_.deviation[c];
        tables_[c].push_back(static_cast<typename P::value>(x));
      }
    }
  }

  Batches(const ImageSet&&, Normalisation, std::size_t, Augmentation = {}) = delete;  // it would point to a dead set

  std::size_t count() const { return order_.size() / batch_ + (order_.size() % batch_ != 0); }
  // Samples of an epoch, and of a batch that is not its last.
  std::size_t samples() const { return order_.size(); }
  std::size_t batch() const { return batch_; }
  const Normalisation& normalisation() const { return normalisation_; }
  const Augmentation& augmentation() const { return augmentation_; }

  // Starts an epoch in a new order (Fisher and Yates).
  void shuffle(std::uint64_t seed, std::uint32_t epoch) {
    random_ = {seed, epoch, site_of("batches")};
    std::iota(order_.begin(), order_.end(), 0u);
    for (std::size_t i = order_.size(); i > 1; --i) {
      const auto j = static_cast<std::size_t>(uniform_at<double>(random_, order_sample, i) * static_cast<double>(i));
      std::swap(order_[i - 1], order_[j]);
    }
  }
  // Fills batch number `index`; the last one may be smaller. Throws shape_error if there is no such batch. (A tuned
  // model's policy is another than its base's, but its batches are alike.)
  template <SameMemoryAs<P> Q>
  void load(std::size_t index, Batch<S, Q>& images, Labels& labels) const {
    if (index >= count()) {
      throw shape_error("Batches: expected a batch below " + std::to_string(count()) + ", found " +
                        std::to_string(index));
    }
    load_from(index * batch_, images, labels);
  }
  // The same from any sample of the epoch's order on, so that an epoch goes on where batches of another size stopped.
  // Throws shape_error if there is no such sample.
  template <SameMemoryAs<P> Q>
  void load_from(std::size_t sample, Batch<S, Q>& images, Labels& labels) const {
    if (sample >= samples()) {
      throw shape_error("Batches: expected a sample below " + std::to_string(samples()) + ", found " +
                        std::to_string(sample));
    }
    const std::size_t count = std::min(batch_, samples() - sample);
    images.resize(count);
    labels.resize(count);
    for (std::size_t b = 0; b < count; ++b) {
      const std::uint32_t image = order_[sample + b];
      copy_image(image, images[b].data());
      labels.data()[b] = set_->labels[image];
    }
  }

 private:
  static constexpr std::uint32_t order_sample = 0xffffffffu;  // apart from the images' own numbers

  // The pixel that lands on (y, x) comes from (y - down, x - right), mirrored or not; outside the image it is 0.
  void copy_image(std::uint32_t image, typename P::value* to) const {
    constexpr auto height = static_cast<std::ptrdiff_t>(S::dims[1]), width = static_cast<std::ptrdiff_t>(S::dims[2]);
    const auto shift = static_cast<double>(augmentation_.shift);
    auto draw = [&](std::uint64_t what) { return uniform_at<double>(random_, image, what); };
    const auto down = shift > 0 ? static_cast<std::ptrdiff_t>(draw(0) * (2 * shift + 1)) - std::ptrdiff_t(shift) : 0;
    const auto right = shift > 0 ? static_cast<std::ptrdiff_t>(draw(1) * (2 * shift + 1)) - std::ptrdiff_t(shift) : 0;
    const bool mirror = augmentation_.mirror && draw(2) < 0.5;
    for (std::size_t c = 0; c < S::dims[0]; ++c) {
      const std::uint8_t* from = set_->pixels.data() + image * S::size + c * S::dims[1] * S::dims[2];
      const auto* table = tables_[c].data();
      for (std::ptrdiff_t y = 0; y < height; ++y) {
        const std::ptrdiff_t row = y - down;
        for (std::ptrdiff_t x = 0; x < width; ++x, ++to) {
          const std::ptrdiff_t column = (mirror ? width - 1 - x : x) - right;
          const bool inside = row >= 0 && row < height && column >= 0 && column < width;
          *to = table[inside ? from[row * width + column] : 0];
        }
      }
    }
  }

  const ImageSet* set_;
  Normalisation normalisation_;
  std::size_t batch_;
  Augmentation augmentation_;
  RandomStream random_;
  std::vector<std::uint32_t> order_;
  std::vector<std::vector<typename P::value>> tables_;  // value of each byte, per channel
};

}  // namespace vitrail::inline VITRAIL_TU
