// relative_error.hpp - how far values are from those of another library.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

// |found - expected| / |expected|, in the Euclidean norm; a norm below `least` is taken as that.
template <class T>
double relative_error(const T* found, const std::vector<double>& expected, double least = 0) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double d = static_cast<double>(found[i]) - expected[i];
    difference += d * d;
    norm += expected[i] * expected[i];
  }
  return std::sqrt(difference / std::max(norm, least * least));
}
