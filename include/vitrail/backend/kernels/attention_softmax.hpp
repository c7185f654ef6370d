// attention_softmax.hpp - the softmax of a strip of scores, forward and backward.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "../isa.hpp"
#include "../lane.hpp"
#include "../lane_math.hpp"

namespace vitrail::inline VITRAIL_TU::kernels {

// 2^x for x <= 0, within 0.7 eps; below the smallest normal number (-infinity included) zero, so that no denormal
// enters the products; NaN stays NaN. Half the work of exp: no overflow, and ln 2 needs no second part.
template <class L>
VITRAIL_INLINE L exp2_of_negative(const L& x) {
  using Bits = typename L::Bits;
  typedef std::uint32_t Words __attribute__((vector_size(sizeof(Bits))));  // sums wrap where the result is zero
  const L t = x + 12582912.0f;  // 1.5 * 2^23: rounds x to an integer, which is left in the low bits
  const L f = x - (t - 12582912.0f);
  L p = L(0.00015353361959569156f);  // minimax of 2^f on [-1/2, 1/2], relative
  p = p * f + 0.0013398875016719103f;
  p = p * f + 0.00961843691766262f;
  p = p * f + 0.055503323674201965f;
  p = p * f + 0.24022647738456726f;
  p = p * f + 0.6931471824645996f;
  p = p * f + 1.0f;
  p = L::of_bits((Bits)((Words)p.v + ((Words)t.v << 23)));
  return select(x < L(-126.0f), L(0.0f), p);
}

inline constexpr float log2_of_e = 1.44269504088896341f;

// f(j, count) for the registers of a row: whole ones, then the last with what it holds of the row.
template <std::size_t Width, class F>
VITRAIL_INLINE void each_register(std::size_t keys, const F& f) {
  std::size_t j = 0;
  for (; j + Width < keys; j += Width) f(j, std::integral_constant<std::size_t, Width>{});
  f(j, keys - j);
}
template <class L>
VITRAIL_INLINE L padded_with(const L& x, std::integral_constant<std::size_t, L::width>, float) {
  return x;
}
template <class L>
VITRAIL_INLINE L padded_with(const L& x, std::size_t count, float fill) {
  return keep(x, count, fill);
}
template <class L>
VITRAIL_INLINE L load_first(const float* p, std::integral_constant<std::size_t, L::width>) {
  return load<L>(p);
}
template <class L>
VITRAIL_INLINE L load_first(const float* p, std::size_t count) {
  return load<L>(p, count);
}

// A strip of scores [rows, keys]; its rows are whole registers, `row` floats apart; what lies behind `keys` is padding.
struct ScoreStrip {
  float* scores;
  std::size_t row, rows, keys;
  float scale;
  const float *bias, *mask;  // [rows, keys], added to the scaled scores, or null
};
// Register j of row r: the scaled score with what is added to it.
template <class L, class Count>
VITRAIL_INLINE L whole_score(const ScoreStrip& s, std::size_t r, std::size_t j, Count count) {
  L x = load<L>(s.scores + r * s.row + j) * s.scale;
  if (s.bias) x += load_first<L>(s.bias + r * s.keys + j, count);
  if (s.mask) x += load_first<L>(s.mask + r * s.keys + j, count);
  return x;
}

// Scores become exp(scale * score + bias - maximum), zero in the padding; inverse[r] is 1 / their sum, log_sum_exp[r]
// (may be null) maximum + log(sum). A row of nothing but -infinity (every key masked) has inverse 0 and log_sum_exp
// infinity: its output and its gradients are zero. `inverse` (first the sums) and `maxima` have room for whole
// registers.
struct HeadSoftmax {
  template <isa I>
  VITRAIL_INLINE static void body(const ScoreStrip* strip, float* inverse, float* maxima, float* log_sum_exp) {
    using L = lane<I>;
    constexpr std::size_t width = L::width;
    constexpr float lowest = -3.40282347e38f;
    const ScoreStrip& s = *strip;
    // With a positive factor the maximum of the raw scores will do, and scaling is one multiplication in the exponent.
    const bool scaled = s.bias || s.mask || s.scale < 0.0f;
    const float factor = scaled ? 1.0f : s.scale;
    // All maxima first: within one row, the exponentials would fill the scheduler while they wait for theirs.
    for (std::size_t r = 0; r < s.rows; ++r) {
      float* row = s.scores + r * s.row;
      if (scaled) {
        each_register<width>(
            s.keys, [&](std::size_t j, auto count) VITRAIL_LAMBDA { store(row + j, whole_score<L>(s, r, j, count)); });
      }
      L top(lowest);
      each_register<width>(s.keys, [&](std::size_t j, auto count) VITRAIL_LAMBDA {
        top = max(top, padded_with(load<L>(row + j), count, lowest));
      });
      maxima[r] = max_of(top);
    }
    const L power(factor * log2_of_e);
    for (std::size_t r = 0; r < s.rows; ++r) {
      float* row = s.scores + r * s.row;
      const L maximum(maxima[r]);
      L sum(0.0f);
      each_register<width>(s.keys, [&](std::size_t j, auto count) VITRAIL_LAMBDA {
        // (x - maximum) first: exact near the maximum, where x * factor - maximum * factor would lose large scores.
        const L e = padded_with(exp2_of_negative((load<L>(row + j) - maximum) * power), count, 0.0f);
        sum += e;
        store(row + j, e);
      });
      inverse[r] = sum_of(sum);
    }
    for (std::size_t r = s.rows; r % width != 0; ++r) inverse[r] = maxima[r] = 1.0f;
    for (std::size_t r = 0; r < s.rows; r += width) {
      const L sum = load<L>(inverse + r);
      const auto masked = sum == L(0.0f);
      store(inverse + r, select(masked, 0.0f, 1.0f / sum));
      if (log_sum_exp) {
        const L value = select(masked, __builtin_inff(), load<L>(maxima + r) * factor + log(sum));
        if (s.rows - r < width) {
          store(log_sum_exp + r, value, s.rows - r);
        } else {
          store(log_sum_exp + r, value);
        }
      }
    }
  }
};

// Row r of a matrix [rows, channels] times factor[r].
struct HeadScaleRows {
  template <isa I>
  VITRAIL_INLINE static void body(float* x, std::ptrdiff_t row, std::size_t rows, std::size_t channels,
                                  const float* factor) {
    using L = lane<I>;
    for (std::size_t r = 0; r < rows; ++r, x += row) {
      const L by(factor[r]);
      std::size_t j = 0;
      for (; j + L::width <= channels; j += L::width) store(x + j, load<L>(x + j) * by);
      if (j < channels) store(x + j, load<L>(x + j, channels - j) * by, channels - j);
    }
  }
};

// The rows of an output and of its gradient, [rows, channels].
struct OutputRows {
  const float* out;
  std::ptrdiff_t out_row;
  const float* gradient;
  std::ptrdiff_t gradient_row;
  std::size_t channels;
};

// From scores S and the gradient dP of the probabilities (both strips alike): S becomes P = exp(scale S + bias -
// log_sum_exp), dP becomes dS = scale P (dP - sum_c out dout), the gradient of the unscaled scores. Padding is zero.
// dots: room for a float per row.
struct HeadSoftmaxGradient {
  template <isa I>
  VITRAIL_INLINE static void body(const ScoreStrip* strip, float* gradients, const OutputRows* output,
                                  const float* log_sum_exp, float* dots) {
    using L = lane<I>;
    constexpr std::size_t width = L::width;
    const ScoreStrip& s = *strip;
    for (std::size_t r = 0; r < s.rows; ++r) {
      const float* out = output->out + static_cast<std::ptrdiff_t>(r) * output->out_row;
      const float* gradient = output->gradient + static_cast<std::ptrdiff_t>(r) * output->gradient_row;
      L products(0.0f);
      each_register<width>(output->channels, [&](std::size_t j, auto count) VITRAIL_LAMBDA {
        products += load_first<L>(out + j, count) * load_first<L>(gradient + j, count);
      });
      dots[r] = sum_of(products);
    }
    const L zero(0.0f), scale(s.scale);
    for (std::size_t r = 0; r < s.rows; ++r) {
      float *row = s.scores + r * s.row, *gradient = gradients + r * s.row;
      const L dot(dots[r]), shift(log_sum_exp[r]);
      each_register<width>(s.keys, [&](std::size_t j, auto count) VITRAIL_LAMBDA {
        L x = whole_score<L>(s, r, j, count);
        // Rounding of huge scores may leave more than zero, and P above one.
        x = min(zero, x - shift);
        const L p = padded_with(exp2_of_negative(x * log2_of_e), count, 0.0f);
        store(row + j, p);
        store(gradient + j, p * (load<L>(gradient + j) - dot) * scale);
      });
    }
  }
};

}  // namespace vitrail::inline VITRAIL_TU::kernels
