// lane.cpp - lanes at every instruction set of this machine: counts, selection, shuffles, and the mathematics in ulp.
#include "catch.hpp"

#include "vitrail/backend/lane_math.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

using namespace vitrail;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

std::vector<isa> levels() {
  std::vector<isa> result;
  for (isa level : {isa::base, isa::avx2, isa::avx512})
    if (level <= best_isa() && level >= floor_isa) result.push_back(level);
  return result;
}

struct Exp {
  template <class L>
  VITRAIL_FUNCTION L operator()(const L& x) const {
    return vitrail::exp(x);
  }
  static double exact(double x) { return std::exp(x); }
};
struct Log {
  template <class L>
  VITRAIL_FUNCTION L operator()(const L& x) const {
    return vitrail::log(x);
  }
  static double exact(double x) { return std::log(x); }
};
struct Erf {
  template <class L>
  VITRAIL_FUNCTION L operator()(const L& x) const {
    return vitrail::erf(x);
  }
  static double exact(double x) { return std::erf(x); }
};
struct Tanh {
  template <class L>
  VITRAIL_FUNCTION L operator()(const L& x) const {
    return vitrail::tanh(x);
  }
  static double exact(double x) { return std::tanh(x); }
};
struct Sigmoid {
  template <class L>
  VITRAIL_FUNCTION L operator()(const L& x) const {
    return vitrail::sigmoid(x);
  }
  static double exact(double x) { return 1 / (1 + std::exp(-x)); }
};
struct Sqrt {
  template <class L>
  VITRAIL_FUNCTION L operator()(const L& x) const {
    return vitrail::sqrt(x);
  }
  static double exact(double x) { return std::sqrt(x); }
};

template <class Function>
struct Map {
  template <isa I>
  VITRAIL_INLINE static void body(const float* x, float* y, std::size_t n) {
    using L = lane<I>;
    std::size_t i = 0;
    for (; i + L::width <= n; i += L::width) store(y + i, Function{}(load<L>(x + i)));
    if (i < n) store(y + i, Function{}(load<L>(x + i, n - i)), n - i);
  }
};

template <class Function>
std::vector<float> map(isa level, const std::vector<float>& x) {
  std::vector<float> y(x.size());
  launch<Map<Function>>(level, x.data(), y.data(), x.size());
  return y;
}

// Every 997th float: all exponents, both signs, with enough mantissas of each.
template <class Function>
void check_accuracy(double limit) {
  std::vector<float> x;
  for (std::uint64_t bits = 0; bits < (std::uint64_t(1) << 32); bits += 997) {
    const auto low = static_cast<std::uint32_t>(bits);
    float value;
    std::memcpy(&value, &low, 4);
    if (std::isnormal(value)) x.push_back(value);
  }
  for (isa level : levels()) {
    const std::vector<float> y = map<Function>(level, x);
    double worst = 0;
    float where = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double exact = Function::exact(x[i]);
      const auto rounded = static_cast<float>(exact);
      double error = 0;
      if (std::isnan(rounded))
        error = std::isnan(y[i]) ? 0 : 1e9;
      else if (std::isinf(rounded))
        error = y[i] == rounded ? 0 : 1e9;
      else if (!std::isnormal(rounded))
        error = std::abs(y[i]) < 1.3e-38f ? 0 : 1e9;
      else
        error = std::abs(y[i] - exact) / std::ldexp(1.0, std::ilogb(rounded) - 23);
      if (error > worst) worst = error, where = x[i];
    }
    INFO("level " << static_cast<int>(level) << ", worst at " << where);
    CHECK(worst <= limit);
  }
}

}  // namespace

TEST_CASE("exp, log, erf, tanh, sigmoid and sqrt are close to the exact values", "[lane]") {
  SECTION("exp") { check_accuracy<Exp>(1.05); }
  SECTION("log") { check_accuracy<Log>(1.1); }
  SECTION("erf") { check_accuracy<Erf>(1.2); }
  SECTION("tanh") { check_accuracy<Tanh>(1.35); }
  SECTION("sigmoid") { check_accuracy<Sigmoid>(2.5); }
  SECTION("sqrt") { check_accuracy<Sqrt>(0.5001); }
}

TEST_CASE("the mathematics is right at the edges", "[lane]") {
  for (isa level : levels()) {
    INFO("level " << static_cast<int>(level));
    const std::vector<float> e = map<Exp>(
        level, {infinity, -infinity, not_a_number, 88.72283f, 88.7229f, -87.33f, -88, -1e30f, 1e30f, 0.0f, -0.0f});
    CHECK(e[0] == infinity);
    CHECK(e[1] == 0);
    CHECK(std::isnan(e[2]));
    CHECK(std::isfinite(e[3]));
    CHECK(e[4] == infinity);
    CHECK(e[5] > 0);
    CHECK(e[6] == 0);
    CHECK(e[7] == 0);
    CHECK(e[8] == infinity);
    CHECK(e[9] == 1);
    CHECK(e[10] == 1);
    const std::vector<float> l = map<Log>(level, {infinity, 0.0f, -0.0f, -1, -infinity, not_a_number, 1});
    CHECK(l[0] == infinity);
    CHECK(l[1] == -infinity);
    CHECK(l[2] == -infinity);
    CHECK(std::isnan(l[3]));
    CHECK(std::isnan(l[4]));
    CHECK(std::isnan(l[5]));
    CHECK(l[6] == 0);
    for (const auto& y : {map<Erf>(level, {infinity, -infinity, not_a_number, 0.0f, -0.0f}),
                          map<Tanh>(level, {infinity, -infinity, not_a_number, 0.0f, -0.0f})}) {
      CHECK(y[0] == 1);
      CHECK(y[1] == -1);
      CHECK(std::isnan(y[2]));
      CHECK(y[3] == 0);
      CHECK(!std::signbit(y[3]));
      CHECK(y[4] == 0);
    }
    const std::vector<float> s = map<Sigmoid>(level, {infinity, -infinity, not_a_number, 0, 200, -200});
    CHECK(s[0] == 1);
    CHECK(s[1] == 0);
    CHECK(std::isnan(s[2]));
    CHECK(s[3] == 0.5f);
    CHECK(s[4] == 1);
    CHECK(s[5] == 0);
  }
}

TEST_CASE("float and double are lanes of width one", "[lane]") {
  static_assert(lanes<float>::width == 1 && lanes<double>::width == 1 && lanes<lane<isa::avx2>>::width == 8);
  const double x = 0.3;
  CHECK(load<double>(&x) == 0.3);
  CHECK(load<double>(&x, 0) == 0);
  CHECK(vitrail::sigmoid(x) == Approx(1 / (1 + std::exp(-0.3))));
  CHECK(vitrail::erf(0.3f) == std::erf(0.3f));
  CHECK(select(x > constant<double>(0), x, -x) == 0.3);
  CHECK(vitrail::max(1.0f, 2.0f) == 2);
  CHECK(sum_of(3.0f) == 3);
}

namespace {

// out: load and store with a count, keep, select, max, min, abs; sums: horizontal results.
struct Basics {
  template <isa I>
  VITRAIL_INLINE static void body(const float* in, float* out, float* sums) {
    using L = lane<I>;
    for (std::size_t n = 0; n <= L::width; ++n) store(out + n * 17, load<L>(in, n) + L(1.0f), n);
    const L x = load<L>(in), y = load<L>(in + 16);
    float* p = out + 17 * 17;
    store(p, keep(x, 3, -7.0f));
    store(p + 16, select(x < y && !(x == L(2.0f)), x, y));
    store(p + 32, max(x, y));
    store(p + 48, min(x, y));
    store(p + 64, abs(-x));
    sums[0] = sum_of(x);
    sums[1] = max_of(x);
  }
};

struct Transpose {
  template <isa I>
  VITRAIL_INLINE static void body(const float* in, float* out) {
    using L = lane<I>;
    L square[L::width];
    for (std::size_t i = 0; i < L::width; ++i) square[i] = load<L>(in + i * L::width);
    transpose(square);
    for (std::size_t i = 0; i < L::width; ++i) store(out + i * L::width, square[i]);
    std::int32_t back[L::width];
    for (std::size_t i = 0; i < L::width; ++i) back[i] = static_cast<std::int32_t>(L::width - 1 - i);
    store(out + 256, permute(load<L>(in), back));
    store(out + 272, rotate<1>(load<L>(in)));
  }
};

}  // namespace

TEST_CASE("loads and stores with a count touch nothing else", "[lane]") {
  for (isa level : levels()) {
    const std::size_t width = level == isa::avx512 ? 16 : level == isa::avx2 ? 8 : 4;
    std::vector<float> in(32), out(17 * 17 + 80, -1.0f), sums(2);
    for (std::size_t i = 0; i < 16; ++i) in[i] = static_cast<float>(i) + 1, in[16 + i] = 4.5f;
    launch<Basics>(level, static_cast<const float*>(in.data()), out.data(), sums.data());
    for (std::size_t n = 0; n <= width; ++n)
      for (std::size_t i = 0; i < 17; ++i) CHECK(out[n * 17 + i] == (i < n ? in[i] + 1 : -1.0f));
    const float* p = out.data() + 17 * 17;
    for (std::size_t i = 0; i < width; ++i) {
      CHECK(p[i] == (i < 3 ? in[i] : -7.0f));
      CHECK(p[16 + i] == (in[i] < 4.5f && in[i] != 2 ? in[i] : 4.5f));
      CHECK(p[32 + i] == std::max(in[i], 4.5f));
      CHECK(p[48 + i] == std::min(in[i], 4.5f));
      CHECK(p[64 + i] == in[i]);
    }
    CHECK(sums[0] == static_cast<float>(width * (width + 1)) / 2);
    CHECK(sums[1] == static_cast<float>(width));
    // A load with a count at the very end of an allocation (the address sanitizer looks on).
    const std::vector<float> exact = map<Sqrt>(level, {4.0f, 9.0f, 16.0f});
    CHECK(exact == std::vector<float>{2, 3, 4});
  }
}

TEST_CASE("transpose, permute and rotate move the right elements", "[lane]") {
  for (isa level : levels()) {
    const std::size_t width = level == isa::avx512 ? 16 : level == isa::avx2 ? 8 : 4;
    std::vector<float> in(256), out(288);
    for (std::size_t i = 0; i < 256; ++i) in[i] = static_cast<float>(i);
    launch<Transpose>(level, static_cast<const float*>(in.data()), out.data());
    for (std::size_t i = 0; i < width; ++i) {
      for (std::size_t j = 0; j < width; ++j) CHECK(out[i * width + j] == in[j * width + i]);
      CHECK(out[256 + i] == in[width - 1 - i]);
      CHECK(out[272 + i] == in[(i + 1) % width]);
    }
  }
}
