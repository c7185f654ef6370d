// cases_einsum.hpp - registry: einsum against a loop over all indices, and attention written out with it.
#pragma once

#include <vitrail/ops/einsum.hpp>
#include <vitrail/ops/matmul.hpp>

#include <map>
#include <string>

#include "cases_rows.hpp"

namespace registry {

// Axes are single letters: `extents` gives theirs. One operand may be the same for all samples.
inline Reference naive_einsum(std::string left, std::string right, std::string result,
                              std::map<char, std::size_t> extents, bool left_batched = true,
                              bool right_batched = true) {
  return [=](const Problem& p) {
    auto size_of = [&](const std::string& axes) {
      std::size_t size = 1;
      for (const char a : axes) size *= extents.at(a);
      return size;
    };
    const Values &x = p.inputs[0], &y = p.inputs.size() > 1 ? p.inputs[1] : x;
    const std::size_t samples = left_batched || right_batched ? p.count : 1;
    Values out(samples * size_of(result));
    std::string all;
    for (const auto& axis : extents) all += axis.first;
    for (std::size_t s = 0; s < samples; ++s) {
      for (std::size_t i = 0; i < size_of(all); ++i) {
        std::map<char, std::size_t> index;
        std::size_t rest = i;
        for (const char a : all) {
          index[a] = rest % extents.at(a);
          rest /= extents.at(a);
        }
        auto at = [&](const std::string& axes, bool batched) {
          std::size_t offset = batched ? s : 0;
          for (const char a : axes) offset = offset * extents.at(a) + index[a];
          return offset;
        };
        out[at(result, true)] += x[at(left, left_batched)] * y[at(right, right_batched)];
      }
    }
    return out;
  };
}

template <class F>
void einsum_cases(const F& run) {
  run(op_case(
      "einsum of heads", {16}, [](auto, auto x, auto y) { return vt::einsum<"h q d, h k d -> h q k">(x, y); },
      naive_einsum("hqd", "hkd", "hqk", {{'h', 2}, {'q', 3}, {'k', 5}, {'d', 7}}), each<2, 3, 7>(), each<2, 5, 7>()));
  run(op_case(
      "einsum with one matrix for all", {16}, [](auto, auto x, auto w) { return vt::einsum<"n d, d e -> e n">(x, w); },
      naive_einsum("nd", "de", "en", {{'n', 3}, {'d', 7}, {'e', 5}}, true, false), each<3, 7>(), once<7, 5>()));
  run(op_case(
      "einsum without a batch", {16}, [](auto, auto x, auto w) { return vt::einsum<"a b, c b -> c a">(x, w); },
      naive_einsum("ab", "cb", "ca", {{'a', 3}, {'b', 7}, {'c', 5}}, false, false), once<3, 7>(), once<5, 7>()));
  run(op_case(
      "einsum, outer product", {16}, [](auto, auto x, auto y) { return vt::einsum<"i, j -> j i">(x, y); },
      naive_einsum("i", "j", "ji", {{'i', 5}, {'j', 7}}), each<5>(), each<7>()));
  run(op_case(
      "einsum, one factor for each row", {16}, [](auto, auto x, auto y) { return vt::einsum<"i j, i -> i j">(x, y); },
      naive_einsum("ij", "i", "ij", {{'i', 5}, {'j', 7}}), each<5, 7>(), each<5>()));
  run(op_case(
      "einsum to a number", {16}, [](auto, auto x, auto y) { return vt::einsum<"i j, i j -> ">(x, y); },
      naive_einsum("ij", "ij", "", {{'i', 5}, {'j', 7}}), each<5, 7>(), each<5, 7>()));
  run(op_case(
      "einsum over two axes", {16}, [](auto, auto x, auto y) { return vt::einsum<"a b c, c b d -> d a">(x, y); },
      naive_einsum("abc", "cbd", "da", {{'a', 2}, {'b', 3}, {'c', 5}, {'d', 7}}), each<2, 3, 5>(), each<5, 3, 7>()));
  run(op_case(
      "einsum of one with itself", {16}, [](auto, auto x) { return vt::einsum<"n d, m d -> n m">(x, x); },
      [](const Problem& p) {
        Values out;
        for (std::size_t s = 0; s < p.count; ++s) {
          for (std::size_t i = 0; i < 9; ++i) {
            double sum = 0;
            for (std::size_t d = 0; d < 7; ++d) {
              sum += p.inputs[0][(s * 3 + i / 3) * 7 + d] * p.inputs[0][(s * 3 + i % 3) * 7 + d];
            }
            out.push_back(sum);
          }
        }
        return out;
      },
      each<3, 7>()));
  run(op_case(
      "einsum, elementwise with one row for all", {16},
      [](auto, auto x, auto w) { return vt::einsum<"n d, d -> n d">(x, w); },
      naive_einsum("nd", "d", "nd", {{'n', 3}, {'d', 35}}, true, false), each<3, 35>(), once<35>()));
  run(op_case(
      "einsum of three, the parameter first, expressions behind it", {16},
      [](auto, auto w, auto x, auto y) { return vt::einsum<"d e, n d, n e -> n">(w, x + x, y * 0.5); },
      [](const Problem& p) {
        Values out(p.count * 3);
        for (std::size_t r = 0; r < out.size(); ++r) {
          for (std::size_t d = 0; d < 5; ++d) {
            for (std::size_t e = 0; e < 7; ++e) {
              out[r] += p.inputs[0][d * 7 + e] * p.inputs[1][r * 5 + d] * p.inputs[2][r * 7 + e];
            }
          }
        }
        return out;
      },
      once<5, 7>(), each<3, 5>(), each<3, 7>()));
  run(op_case(
      "matmul", {16}, [](auto, auto x, auto w) { return vt::matmul(x, w); },
      naive_einsum("ab", "bc", "ac", {{'a', 3}, {'b', 7}, {'c', 5}}, true, false), each<3, 7>(), once<7, 5>()));
  run(op_case(
      "matmul of stacks", {16}, [](auto, auto x, auto y) { return vt::matmul(x, y); },
      naive_einsum("abcd", "bde", "abce", {{'a', 2}, {'b', 3}, {'c', 5}, {'d', 7}, {'e', 4}}), each<2, 3, 5, 7>(),
      each<3, 7, 4>()));
  run(op_case(
      "matmul with a vector", {16}, [](auto, auto x, auto y) { return vt::matmul(x, y) + vt::matmul(y, y); },
      [](const Problem& p) {
        Values out;
        for (std::size_t s = 0; s < p.count; ++s) {
          const double* y = p.inputs[1].data() + 7 * s;
          for (std::size_t i = 0; i < 5; ++i) {
            double sum = 0;
            for (std::size_t k = 0; k < 7; ++k) sum += (p.inputs[0][(s * 5 + i) * 7 + k] + y[k]) * y[k];
            out.push_back(sum);
          }
        }
        return out;
      },
      each<5, 7>(), each<7>()));
  run(op_case(
      "attention written out", {32},
      [](auto, auto x) {
        auto [q, k, v] = vt::heads<2>(x);
        vt::Var p = vt::softmax(vt::einsum<"h q d, h k d -> h q k">(q, k) * vt::rsqrt_of<5>);
        return vt::merge_heads(vt::einsum<"h q k, h k d -> h q d">(p, v));
      },
      naive_attention(4, 2, 5, 4), each<4, 30>({-2, 2})));
}

}  // namespace registry
