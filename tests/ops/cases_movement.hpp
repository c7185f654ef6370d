// cases_movement.hpp - registry: what moves data: rearrange, repeat, permute, slice, pad, concat, stack, embedding.
#pragma once

#include <map>
#include <string>

#include <vitrail/ops/concat.hpp>
#include <vitrail/ops/embedding.hpp>
#include <vitrail/ops/permute.hpp>
#include <vitrail/ops/rearrange.hpp>
#include <vitrail/ops/slice.hpp>

#include "registry.hpp"

namespace registry {

namespace vt = vitrail;

// Axes are single letters, groups do not matter; what is on the right alone is repeated.
inline Reference naive_move(std::string left, std::string right, std::map<char, std::size_t> extents,
                            bool batched = true) {
  return [=](const Problem& p) {
    std::size_t in_size = 1, out_size = 1;
    for (const char a : left) in_size *= extents.at(a);
    for (const char a : right) out_size *= extents.at(a);
    Values out;
    for (std::size_t s = 0; s < (batched ? p.count : 1); ++s) {
      for (std::size_t i = 0; i < out_size; ++i) {
        std::map<char, std::size_t> index;
        std::size_t rest = i, at = 0;
        for (std::size_t k = right.size(); k-- > 0; rest /= extents.at(right[k])) {
          index[right[k]] = rest % extents.at(right[k]);
        }
        for (const char a : left) at = at * extents.at(a) + index[a];
        out.push_back(p.inputs[0][s * in_size + at]);
      }
    }
    return out;
  };
}
// Of samples [outer, whole, inner]: indices first, first + step, .. `extent` of them.
inline Reference naive_slice(std::size_t outer, std::size_t whole, std::size_t inner, std::size_t first,
                             std::size_t extent, std::size_t step = 1, bool batched = true) {
  return [=](const Problem& p) {
    Values out;
    for (std::size_t o = 0; o < (batched ? p.count : 1) * outer; ++o) {
      for (std::size_t i = 0; i < extent * inner; ++i) {
        out.push_back(p.inputs[0][(o * whole + first + i / inner * step) * inner + i % inner]);
      }
    }
    return out;
  };
}
inline Reference naive_pad(std::size_t outer, std::size_t extent, std::size_t inner, std::size_t before,
                           std::size_t after, double value) {
  return [=](const Problem& p) {
    Values out;
    for (std::size_t o = 0; o < p.count * outer; ++o) {
      out.insert(out.end(), before * inner, value);
      for (std::size_t i = 0; i < extent * inner; ++i) out.push_back(p.inputs[0][o * extent * inner + i]);
      out.insert(out.end(), after * inner, value);
    }
    return out;
  };
}
// Operand i is input `which`, [outer, extent, inner] of each sample or of all.
struct Part {
  std::size_t which, extent;
  bool batched = true;
};
inline Reference naive_concat(std::size_t outer, std::size_t inner, std::vector<Part> parts, bool batched = true) {
  return [=](const Problem& p) {
    Values out;
    for (std::size_t s = 0; s < (batched ? p.count : 1); ++s) {
      for (std::size_t o = 0; o < outer; ++o) {
        for (const Part& part : parts) {
          const std::size_t size = part.extent * inner, first = ((part.batched ? s : 0) * outer + o) * size;
          for (std::size_t i = 0; i < size; ++i) out.push_back(p.inputs[part.which][first + i]);
        }
      }
    }
    return out;
  };
}

template <class F>
void rearrange_cases(const F& run) {
  run(op_case(
      "rearrange to patches", {0},
      [](auto, auto x) { return vt::rearrange<"c (h p) (w q) -> (h w) (c p q)", vt::with{.p = 5, .q = 3}>(x); },
      naive_move("chpwq", "hwcpq", {{'c', 2}, {'h', 2}, {'p', 5}, {'w', 3}, {'q', 3}}), each<2, 10, 9>()));
  run(op_case(
      "rearrange to windows", {0},
      [](auto, auto x) { return vt::rearrange<"(y m) (x n) c -> (y x) (m n) c", vt::with{.m = 2, .n = 3}>(x); },
      naive_move("ymxnc", "yxmnc", {{'y', 2}, {'m', 2}, {'x', 2}, {'n', 3}, {'c', 7}}), each<4, 6, 7>()));
  run(op_case(
      "rearrange, squares and what is left of them", {0},
      [](auto, auto x) { return vt::rearrange<"a b c -> c a b">(x); },
      naive_move("abc", "cab", {{'a', 3}, {'b', 37}, {'c', 41}}), each<3, 37, 41>()));
  run(op_case(
      "rearrange, nothing contiguous on both sides", {0},
      [](auto, auto x) { return vt::rearrange<"a b c d -> d b a c">(x); },
      naive_move("abcd", "dbac", {{'a', 3}, {'b', 5}, {'c', 4}, {'d', 7}}), each<3, 5, 4, 7>()));
  run(op_case(
      "rearrange, one for the whole batch", {0}, [](auto, auto x) { return vt::rearrange<"a b 1 -> b a">(x); },
      naive_move("ab", "ba", {{'a', 5}, {'b', 7}}, false), once<5, 7, 1>()));
  run(op_case(
      "rearrange of an expression, and back", {0},
      [](auto, auto x) {
        return vt::rearrange<"(b a) c -> a (b c)", vt::with{.b = 3}>(
            vt::rearrange<"a (b c) -> (b a) c", vt::with{.b = 3}>(-x));
      },
      [](const Problem& p) {
        Values out = p.inputs[0];
        for (double& x : out) x = -x;
        return out;
      },
      each<5, 21>()));
  run(op_case(
      "rearrange that only regroups", {0},
      [](auto, auto x) { return vt::rearrange<"(a b) c -> a (b c)", vt::with{.b = 2}>(x) * 1.0; },
      naive_move("abc", "abc", {{'a', 3}, {'b', 2}, {'c', 5}}), each<6, 5>()));
  run(op_case(
      "reshape, and the value as it was", {4},
      [](auto, auto x, auto y) { return vt::reshape<vt::Shape<3, 10>>(x) * y + vt::reshape<vt::Shape<3, 10>>(x); },
      [](const Problem& p) {
        Values out;
        for (std::size_t i = 0; i < p.inputs[0].size(); ++i) out.push_back(p.inputs[0][i] * (1 + p.inputs[1][i]));
        return out;
      },
      each<6, 5>(), each<3, 10>()));
}
template <class F>
void permute_cases(const F& run) {
  run(op_case(
      "permute", {0}, [](auto, auto x) { return vt::permute<2, 0, 1>(x); },
      naive_move("hwc", "chw", {{'h', 5}, {'w', 7}, {'c', 3}}), each<5, 7, 3>()));
  run(op_case(
      "permute of outer axes", {0}, [](auto, auto x) { return vt::permute<1, 0, 2>(x); },
      naive_move("abc", "bac", {{'a', 5}, {'b', 3}, {'c', 11}}), each<5, 3, 11>()));
  run(op_case(
      "transpose", {0}, [](auto, auto x) { return vt::transpose(x); },
      naive_move("anm", "amn", {{'a', 2}, {'n', 19}, {'m', 35}}), each<2, 19, 35>()));
  run(op_case(
      "transpose, added to its gradient", {2}, [](auto, auto x) { return vt::transpose(x) + vt::transpose(x); },
      [](const Problem& p) {
        Values out = naive_move("nm", "mn", {{'n', 17}, {'m', 6}})(p);
        for (double& x : out) x *= 2;
        return out;
      },
      each<17, 6>()));
  run(op_case(
      "transpose of a row is a reshape", {0}, [](auto, auto x) { return vt::transpose(x) * 1.0; },
      naive_move("nm", "mn", {{'n', 1}, {'m', 6}}), each<1, 6>()));
  run(op_case(
      "transpose, one for the whole batch times data", {1}, [](auto, auto x, auto w) { return x * vt::transpose(w); },
      [](const Problem& p) {
        const Values w = naive_move("nm", "mn", {{'n', 5}, {'m', 7}}, false)({1, {p.inputs[1]}, {}});
        Values out;
        for (std::size_t i = 0; i < p.inputs[0].size(); ++i) out.push_back(p.inputs[0][i] * w[i % 35]);
        return out;
      },
      data<7, 5>(), once<5, 7>()));
}
template <class F>
void repeat_cases(const F& run) {
  run(op_case(
      "repeat along the last axis", {8}, [](auto, auto x) { return vt::repeat<"h w -> h (w r)", vt::with{.r = 3}>(x); },
      naive_move("hw", "hwr", {{'h', 5}, {'w', 7}, {'r', 3}}), each<5, 7>()));
  run(op_case(
      "repeat of pixels", {8},
      [](auto, auto x) { return vt::repeat<"c h w -> c (h r) (w s)", vt::with{.r = 2, .s = 19}>(x); },
      naive_move("chw", "chrws", {{'c', 2}, {'h', 3}, {'w', 5}, {'r', 2}, {'s', 19}}), each<2, 3, 5>()));
  run(op_case(
      "repeat of rows", {8}, [](auto, auto x) { return vt::repeat<"d -> n d", vt::with{.n = 9}>(x); },
      naive_move("d", "nd", {{'n', 9}, {'d', 71}}), each<71>()));
  run(op_case(
      "repeat, one for the whole batch", {8},
      [](auto, auto x) { return vt::repeat<"a b -> b n a m", vt::with{.m = 2, .n = 3}>(x); },
      naive_move("ab", "bnam", {{'a', 4}, {'b', 5}, {'n', 3}, {'m', 2}}, false), once<4, 5>()));
  run(op_case(
      "repeat of a number", {16}, [](auto, auto x) { return vt::repeat<" -> n", vt::with{.n = 33}>(x); },
      naive_move("", "n", {{'n', 33}}), each<>()));
  run(op_case(
      "repeat once is a reshape", {0}, [](auto, auto x) { return vt::repeat<"a -> a n", vt::with{.n = 1}>(x) * 1.0; },
      naive_move("a", "an", {{'a', 5}, {'n', 1}}), each<5>()));
}
template <class F>
void slice_cases(const F& run) {
  run(op_case(
      "slice", {0}, [](auto, auto x) { return vt::slice<1, 2, 6>(x); }, naive_slice(3, 7, 5, 2, 4), each<3, 7, 5>()));
  run(op_case(
      "slice of the last axis", {0}, [](auto, auto x) { return vt::slice<1, 1, 12>(x); }, naive_slice(5, 13, 1, 1, 11),
      each<5, 13>()));
  run(op_case(
      "slice with a step", {0}, [](auto, auto x) { return vt::slice<0, 1, 8, 3>(x); }, naive_slice(1, 9, 5, 1, 3, 3),
      each<9, 5>()));
  run(op_case(
      "slice of the last axis with a step", {0}, [](auto, auto x) { return vt::slice<1, 0, 9, 2>(x); },
      naive_slice(4, 9, 1, 0, 5, 2), each<4, 9>()));
  run(op_case(
      "slice, one for the whole batch", {0}, [](auto, auto x) { return vt::slice<0, 0, 3>(x); },
      naive_slice(1, 5, 7, 0, 3, 1, false), once<5, 7>()));
  run(op_case(
      "slices that overlap", {2}, [](auto, auto x) { return vt::slice<0, 0, 4>(x) + vt::slice<0, 1, 5>(x); },
      [](const Problem& p) {
        Values out = naive_slice(1, 5, 7, 0, 4)(p), other = naive_slice(1, 5, 7, 1, 4)(p);
        for (std::size_t i = 0; i < out.size(); ++i) out[i] += other[i];
        return out;
      },
      each<5, 7>()));
  run(op_case(
      "pad", {0}, [](auto, auto x) { return vt::pad<1, 2, 1>(x, -1.5); }, naive_pad(3, 4, 5, 2, 1, -1.5),
      each<3, 4, 5>()));
  run(op_case(
      "pad of the last axis", {0}, [](auto, auto x) { return vt::pad<1, 0, 3>(x); }, naive_pad(5, 7, 1, 0, 3, 0),
      each<5, 7>()));
}
template <class F>
void concat_cases(const F& run) {
  run(op_case(
      "concat of rows", {0}, [](auto, auto a, auto b) { return vt::concat<0>(a, b); },
      naive_concat(1, 7, {{0, 3}, {1, 2}}), each<3, 7>(), each<2, 7>()));
  run(op_case(
      "concat of columns", {0}, [](auto, auto a, auto b, auto c) { return vt::concat<1>(a, b, c); },
      naive_concat(5, 1, {{0, 3}, {1, 1}, {2, 6}}), each<5, 3>(), data<5, 1>(), each<5, 6>()));
  run(op_case(
      "concat of one with itself", {2}, [](auto, auto x) { return vt::concat<1>(x, x); },
      naive_concat(2, 5, {{0, 3}, {0, 3}}), each<2, 3, 5>()));
  run(op_case(
      "concat with one for the whole batch in front", {8}, [](auto, auto p, auto x) { return vt::concat<0>(p, x); },
      naive_concat(1, 37, {{0, 2, false}, {1, 3}}), once<2, 37>(), each<3, 37>()));
  run(op_case(
      "concat of columns for the whole batch", {8}, [](auto, auto x, auto p) { return vt::concat<1>(x, p); },
      naive_concat(4, 1, {{0, 3}, {1, 2, false}}), each<4, 3>(), once<4, 2>()));
  run(op_case(
      "concat without a batch", {0}, [](auto, auto a, auto b) { return vt::concat<0>(a, b * 1.0); },
      naive_concat(1, 5, {{0, 2}, {1, 3}}, false), once<2, 5>(), once<3, 5>()));
  run(op_case(
      "stack in front", {0}, [](auto, auto a, auto b) { return vt::stack<0>(a, b); },
      naive_concat(1, 15, {{0, 1}, {1, 1}}), each<3, 5>(), each<3, 5>()));
  run(op_case(
      "stack behind", {8}, [](auto, auto a, auto b, auto c) { return vt::stack<2>(a, b, c); },
      naive_concat(15, 1, {{0, 1}, {1, 1, false}, {2, 1}}), each<3, 5>(), once<3, 5>(), data<3, 5>()));
  run(op_case(
      "stack of numbers", {2}, [](auto, auto a, auto b) { return vt::stack<0>(a, b, a); },
      naive_concat(1, 1, {{0, 1}, {1, 1}, {0, 1}}), each<>(), each<>()));
}
template <class F>
void embedding_cases(const F& run) {
  const Reference naive = [](const Problem& p) {
    Values out;
    for (const int label : p.labels) {
      const auto row = p.inputs[0].begin() + 71 * label;
      out.insert(out.end(), row, row + 71);
    }
    return out;
  };
  run(with_labels({3, 0, 3, 4}, op_case(
                                    "embedding", {8}, [](auto labels, auto w) { return vt::embedding(labels, w); },
                                    naive, once<5, 71>())));
  run(with_labels(
      {1, 2}, op_case(
                  "embedding of an expression", {8}, [](auto labels, auto w) { return vt::embedding(labels, w * 1.0); },
                  naive, once<5, 71>())));
}

}  // namespace registry
