// cases_tokens.hpp - registry: class token and positions, pooling, dropout and drop path.
#pragma once

#include <vitrail/expr/expression.hpp>
#include <vitrail/ops/dropout.hpp>
#include <vitrail/ops/tokens.hpp>

#include "registry.hpp"

namespace registry {

namespace vt = vitrail;

// Rows of `width`, `tokens` of them per sample: the mean of those from `first` to `last`.
inline Reference naive_mean(std::size_t tokens, std::size_t width, std::size_t first, std::size_t last) {
  return [=](const Problem& p) {
    Values out;
    for (std::size_t s = 0; s < p.count; ++s) {
      for (std::size_t j = 0; j < width; ++j) {
        double sum = 0;
        for (std::size_t n = first; n < last; ++n) sum += p.inputs[0][(s * tokens + n) * width + j];
        out.push_back(sum / static_cast<double>(last - first));
      }
    }
    return out;
  };
}
// The documented layout: counter {element / 4, sample in the global batch, step, site}, word element % 4, its upper 24
// bits as a float; what is below the rate is dropped. Site 0: the first operation on the tape.
inline Reference naive_drop(std::size_t size, double rate, bool whole_samples) {
  return [=](const Problem& p) {
    Values out = p.inputs[0];
    for (std::size_t i = 0; i < out.size(); ++i) {
      const std::size_t element = whole_samples ? 0 : i % size;
      const auto words =
          vt::philox(stream.seed, {{static_cast<std::uint32_t>(element / 4),
                                    first_sample + static_cast<std::uint32_t>(i / size), stream.step, 0}});
      const double uniform = static_cast<double>(words.v[element % 4] >> 8) / 16777216;
      out[i] = uniform < rate ? 0 : out[i] / (1 - rate);
    }
    return out;
  };
}

template <class F>
void token_cases(const F& run) {
  run(op_case(
      "embed_tokens", {2}, [](auto, auto x, auto token, auto position) { return vt::embed_tokens(x, token, position); },
      [](const Problem& p) {
        Values out;
        for (std::size_t s = 0; s < p.count; ++s) {
          for (std::size_t i = 0; i < 5 * 7; ++i) {
            out.push_back((i < 7 ? p.inputs[1][i] : p.inputs[0][s * 28 + i - 7]) + p.inputs[2][i]);
          }
        }
        return out;
      },
      each<4, 7>(), once<1, 1, 7>(), once<1, 5, 7>()));
  run(op_case(
      "first_token", {0}, [](auto, auto x) { return vt::first_token(x); }, naive_mean(5, 7, 0, 1), each<5, 7>()));
  run(op_case(
      "first_tokens", {0}, [](auto, auto x) { return vt::first_tokens<2>(x); },
      [](const Problem& p) {
        Values out;
        for (std::size_t i = 0; i < p.inputs[0].size(); ++i) {
          if (i % 35 < 14) out.push_back(p.inputs[0][i]);
        }
        return out;
      },
      each<5, 7>()));
  run(op_case(
      "first_tokens, all of them, and the first", {2},
      [](auto, auto x) { return vt::first_tokens<3>(x) * vt::first_token(x); },
      [](const Problem& p) {
        Values out = p.inputs[0];
        for (std::size_t i = 0; i < out.size(); ++i) out[i] *= p.inputs[0][i / 12 * 12 + i % 4];
        return out;
      },
      each<3, 4>()));
  run(op_case(
      "first_token and the rest", {4}, [](auto, auto x) { return vt::first_token(x) * vt::mean_tokens(x, 1); },
      [](const Problem& p) {
        Values out = naive_mean(5, 7, 0, 1)(p), rest = naive_mean(5, 7, 1, 5)(p);
        for (std::size_t i = 0; i < out.size(); ++i) out[i] *= rest[i];
        return out;
      },
      each<5, 7>()));
  run(op_case(
      "mean_tokens", {4}, [](auto, auto x) { return vt::mean_tokens(x); }, naive_mean(5, 33, 0, 5), each<5, 33>()));
  run(op_case(
      "mean_tokens without the first", {4}, [](auto, auto x) { return vt::mean_tokens(x, 1); }, naive_mean(6, 7, 1, 6),
      each<6, 7>()));
  run(op_case(
      "dropout", {2}, [](auto, auto x) { return vt::dropout(x, 0.3); }, naive_drop(35, 0.3, false), each<5, 7>()));
  run(op_case(
      "drop_path", {2}, [](auto, auto x) { return vt::drop_path(x, 0.4); }, naive_drop(35, 0.4, true), each<5, 7>()));
  run(op_case(
      "dropout twice", {2},
      [](auto, auto x) {
        vt::Var first = vt::dropout(x, 0.3);  // in this order: operands of + may be computed in any
        return first + vt::dropout(x, 0.0);
      },
      [](const Problem& p) {
        Values out = naive_drop(6, 0.3, false)(p);
        for (std::size_t i = 0; i < out.size(); ++i) out[i] += p.inputs[0][i];
        return out;
      },
      each<6>()));
}

}  // namespace registry
