// initial.hpp - how parameters start. Each value is a function of the seed, the parameter's name and its index, so that
// adding a module changes no other's values.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <ratio>

#include "../backend/philox.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace initial {

struct zeros {
  static double at(const RandomStream&, std::size_t) { return 0; }
};
struct ones {
  static double at(const RandomStream&, std::size_t) { return 1; }
};
template <double Value>
struct constant {
  static double at(const RandomStream&, std::size_t) { return Value; }
};
// The logarithm of the integer Of.
template <std::size_t Of>
struct log_of {
  static double at(const RandomStream&, std::size_t) { return std::log(static_cast<double>(Of)); }
};
// Normal with the standard deviation Deviation (a std::ratio). timm truncates at +-2, which for 0.02 cuts nothing off.
template <class Deviation>
struct normal {
  static double at(const RandomStream& stream, std::size_t i) {
    return static_cast<double>(Deviation::num) / static_cast<double>(Deviation::den) * normal_at<double>(stream, 0, i);
  }
};
// Normal with the standard deviation 1 / sqrt(N), cut off at two of them; timm's trunc_normal_tf_.
template <std::size_t N>
struct truncated_normal {
  static double at(const RandomStream& stream, std::size_t i) {
    for (std::uint32_t draw = 0;; ++draw) {
      const double x = normal_at<double>(stream, draw, i);
      if (std::abs(x) <= 2) return x / std::sqrt(static_cast<double>(N));
    }
  }
};
// Uniform in +-1 / sqrt(FanIn): what PyTorch gives convolutions and their biases.
template <std::size_t FanIn>
struct uniform_fan_in {
  static double at(const RandomStream& stream, std::size_t i) {
    return (2 * uniform_at<double>(stream, 0, i) - 1) / std::sqrt(static_cast<double>(FanIn));
  }
};
// Uniform in +-sqrt(6 / (FanIn + FanOut)) (Glorot and Bengio 2010).
template <std::size_t FanIn, std::size_t FanOut>
struct uniform_fan_in_out {
  static double at(const RandomStream& stream, std::size_t i) {
    return std::sqrt(6 / static_cast<double>(FanIn + FanOut)) * (2 * uniform_at<double>(stream, 0, i) - 1);
  }
};

// Normal with the deviation sqrt(2 / FanOut), for what a ReLU follows (He et al. 2015): torchvision's ResNets.
template <std::size_t FanOut>
struct normal_fan_out {
  static double at(const RandomStream& stream, std::size_t i) {
    return std::sqrt(2 / static_cast<double>(FanOut)) * normal_at<double>(stream, 0, i);
  }
};
// Starts so even where a base has values under the same name (tuning's starts_anew).
template <class Initial>
struct anew : Initial {};
template <class Initial>
inline constexpr bool is_anew = false;
template <class Initial>
inline constexpr bool is_anew<anew<Initial>> = true;

}  // namespace initial

}  // namespace vitrail::inline VITRAIL_TU
