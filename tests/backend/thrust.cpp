// thrust.cpp - Thrust's host systems give what Serial gives, with the same bits for any number of threads.
// test: timeout 300
#include <vitrail/autodiff/step.hpp>
#include <vitrail/backend/philox.hpp>
#include <vitrail/backend/serial.hpp>
#include <vitrail/backend/thrust.hpp>
#include <vitrail/models/vit.hpp>
#include <vitrail/nn/model.hpp>
#include <vitrail/nn/policy_serial.hpp>
#include <vitrail/nn/policy_thrust.hpp>
#include <vitrail/ops/copy.hpp>
#include <vitrail/ops/cross_entropy.hpp>
#include <vitrail/ops/layer_norm.hpp>
#include <vitrail/train/adamw.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <limits>
#include <set>
#include <vector>
#ifdef _OPENMP
#include <omp.h>
#endif

#include "catch.hpp"

using namespace vitrail;

namespace {

template <class T>
std::vector<T> random_values(std::size_t size, std::uint32_t site) {
  std::vector<T> values(size);
  for (std::size_t i = 0; i < size; ++i) values[i] = normal_at<T>({3, 0, site}, 0, i);
  return values;
}
template <class T>
void check_close(const std::vector<T>& found, const std::vector<T>& expected, double tolerance) {
  REQUIRE(found.size() == expected.size());
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double difference = std::abs(static_cast<double>(found[i]) - static_cast<double>(expected[i]));
    wrong += !(difference <= tolerance * (1 + std::abs(static_cast<double>(expected[i]))));
  }
  CHECK(wrong == 0);
}
template <class T>
constexpr double tolerance = std::is_same_v<T, float> ? 1e-5 : 1e-13;

template <class T>
struct Curve {
  using value = T;
  const T* x;
  T* y;
  bool adds;
  template <class L, class J>
  VITRAIL_FUNCTION void at(J j) const {
    const L a = get<L>(x, j);
    put<L>(y, j, a * sigmoid(a), adds);
  }
};
template <class B, class T>
std::vector<T> curve(const B& backend, std::size_t size, bool adds) {
  const std::vector<T> x = random_values<T>(size, 1);
  std::vector<T> y = random_values<T>(size, 2);
  backend.elementwise(size, Curve<T>{x.data(), y.data(), adds});
  return y;
}
template <class B, class T>
std::vector<T> normalised(const B& backend, std::size_t count, std::size_t width) {
  const std::vector<T> x = random_values<T>(count * width, 1), weight = random_values<T>(width, 2);
  std::vector<T> y(count * width), statistics(2 * count);
  backend.rows(
      count, width,
      detail::LayerNormForward<T>{width, x.data(), weight.data(), weight.data(), y.data(), statistics.data(), T(1e-6)});
  y.insert(y.end(), statistics.begin(), statistics.end());
  return y;
}
// The first sum is added, the second written, or not wanted.
template <class B, class T>
std::vector<T> sums(const B& backend, std::size_t rows, std::size_t width, bool both) {
  const std::vector<T> x = random_values<T>(rows * width, 1), dy = random_values<T>(rows * width, 2);
  const std::vector<T> statistics = random_values<T>(2 * rows, 3);
  std::vector<T> to = random_values<T>(2 * width, 4);
  std::vector<T> work(columns_workspace(width, 2), std::numeric_limits<T>::quiet_NaN());
  Columns<T, 2> columns{{to.data(), both ? to.data() + width : nullptr}, {true, false}, work.data()};
  backend.template columns<2>(rows, width, detail::LayerNormSums<T>{width, x.data(), dy.data(), statistics.data()},
                              columns);
  return to;
}

struct ProductCase {
  std::size_t m, n, k, count;
  bool a_transposed, b_transposed, bias, residual, accumulate;
};
constexpr ProductCase product_cases[] = {
    {1, 1, 1, 1, false, false, false, false, false},    {50, 96, 32, 3, false, true, true, false, false},
    {33, 65, 31, 1, false, false, false, true, false},  {64, 128, 64, 1, true, false, false, false, true},
    {31, 63, 200, 2, true, true, true, true, true},     {197, 100, 67, 1, false, true, true, true, false},
    {5, 3, 0, 1, false, false, true, false, false},     {0, 5, 3, 1, false, false, false, false, false},
    {7, 300, 129, 1, false, false, false, false, false}};

// C lies in a wider matrix, whose other columns must stay as they are.
template <class B, class T>
std::vector<T> product(const B& backend, const ProductCase& c) {
  const std::vector<T> a = random_values<T>(c.count * c.m * c.k + 1, 1),
                       b = random_values<T>(c.count * c.k * c.n + 1, 2);
  const std::vector<T> bias = random_values<T>(c.n, 3);
  std::vector<T> to = random_values<T>(c.count * c.m * (c.n + 3), 4);
  const auto stride = [](std::size_t n) { return static_cast<std::ptrdiff_t>(n); };
  Product<T> p;
  p.m = c.m, p.n = c.n, p.k = c.k, p.count = c.count;
  p.a = a.data(), p.a_row = c.a_transposed ? 1 : stride(c.k), p.a_column = c.a_transposed ? stride(c.m) : 1;
  p.b = b.data(), p.b_row = c.b_transposed ? 1 : stride(c.n), p.b_column = c.b_transposed ? stride(c.k) : 1;
  p.c = to.data(), p.c_row = stride(c.n + 3);
  p.a_batch = stride(c.m * c.k), p.b_batch = stride(c.k * c.n), p.c_batch = stride(c.m * (c.n + 3));
  p.scale = T(0.5), p.accumulate = c.accumulate;
  if (c.bias) p.bias = bias.data();
  if (c.residual) p.residual = to.data(), p.residual_row = p.c_row, p.residual_batch = p.c_batch;  // C itself
  backend.product(p);
  return to;
}

constexpr std::array<std::size_t, 7> sizes = {0, 1, 7, 8191, 8193, 16384, 40001};
constexpr std::array<std::array<std::size_t, 2>, 8> matrices = {
    {{0, 5}, {1, 1}, {3, 50}, {127, 64}, {256, 65}, {1100, 7}, {2051, 130}, {300, 600}}};

template <class System, class T>
void check_against_serial() {
  const Serial serial;
  const Thrust<System> thrust;
  for (const std::size_t size : sizes) {
    for (const bool adds : {false, true}) {
      INFO("elementwise, " << size << " elements, added " << adds);
      check_close(curve<Thrust<System>, T>(thrust, size, adds), curve<Serial, T>(serial, size, adds), tolerance<T>);
    }
  }
  for (const auto [rows, width] : matrices) {
    INFO(rows << " rows of " << width);
    check_close(normalised<Thrust<System>, T>(thrust, rows, width), normalised<Serial, T>(serial, rows, width),
                tolerance<T>);
    for (const bool both : {false, true}) {
      check_close(sums<Thrust<System>, T>(thrust, rows, width, both), sums<Serial, T>(serial, rows, width, both),
                  50 * tolerance<T>);
    }
  }
  for (const ProductCase& c : product_cases) {
    INFO("product " << c.m << " x " << c.n << " x " << c.k << ", " << c.count << " times");
    check_close(product<Thrust<System>, T>(thrust, c), product<Serial, T>(serial, c), 10 * tolerance<T>);
  }
}

constexpr ViTConfig small{.image = 20, .channels = 1, .patch = 4, .dim = 32, .depth = 2, .heads = 4, .mlp = 64};

struct Training {
  std::vector<double> losses, gradients;  // of each step; of the first
};
template <class P>
Training train(int threads) {
  using Net = ViT<small, 5, P>;
  using T = typename P::value;
  Model<Net> model(seed{1}, backend{.threads = threads});
  auto step = training_step(model, [](auto& net, auto x, auto labels) {
    Var logits = net(x);
    return Step{cross_entropy(logits, labels), logits};
  });
  AdamW optimiser(model);
  Batch<typename Net::input, P> images(11);
  for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = normal_at<T>({5, 0, 1}, 0, i);
  const Labels labels{0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0};
  step.set_poison(true);
  Training result;
  for (int i = 0; i < 3; ++i) {
    const auto out = step(images, labels);
    result.losses.push_back(static_cast<double>(std::get<0>(out)));
    for (std::size_t k = 0; k < model.trainable().table.size() && i == 0; ++k) {
      const T* gradient = step.gradients() + model.trainable().table[k].offset;
      result.gradients.insert(result.gradients.end(), gradient, gradient + model.trainable().table[k].size);
    }
    optimiser.update(step);
  }
  return result;
}

}  // namespace

TEMPLATE_TEST_CASE("thrust_cpp computes what Serial does, at sizes that divide nothing", "", float, double) {
  check_against_serial<thrust_cpp, TestType>();
}

TEST_CASE("a ViT trains on thrust_cpp as on Serial") {
  const Training expected = train<serial_double>(0), found = train<thrust_sequential_double>(0);
  check_close(found.losses, expected.losses, 1e-12);
  check_close(found.gradients, expected.gradients, 1e-12);
}

#ifdef _OPENMP

namespace {

// Sets OpenMP's number of threads for one scope.
class OpenMPThreads {
 public:
  explicit OpenMPThreads(int threads) : before_(omp_get_max_threads()) { omp_set_num_threads(threads); }
  ~OpenMPThreads() { omp_set_num_threads(before_); }
  OpenMPThreads(const OpenMPThreads&) = delete;
  OpenMPThreads& operator=(const OpenMPThreads&) = delete;

 private:
  int before_;
};
struct WhoComputes {
  using value = float;
  int* thread;
  template <class L, class J>
  void at(J j) const {
    thread[j.at] = omp_get_thread_num();
  }
};
template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

}  // namespace

TEMPLATE_TEST_CASE("thrust_omp computes what Serial does, at sizes that divide nothing", "", float, double) {
  const OpenMPThreads threads(2);
  check_against_serial<thrust_omp, TestType>();
}

TEST_CASE("a ViT trains on thrust_omp as on Serial") {
  const OpenMPThreads threads(2);
  const Training expected = train<serial>(0), found = train<thrust_host>(0);
  CHECK(expected.losses.back() < expected.losses.front());
  check_close(found.losses, expected.losses, 1e-4);
  check_close(found.gradients, expected.gradients, 1e-5);
}

TEST_CASE("thrust_omp has the same bits for any number of threads, OpenMP's and its own") {
  using B = Thrust<thrust_omp>;
  struct Results {
    std::vector<float> curve, rows, products;
    std::vector<std::vector<float>> sums;
    Training training;
  };
  const auto run = [](int threads) {
    const B backend_{backend{.threads = threads}};
    Results r;
    r.curve = curve<B, float>(backend_, 40001, true);
    r.rows = normalised<B, float>(backend_, 2051, 130);
    for (const auto [rows, width] : matrices) r.sums.push_back(sums<B, float>(backend_, rows, width, true));
    for (const ProductCase& c : product_cases) {
      const std::vector<float> values = product<B, float>(backend_, c);
      r.products.insert(r.products.end(), values.begin(), values.end());
    }
    r.training = train<thrust_host>(threads);
    return r;
  };
  const OpenMPThreads one(1);
  const Results expected = run(0);
  for (const int threads : {1, 2, 3, 4}) {
    for (const int own : {0, 1, 3}) {
      INFO(threads << " threads of OpenMP, backend{.threads = " << own << "}");
      const OpenMPThreads set(threads);
      const Results found = run(own);
      CHECK(same_bits(found.curve, expected.curve));
      CHECK(same_bits(found.rows, expected.rows));
      CHECK(same_bits(found.products, expected.products));
      for (std::size_t i = 0; i < matrices.size(); ++i) CHECK(same_bits(found.sums[i], expected.sums[i]));
      CHECK(same_bits(found.training.losses, expected.training.losses));
      CHECK(same_bits(found.training.gradients, expected.training.gradients));
      CHECK(omp_get_max_threads() == threads);
    }
  }
}

TEST_CASE("backend{.threads} bounds the threads of thrust_omp") {
  const OpenMPThreads set(4);
  std::vector<int> who(200000);
  for (const int threads : {1, 2, 3}) {
    const Thrust<thrust_omp> thrust(backend{.threads = threads});
    thrust.elementwise(who.size(), WhoComputes{who.data()});
    CHECK(std::set<int>(who.begin(), who.end()).size() == static_cast<std::size_t>(threads));
  }
  Thrust<thrust_omp>().elementwise(who.size(), WhoComputes{who.data()});
  CHECK(std::set<int>(who.begin(), who.end()).size() == 4);
}

#endif
