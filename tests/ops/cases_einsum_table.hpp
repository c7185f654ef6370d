// cases_einsum_table.hpp - a table of einsum patterns, of one to three operands, with their gradients.
//
// A row is a pattern and a letter for each operand: x is one per sample, w one for the whole batch. A letter of the
// pattern always has the same extent, so the shapes follow. The reference loops over all letters.
#pragma once

#include <vitrail/ops/einsum.hpp>

#include <map>
#include <string>
#include <vector>

#include "checks.hpp"

namespace registry {

namespace vt = vitrail;

// Small ones are small and pairwise different where they meet; capitals are wider than a register.
constexpr std::size_t extent_of(char c) {
  constexpr std::size_t small[26] = {2, 3, 5, 7, 4, 3, 2, 2, 3, 5, 4, 6, 6, 5, 2, 2, 3, 4, 3, 2, 4, 5, 3, 2, 3, 2};
  return c >= 'a' ? small[c - 'a'] : 17 + static_cast<std::size_t>(c - 'A') % 7 * 3;
}
// The shape of operand K of a pattern, group by group.
template <vt::FixedString Text, std::size_t K>
struct TermShape {
  static constexpr auto dims = [] {
    vt::FixedVector<std::size_t, 8> found;
    std::size_t operand = 0;
    bool inside = false;
    for (const char c : Text.view()) {
      if (c == '-') break;
      operand += c == ',';
      if (operand != K || c == ',' || c == ' ') continue;
      if (c == ')') {
        inside = false;
      } else if (c == '(') {
        inside = true;
        found.push_back(1);
      } else if (inside) {
        found[found.size() - 1] *= extent_of(c);
      } else {
        found.push_back(c == '1' ? 1 : extent_of(c));
      }
    }
    return found;
  }();
  template <std::size_t... I>
  static vt::Shape<dims[I]...> of(std::index_sequence<I...>);
  using type = decltype(of(std::make_index_sequence<dims.size()>{}));
};

// The letters of each operand, and of the result as the last one.
inline std::vector<std::string> terms_of(std::string_view text) {
  std::vector<std::string> terms(1);
  for (const char c : text) {
    if (c == ',' || c == '>') terms.emplace_back();
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) terms.back() += c;
  }
  return terms;
}
// Calls f(offsets) for every sample and every value of all letters; offsets has one for each term.
template <class F>
void loop_over_letters(const std::vector<std::string>& terms, const std::vector<bool>& batched, std::size_t count,
                       const F& f) {
  std::string letters;
  for (const std::string& term : terms) {
    for (const char c : term) {
      if (letters.find(c) == std::string::npos) letters += c;
    }
  }
  std::map<char, std::size_t> index;
  for (std::size_t sample = 0; sample < count; ++sample) {
    for (const char c : letters) index[c] = 0;
    for (bool more = true; more;) {
      std::vector<std::size_t> offsets;
      for (std::size_t t = 0; t < terms.size(); ++t) {
        std::size_t offset = batched[t] ? sample : 0;
        for (const char c : terms[t]) offset = offset * extent_of(c) + index[c];
        offsets.push_back(offset);
      }
      f(offsets);
      more = false;
      for (const char c : letters) {
        more = ++index[c] < extent_of(c);
        if (more) break;
        index[c] = 0;
      }
    }
  }
}

struct EinsumAnswer {
  Values out;
  std::vector<Values> gradients;
};
inline EinsumAnswer naive_table_einsum(std::string_view text, std::vector<bool> batched, const Problem& p,
                                       const Values& weights) {
  const auto terms = terms_of(text);
  const std::size_t operands = p.inputs.size();
  const bool any = std::find(batched.begin(), batched.end(), true) != batched.end();
  batched.push_back(any);
  EinsumAnswer answer{Values(weights.size()), {}};
  for (const Values& x : p.inputs) answer.gradients.emplace_back(x.size());
  loop_over_letters(terms, batched, any ? p.count : 1, [&](const std::vector<std::size_t>& at) {
    double product = 1;
    for (std::size_t k = 0; k < operands; ++k) product *= p.inputs[k][at[k]];
    answer.out[at[operands]] += product;
    for (std::size_t k = 0; k < operands; ++k) {
      double others = weights[at[operands]];
      for (std::size_t l = 0; l < operands; ++l) others *= l == k ? 1 : p.inputs[l][at[l]];
      answer.gradients[k][at[k]] += others;
    }
  });
  return answer;
}

template <class P, class C>
void check_row(const C& c, const std::vector<bool>& batched, const typename P::backend& backend) {
  using T = typename P::value;
  for (const std::size_t count : {1u, 3u}) {
    const Problem problem = problem_of(c, count);
    Data<T> data(problem);
    const auto found = run_retaining<P>(c, data, backend);
    const T* drawn = data.weights_for(found.out.size());
    const auto expected = naive_table_einsum(c.name, batched, problem, Values(drawn, drawn + found.out.size()));
    const std::string where = c.name + ", " + backend.name + ", batch of " + std::to_string(count);
    expect_below(where + ", value", distance(found.out, expected.out, -1), 16);
    for (std::size_t k = 0; k < expected.gradients.size(); ++k) {
      expect_below(where + ", gradient " + std::to_string(k), distance(found.gradients[k], expected.gradients[k], -1),
                   32);
    }
  }
}
template <vt::FixedString Text, vt::with Bound, char... Kinds>
void bound_row() {
  [&]<std::size_t... K>(std::index_sequence<K...>) {
    const auto c = op_case(
        std::string(Text.view()), {0}, [](auto, auto... v) { return vt::einsum<Text, Bound>(v...); }, nullptr,
        Input<typename TermShape<Text, K>::type, Kinds == 'x', true>{}...);
    const std::vector<bool> batched{Kinds == 'x' ...};
    check_row<vt::cpu>(c, batched, make_backend<vt::OpenMP>());
    check_row<vt::serial_double>(c, batched, vt::Serial());
  }
  (std::make_index_sequence<sizeof...(Kinds)>{});
}

template <vt::FixedString Text, char... Kinds>
void row() {
  bound_row<Text, vt::with{}, Kinds...>();
}

// Matrix products, in all transpositions; heads.
inline void einsum_products_table() {
  row<"n d, d m -> n m", 'x', 'w'>();
  row<"n d, m d -> n m", 'x', 'w'>();
  row<"d n, d m -> n m", 'x', 'x'>();
  row<"d n, m d -> n m", 'w', 'x'>();
  row<"n d, d m -> m n", 'x', 'x'>();
  row<"n d, m d -> m n", 'x', 'w'>();
  row<"d n, m d -> m n", 'x', 'x'>();
  row<"N D, D M -> N M", 'x', 'w'>();
  row<"N D, M D -> M N", 'x', 'x'>();
  row<"h q d, h k d -> h q k", 'x', 'x'>();
  row<"h q k, h k d -> h q d", 'x', 'x'>();
  row<"q h d, k h d -> h q k", 'x', 'x'>();
  row<"h q k, k h d -> q h d", 'x', 'x'>();
  row<"h q k, h k d -> q (h d)", 'x', 'x'>();
  bound_row<"q (h d), k (h d) -> h q k", vt::with{.h = 2}, 'x', 'x'>();
  row<"n (h d), h d m -> n m", 'x', 'w'>();
  row<"n h d, h d m -> n m", 'w', 'x'>();
  row<"c h w, m c -> m h w", 'x', 'w'>();
  row<"h w c, c m -> h w m", 'x', 'w'>();
  row<"i d, j d -> i j", 'w', 'w'>();
}
// Vectors, sums of one operand, numbers, outer products and what is elementwise.
inline void einsum_loops_table() {
  row<"i j, j -> i", 'x', 'x'>();
  row<"i j, i -> j", 'x', 'w'>();
  row<"i j, j -> i", 'w', 'x'>();
  row<"I J, J -> I", 'x', 'x'>();
  row<"i, i ->", 'x', 'x'>();
  row<"I, I ->", 'x', 'w'>();
  row<"i j, j i ->", 'x', 'x'>();
  row<"i, j -> i j", 'x', 'x'>();
  row<"i, j -> j i", 'x', 'w'>();
  row<"a b, c d -> a c b d", 'x', 'x'>();
  row<", i -> i", 'x', 'w'>();
  row<"i, -> i", 'w', 'x'>();
  row<", ->", 'x', 'x'>();
  row<"n d, n d -> n d", 'x', 'x'>();
  row<"n d, d -> n d", 'x', 'w'>();
  row<"n d, n -> n d", 'x', 'x'>();
  row<"N D, D -> N D", 'x', 'w'>();
  row<"n d, d n -> n d", 'x', 'x'>();
  row<"n d, d n -> d n", 'x', 'w'>();
  row<"a b c, a c -> a b c", 'x', 'w'>();
  row<"a b c, b -> c b a", 'x', 'x'>();
  row<"i k h, j k h -> i j h", 'x', 'x'>();
  row<"i H, i H -> H", 'x', 'w'>();
  row<"n d, n d -> n", 'x', 'x'>();
  row<"s i, j -> i j", 'x', 'x'>();
  row<"s i, t j -> i j", 'x', 'w'>();
  row<"s k i, k j -> i j", 'x', 'w'>();
  row<"a b i, b a j -> i j", 'x', 'x'>();
  row<"a b, c -> b", 'x', 'x'>();
  bound_row<"(n m) 1 d, d -> (m n)", vt::with{.n = 5}, 'x', 'w'>();
}
// One operand and three.
inline void einsum_counts_table() {
  row<"i j -> j i", 'x'>();
  row<"i j -> i", 'x'>();
  row<"i j -> j", 'w'>();
  row<"i j ->", 'x'>();
  row<"a b c -> c a", 'x'>();
  bound_row<"N (h d) -> h N d", vt::with{.d = 7}, 'x'>();
  row<"a b, b c, c d -> a d", 'x', 'w', 'w'>();
  row<"a b, b c, c d -> d a", 'w', 'x', 'w'>();
  row<"n d, d e, n e -> n", 'x', 'w', 'x'>();
  row<"n i, o i j, n j -> n o", 'x', 'w', 'x'>();
  row<"i, j, k -> i j k", 'x', 'x', 'x'>();
  row<"i, i, i ->", 'x', 'w', 'x'>();
  row<"i j, i j, i j -> i j", 'x', 'x', 'w'>();
  row<"h q d, h k d, h k e -> h q e", 'x', 'x', 'x'>();
  row<"n d, r d, m r -> n m", 'x', 'w', 'w'>();
  row<"N D, r D, M r -> N M", 'x', 'w', 'w'>();
  row<"a, b, -> a b", 'w', 'x', 'x'>();
}

}  // namespace registry
