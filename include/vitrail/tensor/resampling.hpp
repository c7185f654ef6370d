// resampling.hpp - the weights with which samples on one grid become samples on another: what Pillow's resize and
// torch.nn.functional.interpolate(antialias=True, align_corners=False) do along each axis.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "../config.hpp"
#include "../error.hpp"

namespace vitrail::inline VITRAIL_TU {

enum class resampling { bilinear, bicubic };

// Output i is the sum of weights[i * most + j] * input[begin[i] + j] over j < count[i]. Weights of an output add up
// to 1.
struct ResamplingWeights {
  std::size_t outputs = 0, most = 0;
  std::vector<std::size_t> begin, count;
  std::vector<double> weights;
};

namespace detail {
// How far the filter reaches from its centre, and its value there: Keys' cubic with a = -1/2 (1981), and the triangle.
inline double resampling_reach(resampling filter) { return filter == resampling::bicubic ? 2 : 1; }
inline double resampling_filter(resampling filter, double x) {
  x = std::abs(x);
  if (filter == resampling::bilinear) return x < 1 ? 1 - x : 0;
  constexpr double a = -0.5;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}
}  // namespace detail

// For `inputs` samples to become `outputs`. When they become fewer the filter is stretched, so that every sample counts
// (antialiasing). Throws shape_error if either is 0.
inline ResamplingWeights resampling_weights(std::size_t inputs, std::size_t outputs, resampling filter) {
  if (inputs == 0 || outputs == 0) throw shape_error("resampling: expected at least one sample, found none");
  const double scale = static_cast<double>(inputs) / static_cast<double>(outputs), stretch = std::max(scale, 1.0);
  const double reach = detail::resampling_reach(filter) * stretch;
  ResamplingWeights result;
  result.outputs = outputs;
  result.most = 2 * static_cast<std::size_t>(std::ceil(reach)) + 1;
  result.begin.resize(outputs);
  result.count.resize(outputs);
  result.weights.resize(outputs * result.most);
  for (std::size_t i = 0; i < outputs; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    // Half up in floating point, not std::lround: Pillow's rounding here too.
    const double from = centre - reach + 0.5, to = centre + reach + 0.5;
    const auto begin = static_cast<std::size_t>(std::max(from, 0.0));
    const std::size_t end = std::min(static_cast<std::size_t>(to), inputs);
    double* weights = result.weights.data() + i * result.most;
    double sum = 0;
    for (std::size_t j = begin; j < end; ++j) {
      // Multiplied by the inverse, not divided: Pillow's rounding.
      const double x = (static_cast<double>(j) - centre + 0.5) * (1.0 / stretch);
      sum += weights[j - begin] = detail::resampling_filter(filter, x);
    }
    for (std::size_t j = 0; j < end - begin && sum != 0; ++j) weights[j] /= sum;
    result.begin[i] = begin;
    result.count[i] = end - begin;
  }
  return result;
}

}  // namespace vitrail::inline VITRAIL_TU
