// reduce_kinds.cpp - the reductions that are not sums, and what they do at ties, NaN and infinity.
#include "cases_reduce.hpp"
#include "checks.hpp"

VITRAIL_TEST_CASES(reduce_kinds, registry::reduce_kind_cases)

using namespace registry;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity(), not_a_number = std::numeric_limits<double>::quiet_NaN();

// The result of `f` for one sample x, and the gradient of its sum with respect to x.
template <std::size_t... E, class F>
std::pair<Values, Values> with_gradient(const F& f, const Values& x) {
  const vt::OpenMP backend;
  vt::Tape<vt::cpu, true> tape(backend);
  tape.begin(1);
  const std::vector<float> in(x.begin(), x.end());
  const auto v = tape.template tracked_input<vt::Shape<E...>, false>(in.data());
  vt::Var y = f(v);
  vt::Var loss = vt::sum(y);
  tape.backward(loss);
  const float* g = tape.gradient(v);
  return {{y.data, y.data + decltype(y)::shape::size}, {g, g + x.size()}};
}

}  // namespace

TEST_CASE("reduce: the first of several maxima has the gradient") {
  const auto run = [](auto x) { return vt::max<1>(x); };
  const auto lanes = [](auto x) { return vt::min<0>(x); };
  CHECK(with_gradient<2, 3>(run, {1, 4, 4, 2, 2, 2}).second == Values{0, 1, 0, 1, 0, 0});
  CHECK(with_gradient<3, 2>(lanes, {1, 4, 1, 2, 0, 2}).second == Values{0, 0, 0, 1, 1, 0});
  CHECK(with_gradient<2, 20>(run, Values(40, -inf)).second[20] == 1);
}

TEST_CASE("reduce: NaN and infinity") {
  const auto run = [](auto x) { return vt::max<1>(x); };
  const auto lanes = [](auto x) { return vt::max<0>(x); };
  for (std::size_t at : {0, 5, 16, 36}) {
    Values x(37, 1.0);
    x[at] = not_a_number;
    for (const auto& [y, g] : {with_gradient<1, 37>(run, x), with_gradient<37, 1>(lanes, x)}) {
      CHECK(std::isnan(y[0]));
      CHECK(g[at] == 1);
      CHECK(std::count(g.begin(), g.end(), 0.0) == 36);
    }
  }
  const auto lse = [](auto x) { return vt::logsumexp<1>(x); };
  const auto lse_lanes = [](auto x) { return vt::logsumexp<0>(x); };
  for (const auto& [y, g] :
       {with_gradient<1, 3>(lse, {-inf, -inf, -inf}), with_gradient<3, 1>(lse_lanes, {-inf, -inf, -inf})}) {
    CHECK(y[0] == -inf);
    CHECK(g == Values{0, 0, 0});
  }
  CHECK(with_gradient<1, 3>(lse, {-inf, 0, -inf}).first[0] == 0);
  CHECK(with_gradient<1, 3>(lse, {inf, 0, -inf}).first[0] == inf);
}

TEST_CASE("reduce: a norm of zero has a gradient of zero, a variance needs enough values") {
  CHECK(with_gradient<2, 3>([](auto x) { return vt::norm<1>(x); }, {0, 0, 0, 0, 2, 0}).second ==
        Values{0, 0, 0, 0, 1, 0});
  CHECK(with_gradient<3, 2>([](auto x) { return vt::norm<0>(x); }, {0, 0, 0, -2, 0, 0}).second ==
        Values{0, 0, 0, -1, 0, 0});
  CHECK_THROWS_WITH(with_gradient<3>([](auto x) { return vt::var(x, {.correction = 3}); }, {1, 2, 3}),
                    Catch::Contains("var") && Catch::Contains("found 3"));
  CHECK_THROWS_AS((with_gradient<3, 1>([](auto x) { return vt::var<1>(x); }, {1, 2, 3})), vt::shape_error);
}

TEST_CASE("reduce: argmax takes the first, and is not tracked") {
  const auto with_argmax = [](auto x) {
    vt::Var k = vt::argmax<1>(x);
    static_assert(!decltype(k)::tracked);
    return k + vt::sum<1>(x) * 0.0;
  };
  CHECK(with_gradient<3, 3>(with_argmax, {1, 4, 4, 5, 2, 2, 0, not_a_number, 7}).first[0] == 1);
}
