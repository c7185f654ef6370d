// expected.hpp - found values against those of a fixture.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

// |found - expected| / |expected|, in the Euclidean norm.
template <class T>
double relative_error(const T* found, const std::vector<double>& expected) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference += (double(found[i]) - expected[i]) * (double(found[i]) - expected[i]);
    norm += expected[i] * expected[i];
  }
  return std::sqrt(difference / norm);
}
