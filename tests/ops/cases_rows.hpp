// cases_rows.hpp - registry: what works on whole rows: softmax, layer norm, attention, cross-entropy.
#pragma once

#include <vitrail/expr/expression.hpp>
#include <vitrail/ops/attention.hpp>
#include <vitrail/ops/cross_entropy.hpp>
#include <vitrail/ops/heads.hpp>
#include <vitrail/ops/layer_norm.hpp>
#include <vitrail/ops/softmax.hpp>

#include "registry.hpp"

namespace registry {

namespace vt = vitrail;

inline Reference naive_softmax(std::size_t width) {
  return [=](const Problem& p) {
    Values y = p.inputs[0];
    for (std::size_t r = 0; r < y.size(); r += width) {
      double sum = 0;
      for (std::size_t j = 0; j < width; ++j) sum += std::exp(y[r + j]);
      for (std::size_t j = 0; j < width; ++j) y[r + j] = std::exp(y[r + j]) / sum;
    }
    return y;
  };
}
inline Reference naive_layer_norm(std::size_t width, double eps) {
  return [=](const Problem& p) {
    Values y = p.inputs[0];
    for (std::size_t r = 0; r < y.size(); r += width) {
      double mean = 0, variance = 0;
      for (std::size_t j = 0; j < width; ++j) mean += y[r + j] / static_cast<double>(width);
      for (std::size_t j = 0; j < width; ++j)
        variance += (y[r + j] - mean) * (y[r + j] - mean) / static_cast<double>(width);
      for (std::size_t j = 0; j < width; ++j) {
        y[r + j] = (y[r + j] - mean) / std::sqrt(variance + eps) * p.inputs[1][j] + p.inputs[2][j];
      }
    }
    return y;
  };
}
// qkv [N, 3 C] of each sample, columns which * C + head * d + channel.
inline Reference naive_attention(std::size_t tokens, std::size_t heads, std::size_t d, std::size_t queries) {
  return [=](const Problem& p) {
    const std::size_t C = heads * d;
    Values out(p.count * queries * C);
    for (std::size_t s = 0; s < p.count; ++s) {
      for (std::size_t h = 0; h < heads; ++h) {
        auto at = [&](std::size_t which, std::size_t n, std::size_t c) {
          return p.inputs[0][(s * tokens + n) * 3 * C + which * C + h * d + c];
        };
        for (std::size_t q = 0; q < queries; ++q) {
          Values score(tokens);
          double sum = 0;
          for (std::size_t k = 0; k < tokens; ++k) {
            for (std::size_t c = 0; c < d; ++c) score[k] += at(0, q, c) * at(1, k, c);
            sum += score[k] = std::exp(score[k] / std::sqrt(static_cast<double>(d)));
          }
          for (std::size_t c = 0; c < d; ++c) {
            double value = 0;
            for (std::size_t k = 0; k < tokens; ++k) value += score[k] / sum * at(2, k, c);
            out[(s * queries + q) * C + h * d + c] = value;
          }
        }
      }
    }
    return out;
  };
}
inline Reference naive_cross_entropy(std::size_t classes, double smoothing, int ignored) {
  return [=](const Problem& p) {
    double loss = 0, valid = 0;
    for (std::size_t s = 0; s < p.count; ++s) {
      if (p.labels[s] == ignored) continue;
      const double* z = p.inputs[0].data() + s * classes;
      double sum = 0;
      for (std::size_t c = 0; c < classes; ++c) sum += std::exp(z[c]);
      for (std::size_t c = 0; c < classes; ++c) {
        const double target =
            (static_cast<int>(c) == p.labels[s] ? 1 - smoothing : 0) + smoothing / static_cast<double>(classes);
        loss -= target * (z[c] - std::log(sum));
      }
      ++valid;
    }
    return Values{valid > 0 ? loss / valid : 0};
  };
}

template <class F>
void softmax_cases(const F& run) {
  auto softmax = [](auto, auto x) { return vt::softmax(x); };
  auto norm = [](auto, auto x, auto w, auto b) { return vt::layer_norm(x, w, b, 1e-5); };
  run(op_case("softmax", {10}, softmax, naive_softmax(9), each<3, 9>({-4, 4})));
  run(op_case("softmax of one", {10}, softmax, naive_softmax(1), each<1>()));
  run(op_case("softmax, odd and wide", {10}, softmax, naive_softmax(133), each<2, 133>({-4, 4})));
  run(op_case("softmax of large numbers", {300}, softmax, naive_softmax(7), each<7>({80, 100})));
  run(op_case("layer_norm", {16}, norm, naive_layer_norm(7, 1e-5), each<3, 7>(), once<7>(), once<7>()));
  run(op_case("layer_norm, odd and wide", {16}, norm, naive_layer_norm(133, 1e-5), each<133>(), once<133>(),
              once<133>()));
  run(op_case(
      "layer_norm twice with one weight", {32},
      [](auto, auto x, auto w) { return vt::layer_norm(vt::layer_norm(x, w, w, 1e-5), w, w, 1e-5); },
      [](const Problem& p) {
        Problem twice{p.count, {p.inputs[0], p.inputs[1], p.inputs[1]}, p.labels};
        twice.inputs[0] = naive_layer_norm(7, 1e-5)(twice);
        return naive_layer_norm(7, 1e-5)(twice);
      },
      each<3, 7>(), once<7>({0.5, 1.5})));
}
template <class F>
void attention_cases(const F& run) {
  run(op_case(
      "attention, 2 heads of 5", {16}, [](auto, auto x) { return vt::attention<2>(x); }, naive_attention(4, 2, 5, 4),
      each<4, 30>({-2, 2})));
  run(op_case(
      "attention, 3 heads of 8", {16}, [](auto, auto x) { return vt::attention<3>(x); }, naive_attention(5, 3, 8, 5),
      each<5, 72>({-2, 2})));
  run(op_case(
      "attention, 1 head of 16", {16}, [](auto, auto x) { return vt::attention<1>(x); }, naive_attention(37, 1, 16, 37),
      each<37, 48>({-2, 2})));
  run(op_case(
      "attention, 1 token", {16}, [](auto, auto x) { return vt::attention<2>(x); }, naive_attention(1, 2, 3, 1),
      each<1, 18>({-2, 2})));
  run(op_case(
      "attention of the first of 5 tokens", {16}, [](auto, auto x) { return vt::attention_of_first<3, 1>(x); },
      naive_attention(5, 3, 8, 1), each<5, 72>({-2, 2})));
  run(op_case(
      "attention of the first 2, twice", {16},
      [](auto, auto x) { return vt::attention_of_first<2, 2>(x) + 2.0 * vt::attention_of_first<2, 2>(x); },
      [](const Problem& p) {
        Values out = naive_attention(4, 2, 5, 2)(p);
        for (double& y : out) y *= 3;
        return out;
      },
      each<4, 30>({-2, 2})));
}
template <class F>
void heads_cases(const F& run) {
  run(op_case(
      "heads", {8},
      [](auto, auto x) {
        auto [q, k, v] = vt::heads<2>(x);
        vt::Var mixed = q * k + v * q;
        return vt::merge_heads(mixed);
      },
      [](const Problem& p) {
        Values out;
        for (std::size_t r = 0; r < p.inputs[0].size(); r += 30) {
          for (std::size_t c = 0; c < 10; ++c) {
            const double q = p.inputs[0][r + c], k = p.inputs[0][r + 10 + c], v = p.inputs[0][r + 20 + c];
            out.push_back(q * k + v * q);
          }
        }
        return out;
      },
      each<3, 30>()));
  run(op_case(
      "heads, one part of them", {0},
      [](auto, auto x) {
        auto [a, b] = vt::heads<3, 2>(x);
        return a;
      },
      [](const Problem& p) {  // [N, 2 H d] -> [H, N, d]
        Values out;
        for (std::size_t s = 0; s < p.count; ++s) {
          for (std::size_t h = 0; h < 3; ++h) {
            for (std::size_t n = 0; n < 4; ++n) {
              for (std::size_t c = 0; c < 5; ++c) out.push_back(p.inputs[0][(s * 4 + n) * 30 + h * 5 + c]);
            }
          }
        }
        return out;
      },
      each<4, 30>()));
}
template <class F>
void loss_cases(const F& run) {
  run(with_labels({2, 0, 8, 1, 4},
                  op_case(
                      "cross_entropy", {8, 1}, [](auto labels, auto z) { return vt::cross_entropy(z, labels); },
                      naive_cross_entropy(9, 0, -100), each<9>({-4, 4}))));
  run(with_labels({2, -1, 8}, op_case(
                                  "cross_entropy, smoothed, with ignored samples", {8, 1},
                                  [](auto labels, auto z) {
                                    return vt::cross_entropy(z, labels, {.label_smoothing = 0.1, .ignore_index = -1});
                                  },
                                  naive_cross_entropy(33, 0.1, -1), each<33>({-4, 4}))));
  run(with_labels(
      {-100}, op_case(
                  "cross_entropy, all ignored", {0}, [](auto labels, auto z) { return vt::cross_entropy(z, labels); },
                  naive_cross_entropy(9, 0, -100), each<9>({-4, 4}))));
  run(with_labels(
      {0}, op_case(
               "cross_entropy of one class", {8, 1}, [](auto labels, auto z) { return vt::cross_entropy(z, labels); },
               naive_cross_entropy(1, 0, -100), each<1>())));
  run(with_labels({0, 1}, op_case(
                              "two losses", {8, 1},
                              [](auto labels, auto z, auto y) {
                                return vt::cross_entropy(z, labels) + vt::cross_entropy(y, labels) * 0.5;
                              },
                              [](const Problem& p) {
                                const auto loss = naive_cross_entropy(5, 0, -100);
                                return Values{loss(p)[0] + 0.5 * loss({p.count, {p.inputs[1]}, p.labels})[0]};
                              },
                              each<5>(), each<5>())));
}

}  // namespace registry
