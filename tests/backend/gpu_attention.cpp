// gpu_attention.cpp - the attention kernels of a GPU, emulated, against sums in double: the sizes of models, ragged
// ones, windows, masks, bias; and that wrong kernels would be noticed.
#include "vitrail/backend/cuda/attention_backward.hpp"
#include "vitrail/backend/cuda/attention_forward.hpp"

#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "vitrail/backend/cuda/emulation.hpp"

using namespace vitrail;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// What a kernel may do wrong: leave out its nth barrier, take values from another lane, let a thread do another's work.
struct Fault {
  int launch = -1;  // the number of the kernel
  int barrier = -1;
  unsigned lane = 0;
  bool index = false;
};
Fault fault;

class FaultyThread {
 public:
  FaultyThread(const cuda::EmulatedThread& thread, bool faulty) : thread_(thread), faulty_(faulty) {}
  std::size_t block() const { return thread_.block(); }
  unsigned index() const { return faulty_ && fault.index && thread_.index() == 137 ? 138 : thread_.index(); }
  void sync() const {
    if (barriers_++ != fault.barrier || !faulty_) thread_.sync();
  }
  template <class T>
  T from_lane(T x, unsigned mask, unsigned lanes) const {
    return thread_.from_lane(x, faulty_ && mask == 8 ? mask ^ fault.lane : mask, lanes);
  }
  template <class T>
  T* shared() const {
    return thread_.shared<T>();
  }

 private:
  const cuda::EmulatedThread& thread_;
  bool faulty_;
  mutable int barriers_ = 0;
};
struct FaultyDevice {
  cuda::EmulatedDevice device{0};
  mutable int launches = 0;
  template <class Kernel>
  struct Faulty {
    static constexpr unsigned threads = Kernel::threads;
    static constexpr bool cooperates = cuda::cooperates<Kernel>();
    Kernel kernel;
    bool is_faulty;
    void operator()(const cuda::EmulatedThread& thread) const { kernel(FaultyThread(thread, is_faulty)); }
  };
  template <class Kernel>
  void launch(const cuda::Grid& grid, const Kernel& kernel) const {
    CHECK(grid.shared_bytes <= 48 * 1024);
    device.launch(grid, Faulty<Kernel>{kernel, launches++ == fault.launch});
  }
};

// Numbers on the device.
template <class T>
class Values {
 public:
  Values() = default;
  explicit Values(const std::vector<T>& values)
      : size_(values.size()), at_(static_cast<T*>(cuda::EmulatedMemory::allocate(size_ * sizeof(T)))) {
    cuda::EmulatedMemory::copy(at_, values.data(), size_ * sizeof(T));
  }
  ~Values() { cuda::EmulatedMemory::release(at_); }
  Values(const Values&) = delete;
  Values& operator=(const Values&) = delete;
  T* data() const { return at_; }
  std::vector<T> get() const {
    std::vector<T> values(size_);
    cuda::EmulatedMemory::copy(values.data(), at_, size_ * sizeof(T));
    return values;
  }

 private:
  std::size_t size_ = 0;
  T* at_ = nullptr;
};

constexpr std::size_t most_chunks = 3;

struct Sizes {
  std::size_t batch = 1, heads = 1, queries = 1, keys = 1, channels = 1;
  bool bias = false, causal = false, add = false;
  Windows windows = {};
  double masked = -infinity;
  std::size_t groups() const { return batch * windows.count(); }
  std::size_t query_tokens() const { return windows.count() * queries; }
  std::size_t key_tokens() const { return windows.count() * keys; }
};

// A matrix [batch, tokens, heads * channels] with three values behind each row that nobody may touch or use.
template <class T>
struct Matrix {
  static constexpr std::size_t gap = 3;
  std::size_t tokens, heads, channels;
  std::vector<T> values;
  std::size_t row() const { return heads * channels + gap; }
  std::size_t at(std::size_t b, std::size_t h, std::size_t token, std::size_t channel) const {
    return (b * tokens + token) * row() + h * channels + channel;
  }
  template <class Pointer>
  kernels::Heads<Pointer> on(T* data) const {
    return {data, static_cast<std::ptrdiff_t>(row()), static_cast<std::ptrdiff_t>(channels),
            static_cast<std::ptrdiff_t>(tokens * row())};
  }
};

// The same numbers everywhere: an LCG's upper bits, in [-size, size).
struct Numbers {
  std::uint64_t state = 1;
  double next() {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<double>(static_cast<std::int32_t>(state >> 32)) * 0x1p-31;
  }
  template <class T>
  Matrix<T> matrix(const Sizes& s, std::size_t tokens, double size = 1) {
    Matrix<T> m{tokens, s.heads, s.channels,
                std::vector<T>(s.batch * tokens * (s.heads * s.channels + Matrix<T>::gap))};
    for (std::size_t i = 0; i < m.values.size(); ++i) {
      const double x = size * next();
      m.values[i] = i % m.row() < s.heads * s.channels ? static_cast<T>(x) : std::numeric_limits<T>::quiet_NaN();
    }
    return m;
  }
};

template <class T>
struct Results {
  std::vector<T> out, log_sum_exp, q, k, v, bias;
  friend bool operator==(const Results& a, const Results& b) {
    const auto same = [](const std::vector<T>& x, const std::vector<T>& y) {
      return x.size() == y.size() && (x.empty() || std::memcmp(x.data(), y.data(), x.size() * sizeof(T)) == 0);
    };
    return same(a.out, b.out) && same(a.log_sum_exp, b.log_sum_exp) && same(a.q, b.q) && same(a.k, b.k) &&
           same(a.v, b.v) && same(a.bias, b.bias);
  }
};

template <class T>
struct Case {
  Sizes s;
  T scale;
  Matrix<T> q, k, v, up, q_before, k_before, v_before;
  std::vector<T> bias, bias_before;

  explicit Case(const Sizes& sizes, double size = 1)
      : s(sizes), scale(static_cast<T>(1 / std::sqrt(static_cast<double>(s.channels)))) {
    Numbers numbers{s.queries * 31 + s.channels};
    q = numbers.matrix<T>(s, s.query_tokens(), size), k = numbers.matrix<T>(s, s.key_tokens(), size);
    v = numbers.matrix<T>(s, s.key_tokens()), up = numbers.matrix<T>(s, s.query_tokens());
    q_before = numbers.matrix<T>(s, s.query_tokens());
    k_before = numbers.matrix<T>(s, s.key_tokens()), v_before = numbers.matrix<T>(s, s.key_tokens());
    if (s.bias) bias.resize(s.heads * s.queries * s.keys), bias_before.resize(bias.size());
    for (T& x : bias) x = static_cast<T>(numbers.next());
    for (T& x : bias_before) x = static_cast<T>(numbers.next());
    if (s.add) return;
    for (auto* x : {&q_before.values, &k_before.values, &v_before.values, &bias_before}) poison(*x);
  }
  static void poison(std::vector<T>& x) { std::fill(x.begin(), x.end(), std::numeric_limits<T>::quiet_NaN()); }

  Results<T> run(bool descending = false, bool keeps = true) const {
    cuda::EmulatedDevice::descending() = descending;
    const FaultyDevice device{};
    Matrix<T> out = up;
    poison(out.values);
    std::vector<T> sums(s.groups() * s.heads * s.queries), work(most_chunks * bias.size());
    poison(sums), poison(work);
    const Values<T> on_q(q.values), on_k(k.values), on_v(v.values), on_up(up.values), on_bias(bias), on_out(out.values),
        on_sums(sums), on_work(work), q_gradient(q_before.values), k_gradient(k_before.values),
        v_gradient(v_before.values), bias_gradient(bias_before);
    kernels::Attention<T> a;
    a.batch = s.batch, a.heads = s.heads, a.queries = s.queries, a.keys = s.keys, a.channels = s.channels;
    a.q = q.template on<const T>(on_q.data()), a.k = k.template on<const T>(on_k.data());
    a.v = v.template on<const T>(on_v.data()), a.out = up.template on<T>(on_out.data());
    a.log_sum_exp = keeps ? on_sums.data() : nullptr;
    a.scale = scale, a.bias = s.bias ? on_bias.data() : nullptr;
    a.causal = s.causal, a.windows = s.windows, a.masked = static_cast<T>(s.masked);
    cuda::attention_forward(device, a);
    if (!keeps) return {on_out.get(), on_sums.get(), {}, {}, {}, {}};
    kernels::AttentionGradient<T> g;
    g.forward = a, g.out_gradient = up.template on<const T>(on_up.data());
    g.q = q.template on<T>(q_gradient.data()), g.k = k.template on<T>(k_gradient.data());
    g.v = v.template on<T>(v_gradient.data());
    g.add_q = g.add_k = g.add_v = g.add_bias = s.add;
    if (s.bias) g.bias = bias_gradient.data(), g.bias_work = on_work.data();
    cuda::attention_backward(device, g, most_chunks);
    cuda::EmulatedDevice::descending() = false;
    return {on_out.get(), on_sums.get(), q_gradient.get(), k_gradient.get(), v_gradient.get(), bias_gradient.get()};
  }
  bool hides(std::size_t window, std::size_t i, std::size_t j) const {
    if (s.causal) return j > i + s.keys - s.queries;
    return s.windows.shifted() && !s.windows.sees(window, i, j);
  }
  // In double, score by score.
  Results<double> reference() const {
    const auto before = [&](const std::vector<T>& x) {
      std::vector<double> y(x.begin(), x.end());
      if (!s.add) {
        for (double& e : y) e = std::isnan(e) ? 0 : e;
      }
      return y;
    };
    Results<double> r;
    r.out.assign(up.values.size(), 0), r.log_sum_exp.assign(s.groups() * s.heads * s.queries, infinity);
    r.q = before(q_before.values), r.k = before(k_before.values), r.v = before(v_before.values);
    r.bias = before(bias_before);
    std::vector<double> p(s.keys);
    for (std::size_t group = 0; group < s.groups(); ++group) {
      const std::size_t b = group / s.windows.count(), w = group % s.windows.count();
      const auto token = [&](std::size_t i) { return s.windows ? s.windows.token(w, i) : i; };
      for (std::size_t h = 0; h < s.heads; ++h) {
        for (std::size_t i = 0; i < s.queries; ++i) {
          const std::size_t row = q.at(b, h, token(i), 0), score = (h * s.queries + i) * s.keys;
          const auto dot = [&](const Matrix<T>& m, const Matrix<T>& n, std::size_t j) {
            double sum = 0;
            const std::size_t other = k.at(b, h, token(j), 0);
            for (std::size_t e = 0; e < s.channels; ++e) sum += double(m.values[row + e]) * double(n.values[other + e]);
            return sum;
          };
          double top = -std::numeric_limits<double>::max(), sum = 0, inner = 0;
          for (std::size_t j = 0; j < s.keys; ++j) {
            p[j] = dot(q, k, j) * double(scale) + (s.bias ? double(bias[score + j]) : 0.0) +
                   (hides(w, i, j) ? s.masked : 0.0);
            top = std::max(top, p[j]);
          }
          for (double& x : p) sum += x = std::exp(x - top);
          if (sum > 0) r.log_sum_exp[(group * s.heads + h) * s.queries + i] = top + std::log(sum);
          for (double& x : p) x = sum > 0 ? x / sum : 0;
          for (std::size_t j = 0; j < s.keys; ++j) {
            for (std::size_t e = 0; e < s.channels; ++e) {
              r.out[row + e] += p[j] * double(v.values[v.at(b, h, token(j), e)]);
              r.v[v.at(b, h, token(j), e)] += p[j] * double(up.values[row + e]);
            }
            inner += p[j] * dot(up, v, j);
          }
          for (std::size_t j = 0; j < s.keys; ++j) {
            const double ds = p[j] * (dot(up, v, j) - inner);
            if (s.bias) r.bias[score + j] += ds;
            for (std::size_t e = 0; e < s.channels; ++e) {
              r.q[row + e] += ds * double(scale) * double(k.values[k.at(b, h, token(j), e)]);
              r.k[k.at(b, h, token(j), e)] += ds * double(scale) * double(q.values[row + e]);
            }
          }
        }
      }
    }
    return r;
  }
};

// The largest difference, in eps of the largest number. NaN where something was to be written is infinite; `row`
// (without gaps: 0): what lies between the rows has to be as before.
template <class T>
double error_of(const std::vector<T>& found, const std::vector<double>& expected, std::size_t row, std::size_t used) {
  double size = 0, worst = 0;
  for (const double x : expected) size = std::max(size, std::isfinite(x) ? std::abs(x) : 0);
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double x = found[i];
    if (row && i % row >= used) {
      if (!std::isnan(x)) return infinity;
    } else if (x != expected[i]) {
      const double e = std::abs(x - expected[i]) / (std::numeric_limits<T>::epsilon() * size);
      worst = std::max(worst, std::isnan(e) ? infinity : e);
    }
  }
  return worst;
}
template <class T>
double worst_error(const Case<T>& c, const Results<T>& found, const Results<double>& expected) {
  const std::size_t row = c.q.row(), used = row - Matrix<T>::gap;
  return std::max({error_of(found.out, expected.out, row, used),
                   error_of(found.log_sum_exp, expected.log_sum_exp, 0, 0), error_of(found.q, expected.q, row, used),
                   error_of(found.k, expected.k, row, used), error_of(found.v, expected.v, row, used),
                   error_of(found.bias, expected.bias, 0, 0)});
}

// In eps of the largest number of a result. Measured: below 9.
constexpr double tolerance = 20;

template <class T>
void check(const Sizes& s) {
  INFO(s.batch << " x " << s.heads << " heads, " << s.queries << " queries, " << s.keys << " keys, " << s.channels
               << " channels" << (s.bias ? ", bias" : "") << (s.causal ? ", causal" : "") << (s.add ? ", add" : "")
               << (s.windows ? ", windows" : "") << (s.windows.shifted() ? ", shifted" : ""));
  const Case<T> c(s);
  const Results<T> found = c.run();
  CHECK(worst_error(c, found, c.reference()) < tolerance);
  CHECK(found == c.run(true));
}

Sizes windowed(std::size_t batch, std::size_t heads, std::size_t side, std::size_t window, std::size_t channels,
               bool shifted) {
  Sizes s;
  s.windows = swin_windows(side, side, window, shifted);
  s.batch = batch, s.heads = heads, s.queries = s.keys = s.windows.tokens(), s.channels = channels;
  s.bias = true;
  return s;
}

}  // namespace

TEMPLATE_TEST_CASE("GPU attention: the sizes of models", "", float, double) {
  check<TestType>({1, 1, 197, 197, 64});
  check<TestType>({2, 2, 50, 50, 16, false, false, true});
  check<TestType>(windowed(2, 2, 14, 7, 32, false));
  check<TestType>(windowed(1, 2, 14, 7, 32, true));
  Sizes soft = windowed(1, 1, 8, 4, 16, true);  // as Swin's checkpoints mask
  soft.masked = -100, soft.add = true;
  check<TestType>(soft);
}

TEMPLATE_TEST_CASE("GPU attention: ragged sizes, masks, bias", "", float, double) {
  check<TestType>({1, 1, 1, 1, 1});
  check<TestType>({1, 2, 65, 130, 5, true});
  check<TestType>({1, 1, 3, 70, 96, false, false, true});
  check<TestType>({1, 1, 70, 9, 80, true, false, true});
  check<TestType>({1, 1, 66, 66, 24, false, true});
  check<TestType>({1, 1, 64, 129, 33, true, true, true});
  check<TestType>({1, 1, 20, 20, 128});
  check<TestType>({1, 1, 17, 33, 150, true});  // two slices of channels
}

TEST_CASE("GPU attention: chunks of a bias gradient") {
  check<float>({7, 2, 5, 6, 4, true});
  check<float>({2, 1, 5, 6, 4, true, false, true});
  for (const std::size_t elements : {1u, 3 * 49 * 49u, 12 * 197 * 197u, 1u << 28}) {
    const std::size_t chunks = cuda::most_bias_chunks(1, 1, elements);
    CHECK((chunks >= 8 && chunks <= 256));
    CHECK((chunks == 8 || chunks * elements <= std::size_t(1) << 20));
  }
}

TEST_CASE("GPU attention: a row that sees nothing, and keys that nobody sees") {
  Case<float> c({1, 2, 20, 21, 16, true});
  const auto masked = [](std::size_t i, std::size_t j) { return i == 7 || j == 5 || j >= 18; };
  for (std::size_t r = 0; r < c.bias.size(); ++r) {
    if (masked(r / 21 % 20, r % 21)) c.bias[r] = -std::numeric_limits<float>::infinity();
  }
  const Results<float> found = c.run();
  CHECK(worst_error(c, found, c.reference()) < tolerance);
  for (std::size_t e = 0; e < 16; ++e) {
    CHECK(found.out[c.q.at(0, 1, 7, e)] == 0.0f);
    CHECK(found.q[c.q.at(0, 1, 7, e)] == 0.0f);
    CHECK(found.k[c.k.at(0, 1, 5, e)] == 0.0f);
    CHECK(found.v[c.v.at(0, 1, 20, e)] == 0.0f);
  }
  CHECK(found.log_sum_exp[7] == std::numeric_limits<float>::infinity());
}

TEST_CASE("GPU attention: huge scores choose one key, NaN stays in its row, inference keeps nothing") {
  const Case<float> huge({1, 1, 37, 70, 24}, 1e9);
  const Results<float> found = huge.run();
  const auto finite = [&](const std::vector<float>& x) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (i % huge.q.row() < 24 && !std::isfinite(x[i])) return false;
    }
    return true;
  };
  CHECK((finite(found.out) && finite(found.q) && finite(found.k) && finite(found.v)));

  Case<float> c({1, 1, 12, 70, 8});
  const Results<float> whole = c.run(), inference = c.run(false, false);
  CHECK(std::memcmp(whole.out.data(), inference.out.data(), whole.out.size() * sizeof(float)) == 0);
  for (const float x : inference.log_sum_exp) CHECK(std::isnan(x));
  c.q.values[c.q.at(0, 0, 4, 3)] = std::numeric_limits<float>::quiet_NaN();
  const Results<float> poisoned = c.run(false, false);
  for (std::size_t i = 0; i < 12; ++i) CHECK(std::isnan(poisoned.out[c.q.at(0, 0, i, 0)]) == (i == 4));
}

TEST_CASE("GPU attention: faults of a kernel are noticed") {
  Case<float> c({1, 1, 70, 70, 40, true});
  const Results<double> expected = c.reference();
  const auto noticed = [&] {
    const Results<float> found = c.run();
    return !(worst_error(c, found, expected) < tolerance) || !(found == c.run(true));
  };
  CHECK_FALSE(noticed());
  // The kernels of forward, keys, queries, and their barriers in the first tile: between those for the tokens' numbers,
  // without which addresses would be wild, and the last, behind which comes one of the next tile.
  const int first_barriers[] = {1, 1, 3}, end_barriers[] = {6, 12, 12};
  for (int launch = 0; launch < 3; ++launch) {
    INFO("kernel " << launch);
    fault = {launch, -1, 8 ^ 4};
    CHECK(noticed());
    fault = {launch, -1, 0, true};
    CHECK(noticed());
    for (int n = first_barriers[launch]; n < end_barriers[launch]; ++n) {
      if (launch == 0 && n == 4) continue;  // there the emulated threads wait for each other's maxima, too
      INFO("without barrier " << n);
      fault = {launch, n};
      CHECK(noticed());
    }
  }
  fault = {};
  // One input wrong in its fourth digit.
  c.v.values[c.v.at(0, 0, 69, 39)] *= 1.0005f;
  CHECK(noticed());
}
