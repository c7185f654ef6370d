// cases_linear.hpp - registry: products with weights, and the patch embedding, which is one.
#pragma once

#include <vitrail/expr/expression.hpp>
#include <vitrail/ops/linear.hpp>
#include <vitrail/ops/low_rank.hpp>
#include <vitrail/ops/low_rank_norm.hpp>
#include <vitrail/ops/patch_embedding.hpp>
#include <vitrail/ops/reduce.hpp>

#include "registry.hpp"

namespace registry {

namespace vt = vitrail;

// y[r, o] = scale sum_i x[r, i] w[o, i] + b[o].
inline Values naive_linear(const Values& x, const Values& w, const Values& b, std::size_t in, double scale = 1) {
  const std::size_t rows = x.size() / in, out = w.size() / in;
  Values y(rows * out);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t o = 0; o < out; ++o) {
      double sum = 0;
      for (std::size_t i = 0; i < in; ++i) sum += x[r * in + i] * w[o * in + i];
      y[r * out + o] = scale * sum + (b.empty() ? 0 : b[o]);
    }
  }
  return y;
}
inline Values add(Values a, const Values& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}
// Image [C, H, W] of each sample, weight [D, C, p, p].
inline Reference naive_patch_embedding(std::size_t channels, std::size_t height, std::size_t width, std::size_t patch) {
  return [=](const Problem& p) {
    const Values &image = p.inputs[0], &weight = p.inputs[1], &bias = p.inputs[2];
    Values out;
    for (std::size_t s = 0; s < p.count; ++s) {
      for (std::size_t y = 0; y < height; y += patch) {
        for (std::size_t x = 0; x < width; x += patch) {
          for (std::size_t d = 0; d < bias.size(); ++d) {
            double sum = bias[d];
            for (std::size_t c = 0; c < channels; ++c) {
              for (std::size_t v = 0; v < patch; ++v) {
                for (std::size_t u = 0; u < patch; ++u) {
                  sum += image[((s * channels + c) * height + y + v) * width + x + u] *
                         weight[((d * channels + c) * patch + v) * patch + u];
                }
              }
            }
            out.push_back(sum);
          }
        }
      }
    }
    return out;
  };
}

template <class F>
void linear_cases(const F& run) {
  run(op_case(
      "linear", {8}, [](auto, auto x, auto w, auto b) { return vt::linear(x, w, b); },
      [](const Problem& p) { return naive_linear(p.inputs[0], p.inputs[1], p.inputs[2], 7); }, each<3, 7>(),
      once<9, 7>(), once<9>()));
  run(op_case(
      "linear of a vector", {8}, [](auto, auto x, auto w, auto b) { return vt::linear(x, w, b); },
      [](const Problem& p) { return naive_linear(p.inputs[0], p.inputs[1], p.inputs[2], 33); }, each<33>(),
      once<1, 33>(), once<1>()));
  run(op_case(
      "linear, wide", {8}, [](auto, auto x, auto w, auto b) { return vt::linear(x, w, b); },
      [](const Problem& p) { return naive_linear(p.inputs[0], p.inputs[1], p.inputs[2], 65); }, each<5, 65>(),
      once<97, 65>(), once<97>()));
  run(op_case(
      "linear without bias, scaled", {8}, [](auto, auto x, auto w) { return vt::linear(x, w, 0.25); },
      [](const Problem& p) { return naive_linear(p.inputs[0], p.inputs[1], {}, 7, 0.25); }, each<2, 3, 7>(),
      once<5, 7>()));
  run(op_case(
      "linear with residual", {8}, [](auto, auto x, auto w, auto b, auto r) { return vt::linear_residual(x, w, b, r); },
      [](const Problem& p) { return add(naive_linear(p.inputs[0], p.inputs[1], p.inputs[2], 7), p.inputs[3]); },
      each<3, 7>(), once<9, 7>(), once<9>(), each<3, 9>()));
}
// Products one after the other, and residuals that are read again.
template <class F>
void linear_chain_cases(const F& run) {
  run(op_case(
      "linear with its input as residual", {8},
      [](auto, auto x, auto w, auto b) { return vt::linear_residual(x, w, b, x); },
      [](const Problem& p) { return add(naive_linear(p.inputs[0], p.inputs[1], p.inputs[2], 7), p.inputs[0]); },
      each<3, 7>(), once<7, 7>(), once<7>()));
  run(op_case(
      "one weight twice", {8}, [](auto, auto x, auto w, auto b) { return vt::linear(vt::linear(x, w, b), w, b); },
      [](const Problem& p) {
        return naive_linear(naive_linear(p.inputs[0], p.inputs[1], p.inputs[2], 7), p.inputs[1], p.inputs[2], 7);
      },
      each<3, 7>(), once<7, 7>(), once<7>()));
  run(op_case(
      "residual read again", {8},
      [](auto, auto x, auto w, auto b) {
        vt::Var h = x * 0.5;
        vt::Var y = vt::linear_residual(vt::evaluate(vt::tanh(h)), w, b, h);
        return y + h;
      },
      [](const Problem& p) {
        Values h = p.inputs[0], t = h;
        for (std::size_t i = 0; i < h.size(); ++i) t[i] = std::tanh(h[i] *= 0.5);
        return add(add(naive_linear(t, p.inputs[1], p.inputs[2], 7), h), h);
      },
      each<3, 7>(), once<7, 7>(), once<7>()));
}
template <class F>
void patch_embedding_cases(const F& run) {
  run(op_case(
      "patch_embedding, 4 pixels", {16}, [](auto, auto x, auto w, auto b) { return vt::patch_embedding(x, w, b); },
      naive_patch_embedding(3, 8, 12, 4), each<3, 8, 12>(), once<5, 3, 4, 4>(), once<5>()));
  run(op_case(
      "patch_embedding, 3 pixels", {16}, [](auto, auto x, auto w, auto b) { return vt::patch_embedding(x, w, b); },
      naive_patch_embedding(2, 6, 9, 3), data<2, 6, 9>(), once<4, 2, 3, 3>(), once<4>()));
}

// y + scale (x A^T) B^T on the columns of the parts that are in `mask`, their matrices one below the other.
inline Reference naive_low_rank(std::size_t in, std::size_t rank, std::size_t out, std::size_t count, unsigned mask,
                                double scale) {
  return [=](const Problem& p) {
    const Values &x = p.inputs[1], &a = p.inputs[2], &b = p.inputs[3];
    Values y = p.inputs[0];
    const std::size_t width = out / count;
    std::size_t q = 0;
    for (std::size_t part = 0; part < count; ++part) {
      if (!(mask >> part & 1u)) continue;
      for (std::size_t r = 0; r < x.size() / in; ++r) {
        for (std::size_t k = 0; k < rank; ++k) {
          double h = 0;
          for (std::size_t i = 0; i < in; ++i) h += x[r * in + i] * a[(q * rank + k) * in + i];
          for (std::size_t o = 0; o < width; ++o) {
            y[r * out + part * width + o] += scale * h * b[(q * width + o) * rank + k];
          }
        }
      }
      ++q;
    }
    return y;
  };
}
template <class F>
void low_rank_cases(const F& run) {
  run(op_case(
      "low_rank", {16}, [](auto, auto y, auto x, auto a, auto b) { return vt::low_rank(y, x, a, b, 0.5); },
      naive_low_rank(7, 2, 9, 1, 1, 0.5), each<3, 9>(), each<3, 7>(), once<2, 7>(), once<9, 2>()));
  run(op_case(
      "low_rank on the outer parts of three", {16},
      [](auto, auto y, auto x, auto a, auto b) {
        return vt::low_rank<vt::parts{3, 5}>(y, x, a, b, 1.5);
      },
      naive_low_rank(20, 3, 51, 3, 5, 1.5), each<5, 51>(), each<5, 20>(), once<6, 20>(), once<34, 3>()));
  run(op_case(
      "low_rank beside a value that is read again, of data", {16},
      [](auto, auto y, auto x, auto a, auto b) {
        return vt::low_rank<vt::parts{2, 2}>(y, x, a, b) * 2 - y;
      },
      [](const Problem& p) {
        Values z = naive_low_rank(6, 1, 4, 2, 2, 1)(p);
        for (std::size_t i = 0; i < z.size(); ++i) z[i] = 2 * z[i] - p.inputs[0][i];
        return z;
      },
      each<2, 3, 4>(), data<2, 3, 6>(), once<1, 6>(), once<2, 1>()));
}
// What DoRA divides by has no gradient: the weight and the matrices are numbers that do not depend on the inputs
// smoothly, the places of the larger of two.
inline Values naive_places(const Values& x) {
  Values places;
  for (std::size_t i = 0; i < x.size(); i += 2) places.push_back(x[i + 1] > x[i] ? 1 : 0);
  return places;
}
template <class F>
void low_rank_norm_cases(const F& run) {
  run(op_case(
      "low_rank_norm", {16},
      [](auto, auto w, auto a, auto b, auto y) {
        vt::Var length =
            vt::apply(vt::LowRankNormOp<9, 20, 2, 3, 6>{1.5}, vt::argmax<2>(w), vt::argmax<2>(a), vt::argmax<2>(b));
        vt::Var nothing = 0.0 * (vt::sum<0, 1, 2>(w) + vt::sum<0, 1, 2>(a) + vt::sum<0, 1, 2>(b));
        return y * length + nothing;
      },
      [](const Problem& p) {
        const Values w = naive_places(p.inputs[0]), a = naive_places(p.inputs[1]), b = naive_places(p.inputs[2]);
        Values z = p.inputs[3];
        for (std::size_t r = 0; r < 6; ++r) {
          double square = 0;
          for (std::size_t i = 0; i < 20; ++i) {
            double v = w[(3 + r) * 20 + i];
            for (std::size_t k = 0; k < 2; ++k) v += 1.5 * b[r * 2 + k] * a[(r / 3 * 2 + k) * 20 + i];
            square += v * v;
          }
          for (std::size_t s = r; s < z.size(); s += 6) z[s] *= std::sqrt(square);
        }
        return z;
      },
      once<9, 20, 2>(), once<4, 20, 2>(), once<6, 2, 2>(), each<6>()));
}

}  // namespace registry
