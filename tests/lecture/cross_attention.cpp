// cross_attention.cpp - what the lecture states about cross-attention: Q from the target, K and V from the source,
// between sequences. The shape that is wrong does not compile: compile_fail/cross_attention_query_from_source.cpp.
#include "catch.hpp"

#include <vitrail/inspect/dependence.hpp>
#include <vitrail/nn/accepts.hpp>
#include <vitrail/nn/cross_attention.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace vt = vitrail;

namespace {

using P = vt::cpu_double;
using Target = vt::Shape<4, 6>;
using Source = vt::Shape<5, 8>;
using Cross = vt::CrossAttention<6, 8, 2, P>;
static_assert(std::is_same_v<vt::output_shape<Cross, Target, Source>, Target>);

const auto attend = [](const auto& q, const auto& kv) { return vt::attention<2>(q, kv); };
template <class S>
vt::Batch<S, P> drawn(std::uint64_t seed) {
  vt::Batch<S, P> x(1);
  for (std::size_t i = 0; i < x.size(); ++i) x.data()[i] = vt::normal_at<double>({seed, 0, 0}, 0, i);
  return x;
}
template <class S>
vt::Batch<S, P> rows_in_order(const vt::Batch<S, P>& x, const std::vector<std::size_t>& order) {
  vt::Batch<S, P> y(1);
  for (std::size_t i = 0; i < order.size(); ++i)
    std::copy_n(x.data() + order[i] * S::last, S::last, y.data() + i * S::last);
  return y;
}

}  // namespace

TEST_CASE("cross-attention is between sequences: a target token sees itself alone of its own, and all of the source") {
  const auto [of_target, of_source] = vt::dependence<Cross>(Target{}, Source{});
  CHECK(of_target.is_diagonal());
  CHECK(of_source.all());
  // The control: with the source as the target, self-attention, it sees all of its own.
  CHECK(vt::dependence<vt::Attention<6, 2, P>>(Target{}).all());
}
TEST_CASE("K and V come from the source: without its gradient nothing of it is left, and Q stays") {
  const auto [q, kv] = vt::dependence([](const auto& x, const auto& y) { return attend(x, vt::detach(y)); },
                                      vt::Shape<4, 6>{}, vt::Shape<5, 12>{});
  CHECK(q.is_diagonal());
  CHECK(kv.none());
}
TEST_CASE("the order of the source does not matter, that of the target does") {
  const auto q = drawn<vt::Shape<4, 6>>(1);
  const auto kv = drawn<vt::Shape<5, 12>>(2);
  const vt::Batch<vt::Shape<4, 6>, P> y = attend(q, kv);
  const auto close = [](const auto& a, const auto& b) {
    return std::equal(a.data(), a.data() + a.size(), b.data(),
                      [](double x, double z) { return std::abs(x - z) < 1e-12; });
  };
  const vt::Batch<vt::Shape<4, 6>, P> of_permuted_source = attend(q, rows_in_order(kv, {3, 1, 4, 0, 2}));
  CHECK(close(of_permuted_source, y));
  const vt::Batch<vt::Shape<4, 6>, P> of_permuted_target = attend(rows_in_order(q, {2, 0, 3, 1}), kv);
  CHECK(close(of_permuted_target, rows_in_order(y, {2, 0, 3, 1})));
  CHECK(!close(of_permuted_target, y));
}
