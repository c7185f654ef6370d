// attention.cpp - fused attention, forward and backward, against sums in double: ragged shapes, strides, bias, all
// levels.
#include "catch.hpp"

#include "vitrail/backend/kernels/attention.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

using namespace vitrail;

namespace {

constexpr float eps = std::numeric_limits<float>::epsilon();
constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float canary = -12345.0f;

// The same numbers everywhere: an LCG's upper bits, in [-1, 1).
struct Numbers {
  std::uint64_t state = 1;
  float next() {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<float>(static_cast<std::int32_t>(state >> 32)) * 0x1p-31f;
  }
  void fill(std::vector<float>& values, float size = 1) {
    for (float& value : values) value = size * next();
  }
};

struct Sizes {
  std::size_t batch = 1, heads = 1, queries = 1, keys = 1, channels = 1;
  bool fused = false, bias = false, add = false;
};

// All arrays of one attention. Fused: q, k and v are columns of one [tokens, 3 * heads * channels] (queries == keys),
// out is [tokens, heads * channels]. Else every matrix stands alone, per head, with three floats behind each row.
struct Case {
  Sizes s;
  std::vector<float> q, k, v, out, out_gradient, q_gradient, k_gradient, v_gradient, bias, log_sum_exp;
  kernels::Attention<float> a;
  kernels::AttentionGradient<float> g;

  explicit Case(const Sizes& sizes, std::uint64_t seed = 1, float size = 1) : s(sizes) {
    const std::size_t many = s.batch * s.heads, gap = s.channels + 3;
    Numbers numbers{seed};
    if (s.fused) {
      q.resize(s.batch * s.queries * 3 * s.heads * s.channels);
      out.resize(s.batch * s.queries * s.heads * s.channels);
    } else {
      q.resize(many * s.queries * gap);
      k.resize(many * s.keys * gap);
      v.resize(many * s.keys * gap);
      out.resize(many * s.queries * gap);
    }
    out_gradient.resize(out.size());
    numbers.fill(q, size), numbers.fill(k, size), numbers.fill(v), numbers.fill(out_gradient);
    std::fill(out.begin(), out.end(), canary);
    q_gradient.resize(q.size()), k_gradient.resize(k.size()), v_gradient.resize(v.size());
    for (auto* gradient : {&q_gradient, &k_gradient, &v_gradient}) {
      if (s.add)
        numbers.fill(*gradient);
      else
        std::fill(gradient->begin(), gradient->end(), canary);
    }
    if (s.bias) bias.resize(s.heads * s.queries * s.keys);
    numbers.fill(bias);
    log_sum_exp.resize(many * s.queries);
    bind();
  }
  Case(const Case& other) { *this = other; }
  Case& operator=(const Case& other) {
    s = other.s;
    q = other.q, k = other.k, v = other.v, out = other.out, out_gradient = other.out_gradient;
    q_gradient = other.q_gradient, k_gradient = other.k_gradient, v_gradient = other.v_gradient;
    bias = other.bias, log_sum_exp = other.log_sum_exp;
    bind();
    a.scale = g.forward.scale = other.a.scale;
    return *this;
  }

  template <class T>
  kernels::Heads<T> heads_of(T* data, std::size_t tokens, std::size_t columns) const {
    const auto row = static_cast<std::ptrdiff_t>(s.fused ? columns * s.heads * s.channels : s.channels + 3);
    const auto n = static_cast<std::ptrdiff_t>(tokens), heads = static_cast<std::ptrdiff_t>(s.heads);
    if (s.fused) return {data, row, static_cast<std::ptrdiff_t>(s.channels), n * row};
    return {data, row, n * row, heads * n * row};
  }
  void bind() {
    const std::size_t part = s.heads * s.channels;
    const auto input = [&](auto* q_, auto* k_, auto* v_, auto& to) {
      to.q = heads_of(q_, s.queries, 3);
      to.k = heads_of(s.fused ? q_ + part : k_, s.keys, 3);
      to.v = heads_of(s.fused ? q_ + 2 * part : v_, s.keys, 3);
    };
    a.batch = s.batch, a.heads = s.heads, a.queries = s.queries, a.keys = s.keys, a.channels = s.channels;
    input(static_cast<const float*>(q.data()), static_cast<const float*>(k.data()), static_cast<const float*>(v.data()),
          a);
    a.out = heads_of(out.data(), s.queries, 1);
    a.log_sum_exp = log_sum_exp.data();
    a.scale = 1 / std::sqrt(static_cast<float>(s.channels));
    a.bias = s.bias ? bias.data() : nullptr;
    g.forward = a;
    g.out_gradient = heads_of(static_cast<const float*>(out_gradient.data()), s.queries, 1);
    input(q_gradient.data(), k_gradient.data(), v_gradient.data(), g);
    g.add_q = g.add_k = g.add_v = s.add;
  }
  void run(const Workers& workers) {
    kernels::attention_forward(workers, a);
    kernels::attention_backward(workers, g);
  }
};

template <class T>
float& element(const kernels::Heads<T>& m, std::size_t b, std::size_t h, std::size_t token, std::size_t channel) {
  return const_cast<float&>(
      m.at(b, h)[static_cast<std::ptrdiff_t>(token) * m.row + static_cast<std::ptrdiff_t>(channel)]);
}

// The largest differences to the oracle, in eps of what rounding may do.
struct Errors {
  double out = 0, log_sum_exp = 0, q = 0, k = 0, v = 0;
  double worst() const { return std::max({out, log_sum_exp, q, k, v}); }
};

// Everything again in double. `before` holds the gradients to which the new ones were added. Rounding of a score s
// changes its probability by about |s| eps, so errors are measured in eps (1 + max |s|) of the largest number of each
// result.
Errors errors_of(const Case& c, const Case& before) {
  const Sizes& s = c.s;
  const std::size_t n = s.queries, m = s.keys, d = s.channels;
  Errors errors;
  const auto worse = [](double& error, double found, double expected, double size) {
    const double e = std::abs(found - expected) / (eps * size);
    error = std::isnan(e) ? infinity : std::max(error, e);
  };
  std::vector<double> p(n * m), ds(n * m), out(n * d), dq(n * d), dk(m * d), dv(m * d);
  for (std::size_t b = 0; b < s.batch; ++b) {
    for (std::size_t h = 0; h < s.heads; ++h) {
      const auto clear = [](std::vector<double>& x) { std::fill(x.begin(), x.end(), 0.0); };
      clear(out), clear(dq), clear(dk), clear(dv);
      double size = 1, largest_out = 0, largest_q = 0, largest_k = 0, largest_v = 0;
      std::vector<double> log_sum_exp(n);
      for (std::size_t i = 0; i < n; ++i) {
        double top = -infinity, sum = 0;
        for (std::size_t j = 0; j < m; ++j) {
          double score = 0, absolute = 0;
          for (std::size_t e = 0; e < d; ++e) {
            const double term = double(element(c.a.q, b, h, i, e)) * double(element(c.a.k, b, h, j, e));
            score += term, absolute += std::abs(term);
          }
          size = std::max(size, 1 + absolute * std::abs(double(c.a.scale)));
          score = score * double(c.a.scale) + (s.bias ? double(c.bias[(h * n + i) * m + j]) : 0.0);
          p[i * m + j] = score;
          top = std::max(top, score);
        }
        for (std::size_t j = 0; j < m; ++j) sum += p[i * m + j] = std::exp(p[i * m + j] - top);
        log_sum_exp[i] = top + std::log(sum);
        for (std::size_t j = 0; j < m; ++j) {
          p[i * m + j] /= sum;
          for (std::size_t e = 0; e < d; ++e) out[i * d + e] += p[i * m + j] * double(element(c.a.v, b, h, j, e));
        }
        double dot = 0;
        for (std::size_t e = 0; e < d; ++e) dot += out[i * d + e] * double(element(c.g.out_gradient, b, h, i, e));
        for (std::size_t j = 0; j < m; ++j) {
          double dp = 0;
          for (std::size_t e = 0; e < d; ++e)
            dp += double(element(c.g.out_gradient, b, h, i, e)) * double(element(c.a.v, b, h, j, e));
          ds[i * m + j] = p[i * m + j] * (dp - dot) * double(c.a.scale);
          for (std::size_t e = 0; e < d; ++e) {
            dq[i * d + e] += ds[i * m + j] * double(element(c.a.k, b, h, j, e));
            dk[j * d + e] += ds[i * m + j] * double(element(c.a.q, b, h, i, e));
            dv[j * d + e] += p[i * m + j] * double(element(c.g.out_gradient, b, h, i, e));
          }
        }
      }
      const auto largest = [](const std::vector<double>& x) {
        double r = 0;
        for (const double y : x) r = std::max(r, std::abs(y));
        return std::max(r, 0.1);  // sums that cancel to (nearly) zero
      };
      largest_out = largest(out), largest_q = largest(dq), largest_k = largest(dk), largest_v = largest(dv);
      for (std::size_t i = 0; i < n; ++i) {
        worse(errors.log_sum_exp, double(c.log_sum_exp[(b * s.heads + h) * n + i]), log_sum_exp[i], size);
        for (std::size_t e = 0; e < d; ++e) {
          worse(errors.out, double(element(c.a.out, b, h, i, e)), out[i * d + e], size * largest_out);
          const double old = s.add ? double(element(before.g.q, b, h, i, e)) : 0.0;
          worse(errors.q, double(element(c.g.q, b, h, i, e)), old + dq[i * d + e], size * (largest_q + std::abs(old)));
        }
      }
      for (std::size_t j = 0; j < m; ++j) {
        for (std::size_t e = 0; e < d; ++e) {
          const double old_k = s.add ? double(element(before.g.k, b, h, j, e)) : 0.0;
          const double old_v = s.add ? double(element(before.g.v, b, h, j, e)) : 0.0;
          worse(errors.k, double(element(c.g.k, b, h, j, e)), old_k + dk[j * d + e],
                size * (largest_k + std::abs(old_k)));
          worse(errors.v, double(element(c.g.v, b, h, j, e)), old_v + dv[j * d + e],
                size * (largest_v + std::abs(old_v)));
        }
      }
    }
  }
  return errors;
}

// What lies between the rows of the matrices has to stay as it was.
bool gaps_untouched(const Case& c, const Case& before) {
  if (c.s.fused) return true;
  const std::size_t gap = c.s.channels + 3;
  const auto same = [&](const std::vector<float>& x, const std::vector<float>& y) {
    for (std::size_t i = 0; i < x.size(); ++i)
      if (i % gap >= c.s.channels && x[i] != y[i]) return false;
    return true;
  };
  return same(c.out, before.out) && same(c.q_gradient, before.q_gradient) && same(c.k_gradient, before.k_gradient) &&
         same(c.v_gradient, before.v_gradient);
}

const std::vector<isa>& levels() {
  static const std::vector<isa> all = [] {
    std::vector<isa> r;
    for (const isa level : {isa::base, isa::avx2, isa::avx512})
      if (level <= best_isa()) r.push_back(level);
    return r;
  }();
  return all;
}
Workers workers_of(std::size_t threads, isa level = best_isa()) {
  Workers workers;
  workers.threads = threads;
  workers.level = level;
  return workers;
}

std::string text_of(const Sizes& s) {
  return std::to_string(s.batch) + " x " + std::to_string(s.heads) + " heads, " + std::to_string(s.queries) +
         " queries, " + std::to_string(s.keys) + " keys, " + std::to_string(s.channels) + " channels" +
         (s.fused ? ", fused" : "") + (s.bias ? ", bias" : "") + (s.add ? ", add" : "");
}

// Measured: below 3 (see errors_of for the unit).
constexpr double tolerance = 8;

void check(const Sizes& sizes) {
  INFO(text_of(sizes));
  const Case before(sizes, 7 * sizes.queries + sizes.channels);
  for (const isa level : levels()) {
    INFO("level " << static_cast<int>(level));
    Case c = before;
    c.run(workers_of(1, level));
    const Errors errors = errors_of(c, before);
    INFO("out " << errors.out << ", log-sum-exp " << errors.log_sum_exp << ", q " << errors.q << ", k " << errors.k
                << ", v " << errors.v);
    CHECK(errors.worst() < tolerance);
    CHECK(gaps_untouched(c, before));
  }
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}
bool same_results(const Case& a, const Case& b) {
  return same_bits(a.out, b.out) && same_bits(a.log_sum_exp, b.log_sum_exp) && same_bits(a.q_gradient, b.q_gradient) &&
         same_bits(a.k_gradient, b.k_gradient) && same_bits(a.v_gradient, b.v_gradient);
}
bool finite(const std::vector<float>& x) {
  return std::all_of(x.begin(), x.end(), [](float y) { return std::isfinite(y); });
}

}  // namespace

TEST_CASE("attention: every number of tokens from 1 to 70") {
  constexpr std::size_t channels[] = {8, 16, 24, 32, 64, 80, 5};
  for (std::size_t n = 1; n <= 70; ++n) {
    const bool fused = n % 2 == 0;
    const std::size_t keys = fused ? n : n * 37 % 70 + 1;
    check({1, 2, n, keys, channels[n % 7], fused, n % 3 == 0, n % 5 < 2});
  }
}

TEST_CASE("attention: the shapes of models") {
  for (const bool add : {false, true}) {
    check({2, 4, 50, 50, 16, true, false, add});
    check({2, 4, 17, 17, 16, true, false, add});
    check({1, 2, 197, 197, 64, true, false, add});
    check({2, 3, 49, 49, 32, true, true, add});
    check({1, 1, 197, 50, 64, false, false, add});  // cross-attention
    check({1, 1, 50, 197, 80, false, true, add});
    check({1, 1, 3, 300, 96, false, false, add});
    check({1, 1, 700, 5, 88, false, false, add});
    check({1, 1, 26, 260, 130, false, true, add});
  }
}

TEST_CASE("attention: bits do not depend on threads, batch or the split over query rows") {
  for (const isa level : levels()) {
    for (const Sizes& sizes :
         {Sizes{3, 2, 50, 50, 16, true, false, false}, Sizes{1, 1, 197, 197, 64, true, true, true},
          Sizes{1, 3, 131, 77, 24, false, true, false}, Sizes{5, 1, 17, 17, 16, true, false, true}}) {
      INFO(text_of(sizes) << ", level " << static_cast<int>(level));
      const Case before(sizes);
      Case one = before;
      one.run(workers_of(1, level));
      for (const std::size_t threads : {2u, 3u, 4u, 8u}) {
        Case many = before;
        many.run(workers_of(threads, level));
        CHECK(same_results(one, many));
      }
      Case split = before;  // NOLINT(performance-unnecessary-copy-initialization): written through its pointers
      for (std::size_t b = 0; b < sizes.batch; ++b) {
        kernels::AttentionGradient<float> g = split.g;
        const auto move = [&](auto& m) { m.data += static_cast<std::ptrdiff_t>(b) * m.batch; };
        move(g.forward.q), move(g.forward.k), move(g.forward.v), move(g.forward.out), move(g.out_gradient);
        move(g.q), move(g.k), move(g.v);
        g.forward.batch = 1;
        g.forward.log_sum_exp += b * sizes.heads * sizes.queries;
        kernels::attention_forward(workers_of(2, level), g.forward);
        kernels::attention_backward(workers_of(2, level), g);
      }
      CHECK(same_results(one, split));
    }
  }
}

TEST_CASE("attention: inference keeps no log-sum-exp and computes the same") {
  for (const isa level : levels()) {
    const Case before(Sizes{2, 2, 50, 50, 16, true, false, false});
    Case inference = before;
    Case kept = before;  // NOLINT(performance-unnecessary-copy-initialization): written through its pointers
    kernels::attention_forward(workers_of(1, level), kept.a);
    inference.a.log_sum_exp = nullptr;
    kernels::attention_forward(workers_of(1, level), inference.a);
    CHECK(same_bits(kept.out, inference.out));
    CHECK(same_bits(inference.log_sum_exp, before.log_sum_exp));
  }
}

TEST_CASE("attention: huge scores choose one key, nothing becomes infinite or NaN") {
  for (const isa level : levels()) {
    for (const float size : {1e2f, 1e4f, 5e4f, 1e8f, 1e15f}) {
      INFO("level " << static_cast<int>(level) << ", size " << size);
      Case c(Sizes{1, 2, 37, 53, 24, false, false, false}, 3, size);
      c.run(workers_of(1, level));
      CHECK(finite(c.out));
      CHECK(finite(c.log_sum_exp));
      CHECK(finite(c.q_gradient));
      CHECK(finite(c.k_gradient));
      CHECK(finite(c.v_gradient));
      for (const float x : c.out) CHECK((x == canary || std::abs(x) <= 1.0f + 4 * eps));
      // No probability above one, also where the log-sum-exp was rounded by more than that (5e4: by up to 32).
      for (const float x : c.v_gradient) CHECK((x == canary || std::abs(x) <= 37.0f));
      if (size < 1e8f) continue;
      for (std::size_t h = 0; h < 2; ++h) {
        for (std::size_t i = 0; i < 37; ++i) {
          std::size_t best = 0;
          double top = -infinity;
          for (std::size_t j = 0; j < 53; ++j) {
            double score = 0;
            for (std::size_t e = 0; e < 24; ++e)
              score += double(element(c.a.q, 0, h, i, e)) * double(element(c.a.k, 0, h, j, e));
            if (score > top) top = score, best = j;
          }
          for (std::size_t e = 0; e < 24; ++e) CHECK(element(c.a.out, 0, h, i, e) == element(c.a.v, 0, h, best, e));
        }
      }
    }
  }
}

TEST_CASE("attention: equal scores average the values") {
  for (const isa level : levels()) {
    for (const float score : {0.0f, 30.0f, -1e6f}) {
      Case c(Sizes{1, 1, 9, 33, 16, false, true, false});
      std::fill(c.q.begin(), c.q.end(), 0.0f);
      std::fill(c.bias.begin(), c.bias.end(), score);
      c.run(workers_of(1, level));
      for (std::size_t e = 0; e < 16; ++e) {
        double mean = 0;
        for (std::size_t j = 0; j < 33; ++j) mean += double(element(c.a.v, 0, 0, j, e)) / 33;
        for (std::size_t i = 0; i < 9; ++i) CHECK(std::abs(double(element(c.a.out, 0, 0, i, e)) - mean) < 4 * eps);
      }
      for (const float x : c.log_sum_exp)
        CHECK(std::abs(x - (score + std::log(33.0f))) <= 2 * eps * (std::abs(score) + 4));
    }
  }
}

TEST_CASE("attention: a bias of -infinity masks keys exactly, and a row without keys is zero") {
  for (const isa level : levels()) {
    const Sizes sizes{1, 2, 20, 21, 16, false, true, false};
    Case c(sizes);
    const auto masked = [](std::size_t i, std::size_t j) { return i == 7 || j == 5 || j >= 18; };
    for (std::size_t h = 0; h < 2; ++h)
      for (std::size_t i = 0; i < 20; ++i)
        for (std::size_t j = 0; j < 21; ++j)
          if (masked(i, j)) c.bias[(h * 20 + i) * 21 + j] = -infinity;
    c.run(workers_of(1, level));
    CHECK(finite(c.out));
    CHECK(finite(c.q_gradient));
    CHECK(finite(c.k_gradient));
    CHECK(finite(c.v_gradient));
    for (std::size_t h = 0; h < 2; ++h) {
      CHECK(c.log_sum_exp[h * 20 + 7] == infinity);
      for (std::size_t e = 0; e < 16; ++e) {
        CHECK(element(c.a.out, 0, h, 7, e) == 0.0f);
        CHECK(element(c.g.q, 0, h, 7, e) == 0.0f);
        for (const std::size_t j : {5u, 18u, 20u}) {
          CHECK(element(c.g.k, 0, h, j, e) == 0.0f);
          CHECK(element(c.g.v, 0, h, j, e) == 0.0f);
        }
      }
    }
  }
}

TEST_CASE("attention: a negative scale") {
  for (const isa level : levels()) {
    const Case before(Sizes{1, 1, 30, 30, 16, true, false, false}, 5, 3);
    Case c = before;
    c.a.scale = c.g.forward.scale = -2;
    c.run(workers_of(1, level));
    CHECK(errors_of(c, before).worst() < tolerance);
  }
}

TEST_CASE("attention: NaN in a query reaches its output and no other") {
  for (const isa level : levels()) {
    Case c(Sizes{1, 1, 12, 19, 8, false, false, false});
    element(c.a.q, 0, 0, 4, 3) = std::numeric_limits<float>::quiet_NaN();
    kernels::attention_forward(workers_of(1, level), c.a);
    for (std::size_t i = 0; i < 12; ++i)
      for (std::size_t e = 0; e < 8; ++e) CHECK(std::isnan(element(c.a.out, 0, 0, i, e)) == (i == 4));
  }
}

TEST_CASE("attention: 2^x of the softmax") {
  // The exponent's range in steps that are no multiples of anything, and its ends.
  float worst = 0;
  for (float x = -125.99f; x <= 0; x += 0.001237f) {
    const lane<floor_isa> y = kernels::exp2_of_negative(lane<floor_isa>(x));
    const double exact = std::exp2(double(x));
    worst = std::max(worst, static_cast<float>(std::abs(double(y.v[0]) - exact) / exact));
  }
  CHECK(worst < 1.0f * eps);
  for (const float x : {-126.5f, -1e9f, -infinity}) CHECK(kernels::exp2_of_negative(lane<floor_isa>(x)).v[0] == 0.0f);
  CHECK(kernels::exp2_of_negative(lane<floor_isa>(0.0f)).v[0] == 1.0f);
  CHECK(kernels::exp2_of_negative(lane<floor_isa>(-126.0f)).v[0] == 0x1p-126f);
}
