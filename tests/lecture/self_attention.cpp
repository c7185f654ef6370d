// self_attention.cpp - what a lecture says about self-attention, each statement beside a control for which it is false.
#include "catch.hpp"

#include <algorithm>
#include <memory>
#include <span>
#include <tuple>
#include <type_traits>

#include <vitrail/autodiff/meta.hpp>
#include <vitrail/inspect/dependence.hpp>
#include <vitrail/nn/block.hpp>
#include <vitrail/ops/concat.hpp>

namespace vt = vitrail;

namespace {

using P = vt::cpu_double;
using Sequence = vt::Shape<5, 8>;
constexpr std::size_t N = Sequence::rows, heads = 2;

// How many operations, one after the other, f takes for a sequence of Tokens.
template <std::size_t Tokens, class F>
std::size_t operations(const F& f) {
  const auto trace = std::make_unique<vt::Trace>();
  vt::Meta<P, false> meta{trace.get()};
  (void)f(meta.input<vt::Shape<Tokens, 24>, true>());
  return trace->operations.size();
}
// h_i = tanh(x_i + h_(i - 1)): every token waits for the one before it.
struct Recurrence {
  template <std::size_t I = 0, class X, class... H>
  auto operator()(const X& x, const H&... h) const {
    if constexpr (I == X::shape::rows) {
      return std::get<I - 1>(std::tuple(h...));
    } else {
      vt::Var row = vt::slice<0, I, I + 1>(x);
      if constexpr (I == 0) {
        vt::Var first = vt::tanh(row);
        return operator()<1>(x, first);
      } else {
        vt::Var next = vt::tanh(row + std::get<I - 1>(std::tuple(h...)));
        return operator()<I + 1>(x, h..., next);
      }
    }
  }
};

// Attention by one head of 8 channels, with each of Q, K and V from its own argument.
const auto attend = [](const auto& q, const auto& k, const auto& v) {
  const auto one_head = [](const auto& x) { return vt::reshape<vt::Shape<1, N, 8>>(x); };
  return vt::attention(one_head(q), one_head(k), one_head(v));
};

}  // namespace

TEST_CASE("self-attention is global after one block: every token depends on every token") {
  CHECK(vt::dependence<vt::Attention<8, heads, P>>(Sequence{}).all());
  CHECK(vt::dependence<vt::Block<8, heads, 16, P>>(Sequence{}).all());
}
TEST_CASE("FFN and layer norm connect no tokens: their dependence is a diagonal") {
  CHECK(vt::dependence<vt::Mlp<8, 16, P>>(Sequence{}).is_diagonal());
  CHECK(vt::dependence<vt::LayerNorm<8, P>>(Sequence{}).is_diagonal());
  CHECK(!vt::dependence<vt::Attention<8, heads, P>>(Sequence{}).is_diagonal());
}
TEST_CASE("Q, K and V are computed from the source: the output depends on it through each of them") {
  const auto through = [](auto which) {
    return vt::dependence(
        [](const auto& x) {
          constexpr int part = decltype(which)::value;
          const auto source = [&x]<int I>(std::integral_constant<int, I>) {
            if constexpr (I == part) {
              return x;
            } else {
              return vt::detach(x);
            }
          };
          return attend(source(std::integral_constant<int, 0>{}), source(std::integral_constant<int, 1>{}),
                        source(std::integral_constant<int, 2>{}));
        },
        Sequence{});
  };
  CHECK(through(std::integral_constant<int, 0>{}).is_diagonal());  // a token's own query
  CHECK(through(std::integral_constant<int, 1>{}).all());
  CHECK(through(std::integral_constant<int, 2>{}).all());
  CHECK(vt::dependence([](const auto& x) { return attend(vt::detach(x), vt::detach(x), vt::detach(x)); }, Sequence{})
            .none());
}
TEST_CASE("all tokens are computed in parallel: a row by itself is the row of all, to the bit") {
  vt::Batch<vt::Shape<N, 24>, P> qkv(1);
  for (std::size_t i = 0; i < qkv.size(); ++i) qkv.data()[i] = vt::normal_at<double>({1, 0, 0}, 0, i);
  const vt::Batch<vt::Shape<N, 8>, P> all = vt::attention<heads>(qkv);
  for (std::size_t i = 0; i < N; ++i) {
    vt::Batch<vt::Shape<N, 24>, P> asked(std::span<const double>(qkv.data(), qkv.size()));
    std::copy_n(qkv.data() + i * 24, 8, asked.data());  // the query of token i in the place of the first
    const vt::Batch<vt::Shape<1, 8>, P> alone = vt::attention_of_first<heads, 1>(asked);
    CHECK(std::equal(alone.data(), alone.data() + 8, all.data() + i * 8));
    CHECK(std::equal(alone.data(), alone.data() + 8, all.data()) == (i == 0));
  }
}
TEST_CASE("the number of operations in a row does not grow with the sequence; that of a recurrence does") {
  const auto attention = [](const auto& x) { return vt::attention<heads>(x); };
  CHECK(operations<4>(attention) == operations<64>(attention));
  CHECK(operations<6>(Recurrence{}) == operations<3>(Recurrence{}) + 3 * 2);
  const vt::Dependence d = vt::dependence(Recurrence{}, vt::Shape<4, 3>{});
  CHECK(d.all());  // the last state: of all tokens, but one after the other
}
