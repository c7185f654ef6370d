// cases_attention.hpp - registry: attention of separate queries, keys and values, with bias and masks, and in windows.
#pragma once

#include <vitrail/ops/cosine_heads.hpp>
#include <vitrail/ops/linear.hpp>
#include <vitrail/ops/relative_position.hpp>
#include <vitrail/ops/window_attention.hpp>

#include "registry.hpp"

namespace registry {

namespace vt = vitrail;

// Where the naive attention finds element (sample, head, token, channel) of a matrix.
struct NaiveMatrix {
  std::size_t input, first, row, head, sample;
  double at(const Problem& p, std::size_t s, std::size_t h, std::size_t n, std::size_t c) const {
    return p.inputs[input][s * sample + first + n * row + h * head + c];
  }
};
struct NaiveAttention {
  std::size_t heads, queries, keys, d;
  NaiveMatrix q, k, v;
  std::size_t bias = 0;                                             // number of its input; 0: none
  std::function<double(std::size_t, std::size_t)> added = nullptr;  // to the score of query i and key j; null: nothing
  double scale = 0;                                                 // 0: 1 / sqrt(d)
};
// bias_of(i, j): which element of the head's bias the pair takes.
inline Values naive(const Problem& p, const NaiveAttention& a,
                    const std::function<std::size_t(std::size_t, std::size_t)>& bias_of, std::size_t bias_size) {
  const std::size_t C = a.heads * a.d;
  const double scale = a.scale != 0 ? a.scale : 1 / std::sqrt(static_cast<double>(a.d));
  Values out(p.count * a.queries * C);
  for (std::size_t s = 0; s < p.count; ++s) {
    for (std::size_t h = 0; h < a.heads; ++h) {
      for (std::size_t i = 0; i < a.queries; ++i) {
        Values score(a.keys);
        double sum = 0;
        for (std::size_t j = 0; j < a.keys; ++j) {
          for (std::size_t c = 0; c < a.d; ++c) score[j] += a.q.at(p, s, h, i, c) * a.k.at(p, s, h, j, c);
          const double more = a.added ? a.added(i, j) : 0;
          const double bias = a.bias && more > -1e300 ? p.inputs[a.bias][h * bias_size + bias_of(i, j)] : 0;
          sum += score[j] = std::exp(score[j] * scale + bias + more);
        }
        for (std::size_t c = 0; c < a.d; ++c) {
          double value = 0;
          for (std::size_t j = 0; j < a.keys; ++j) value += score[j] / sum * a.v.at(p, s, h, j, c);
          out[(s * a.queries + i) * C + h * a.d + c] = value;
        }
      }
    }
  }
  return out;
}
inline constexpr double hidden = -std::numeric_limits<double>::infinity();
inline Reference naive(const NaiveAttention& a) {
  return [=](const Problem& p) {
    return naive(
        p, a, [&](std::size_t i, std::size_t j) { return i * a.keys + j; }, a.queries * a.keys);
  };
}
// Window attention as attention over the whole map, in which a token sees its window only, on its side of the seam: by
// the positions in the map, not by any table. Of a token at y, the window in a grid that begins at `shift` (the first,
// smaller one is number 0 and no neighbour of the last).
inline std::size_t window_of(std::size_t y, std::size_t window, std::size_t shift) {
  return y < shift ? 0 : 1 + (y - shift) / window;
}
// Where in its window's bias: the rolled position.
inline std::size_t place_of(std::size_t y, std::size_t window, std::size_t shift, std::size_t extent) {
  return (y + extent - shift) % extent % window;
}
// hidden_score: what tokens of one cyclic window get that are not in one rectangle of the map. Prompts, input 2, of
// each sample or one for all, are keys that all tokens see, with no bias.
inline Reference naive_windows(vt::Windows w, std::size_t heads, std::size_t d, double hidden_score = hidden,
                               double scale = 0, std::size_t prompts = 0) {
  return [=](const Problem& given) {
    Problem p = given;
    const std::size_t tokens = w.height * w.width, C = heads * d, M = w.rows * w.columns;
    const std::size_t keys = tokens + prompts, last = p.inputs.size();
    p.inputs.emplace_back();  // keys and values, those of prompts behind the others
    for (std::size_t s = 0; s < p.count; ++s) {
      const auto append = [&](const Values& from, std::size_t rows, std::size_t sample) {
        const auto begin = from.begin() + static_cast<std::ptrdiff_t>(sample * rows * 3 * C);
        p.inputs[last].insert(p.inputs[last].end(), begin, begin + static_cast<std::ptrdiff_t>(rows * 3 * C));
      };
      append(given.inputs[0], tokens, s);
      if (prompts) append(given.inputs[2], prompts, given.inputs[2].size() > prompts * 3 * C ? s : 0);
    }
    p.inputs[1].clear();  // for each head also a bias of zero
    for (std::size_t h = 0; h < heads; ++h) {
      const auto begin = given.inputs[1].begin() + static_cast<std::ptrdiff_t>(h * M * M);
      p.inputs[1].insert(p.inputs[1].end(), begin, begin + static_cast<std::ptrdiff_t>(M * M));
      p.inputs[1].push_back(0);
    }
    NaiveAttention a{heads,
                     tokens,
                     keys,
                     d,
                     {0, 0, 3 * C, d, tokens * 3 * C},
                     {last, C, 3 * C, d, keys * 3 * C},
                     {last, 2 * C, 3 * C, d, keys * 3 * C}};
    const auto window = [=](std::size_t t) {
      return std::pair(window_of(t / w.width, w.rows, w.shift_rows),
                       window_of(t % w.width, w.columns, w.shift_columns));
    };
    const auto cyclic = [=](std::size_t t) {
      return std::pair((t / w.width + w.height - w.shift_rows) % w.height / w.rows,
                       (t % w.width + w.width - w.shift_columns) % w.width / w.columns);
    };
    a.added = [=](std::size_t i, std::size_t j) {
      if (j >= tokens) return 0.0;
      return window(i) == window(j) ? 0.0 : cyclic(i) == cyclic(j) ? hidden_score : hidden;
    };
    a.bias = 1, a.scale = scale;
    const auto place = [=](std::size_t t) {
      return place_of(t / w.width, w.rows, w.shift_rows, w.height) * w.columns +
             place_of(t % w.width, w.columns, w.shift_columns, w.width);
    };
    return naive(
        p, a, [=](std::size_t i, std::size_t j) { return j < tokens ? place(i) * M + place(j) : M * M; }, M * M + 1);
  };
}

template <class F>
void cross_attention_cases(const F& run) {
  run(op_case(
      "attention, q of 3 tokens and kv of 7, 2 heads of 5", {16},
      [](auto, auto q, auto kv) { return vt::attention<2>(q, kv); },
      naive({2, 3, 7, 5, {0, 0, 10, 5, 30}, {1, 0, 20, 5, 140}, {1, 10, 20, 5, 140}}), each<3, 10>({-2, 2}),
      each<7, 20>({-2, 2})));
  run(op_case(
      "attention, q, k and v apart, causal, with a bias", {16},
      [](auto, auto q, auto k, auto v, auto bias) {
        return vt::attention<1>(q, k, v, vt::score_bias(bias, vt::causal));
      },
      naive({1,
             4,
             6,
             8,
             {0, 0, 8, 8, 32},
             {1, 0, 8, 8, 48},
             {2, 0, 8, 8, 48},
             3,
             [](std::size_t i, std::size_t j) { return j > i + 2 ? hidden : 0.0; }}),
      each<4, 8>({-2, 2}), each<6, 8>({-2, 2}), data<6, 8>({-2, 2}), once<1, 4, 6>()));
  run(op_case(
      "attention, heads in an axis", {16}, [](auto, auto q, auto k, auto v) { return vt::attention(q, k, v); },
      naive({3, 4, 5, 4, {0, 0, 4, 16, 48}, {1, 0, 4, 20, 60}, {2, 0, 4, 20, 60}}), data<3, 4, 4>({-2, 2}),
      each<3, 5, 4>({-2, 2}), each<3, 5, 4>({-2, 2})));
  run(op_case(
      "attention, one value as q, k and v", {16}, [](auto, auto x) { return vt::attention<2>(x, x, x); },
      naive({2, 6, 6, 3, {0, 0, 6, 3, 36}, {0, 0, 6, 3, 36}, {0, 0, 6, 3, 36}}), each<6, 6>({-1, 1})));
  run(op_case(
      "attention on qkv, causal", {16}, [](auto, auto x) { return vt::attention<2>(x, vt::causal); },
      naive({2,
             5,
             5,
             4,
             {0, 0, 24, 4, 120},
             {0, 8, 24, 4, 120},
             {0, 16, 24, 4, 120},
             0,
             [](std::size_t i, std::size_t j) { return j > i ? hidden : 0.0; }}),
      each<5, 24>({-2, 2})));
}

inline constexpr vt::Windows plain_windows{4, 6, 2, 3, 0, 0}, shifted_windows{6, 4, 3, 2, 1, 1},
    one_axis_windows{6, 3, 3, 3, 1, 0};
template <class F>
void window_attention_cases(const F& run) {
  run(op_case(
      "window attention, 4 x 6 in windows of 2 x 3", {16},
      [](auto, auto x, auto bias) { return vt::window_attention<2, plain_windows>(x, bias); },
      naive_windows(plain_windows, 2, 4), each<24, 24>({-2, 2}), once<2, 6, 6>()));
  run(op_case(
      "window attention, shifted", {16},
      [](auto, auto x, auto bias) {
        return vt::window_attention<2, shifted_windows>(x, bias, vt::WindowScoring{.scale = 0.7});
      },
      naive_windows(shifted_windows, 2, 4, hidden, 0.7), each<24, 24>({-2, 2}), once<2, 6, 6>()));
  run(op_case(
      "window attention, shifted in one axis, seam 100 less", {16},
      [](auto, auto x, auto bias) {
        return vt::window_attention<1, one_axis_windows>(x, bias, vt::WindowScoring{.mask = vt::seam_mask::minus_100});
      },
      naive_windows(one_axis_windows, 1, 3, -100), each<18, 9>({-2, 2}), once<1, 9, 9>()));
  run(op_case(
      "window attention, shifted, prompts of each image", {16},
      [](auto, auto x, auto bias, auto prompts) {
        return vt::window_attention<2, shifted_windows>(x, bias, prompts, vt::WindowScoring{.scale = 0.7});
      },
      naive_windows(shifted_windows, 2, 4, hidden, 0.7, 3), each<24, 24>({-2, 2}), once<2, 6, 6>(),
      each<3, 24>({-2, 2})));
  run(op_case(
      "window attention, prompts for all images on a map that does not train", {16},
      [](auto, auto x, auto bias, auto prompts) {
        return vt::window_attention<1, one_axis_windows>(x, bias, prompts,
                                                         vt::WindowScoring{.mask = vt::seam_mask::minus_100});
      },
      naive_windows(one_axis_windows, 1, 3, -100, 0, 2), data<18, 9>({-2, 2}), once<1, 9, 9>(), once<2, 9>({-2, 2})));
}

template <class F>
void relative_position_cases(const F& run) {
  run(op_case(
      "relative position bias, windows of 2 x 3, 2 heads", {4},
      [](auto, auto table) { return vt::relative_position_bias<2, 3>(table); },
      [](const Problem& p) {
        Values bias(2 * 6 * 6);
        for (std::size_t h = 0; h < 2; ++h) {
          for (int i = 0; i < 6; ++i) {
            for (int j = 0; j < 6; ++j) {
              const int entry = (i / 3 - j / 3 + 1) * 5 + i % 3 - j % 3 + 2;
              bias[(h * 6 + std::size_t(i)) * 6 + std::size_t(j)] = p.inputs[0][std::size_t(entry) * 2 + h];
            }
          }
        }
        return bias;
      },
      once<15, 2>()));
  run(op_case(
      "log coordinates of windows of 2 x 3", {8},
      [](auto, auto weight) { return vt::linear(vt::log_coordinates<2, 3>(weight, weight, 4), weight); },
      [](const Problem& p) {
        Values y;
        for (const int row : {-1, 0, 1}) {
          for (const int column : {-2, -1, 0, 1, 2}) {
            const auto of = [](int distance) {
              const double t = 8 * std::abs(distance) / 3.0, size = std::log(t + 1) / std::log(8.0);
              return distance < 0 ? -size : size;
            };
            for (std::size_t o = 0; o < 4; ++o) {
              y.push_back(p.inputs[0][2 * o] * of(row) + p.inputs[0][2 * o + 1] * of(column));
            }
          }
        }
        return y;
      },
      once<4, 2>()));
  run(op_case(
      "cosine heads, 2 of 5", {32}, [](auto, auto x, auto logits) { return vt::cosine_heads(x, logits); },
      [](const Problem& p) {
        Values y = p.inputs[0];
        for (std::size_t part = 0; part < y.size() / 5; ++part) {
          const std::size_t which = part % 6 / 2, head = part % 2;
          double squares = 0;
          for (std::size_t c = 0; c < 5; ++c) squares += y[part * 5 + c] * y[part * 5 + c];
          const double scale = which == 0 ? std::exp(std::min(p.inputs[1][head], std::log(100.0))) : 1;
          for (std::size_t c = 0; c < 5 && which < 2; ++c) y[part * 5 + c] *= scale / std::sqrt(squares);
        }
        return y;
      },
      each<3, 30>(), once<2, 1, 1>({3.9, 5.3, 4.6, 0.05})));
}

}  // namespace registry
