// programs.cu - elementwise, row and column programs exist once: the ones that the CPU runs, as kernels, give Serial's
// results.
#include "catch.hpp"

#include <vitrail/autodiff/driver.hpp>
#include <vitrail/backend/philox.hpp>
#include <vitrail/backend/serial.hpp>
#include <vitrail/expr/binary_functions.hpp>
#include <vitrail/expr/elementwise.hpp>
#include <vitrail/expr/functions.hpp>
#include <vitrail/expr/tree.hpp>
#include <vitrail/nn/policy_serial.hpp>
#include <vitrail/ops/cross_entropy.hpp>
#include <vitrail/ops/layer_norm.hpp>
#include <vitrail/ops/softmax.hpp>
#include <vitrail/train/adamw.hpp>

#include <cstddef>
#include <type_traits>

using namespace vitrail;

namespace {

template <class Program>
__global__ void run_elementwise(Program program, std::size_t size) {
  const std::size_t i = std::size_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < size) program.template at<typename Program::value>(Whole{i});
}
template <class Program>
__global__ void run_rows(Program program, std::size_t count) {
  const std::size_t r = std::size_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (r < count) program.row(Row<typename Program::value>{}, r);
}
template <std::size_t K, class Program>
__global__ void run_columns(Program program, std::size_t rows, std::size_t width, typename Program::value* to) {
  using T = typename Program::value;
  const std::size_t j = std::size_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (j >= width) return;
  T sums[K] = {};
  for (std::size_t r = 0; r < rows; ++r) program.template add<T>(r, Whole{j}, sums);
  for (std::size_t k = 0; k < K; ++k) to[k * width + j] = sums[k];
}

// One thread for each element or row: what a real backend does better is not the question here.
unsigned blocks(std::size_t threads) { return static_cast<unsigned>((threads + 127) / 128); }
void finish() {
  REQUIRE(cudaGetLastError() == cudaSuccess);
  REQUIRE(cudaDeviceSynchronize() == cudaSuccess);
}

// Values that host and device read and write, random at first.
template <class T = float>
class Shared {
 public:
  explicit Shared(std::size_t size, std::uint32_t site = 0) : size_(size) {
    REQUIRE(cudaMallocManaged(&data_, size * sizeof(T)) == cudaSuccess);
    for (std::size_t i = 0; i < size; ++i) data_[i] = static_cast<T>(normal_at<double>({1, 0, site}, 0, i));
  }
  ~Shared() { cudaFree(data_); }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  T* data() const { return data_; }
  T& operator[](std::size_t i) const { return data_[i]; }
  std::size_t size() const { return size_; }

 private:
  T* data_ = nullptr;
  std::size_t size_;
};
void check_same(const Shared<>& device, const Shared<>& host) {
  for (std::size_t i = 0; i < host.size(); ++i) {
    INFO("element " << i);
    REQUIRE(device[i] == Approx(host[i]).epsilon(1e-5).margin(1e-6));
  }
}

const Serial serial_backend;
constexpr std::size_t rows = 37, width = 50;

using GeluTree = Binary<function::Multiply, Unary<function::Gelu, Leaf<0>>, Leaf<1>>;
using GeluKernel = detail::ExpressionKernel<float, float, 0u, GeluTree, 3u, 3u, 2>;
static_assert(std::is_trivially_copyable_v<GeluKernel>);

}  // namespace

TEST_CASE("an expression and its gradient are the same on the device") {
  const Shared<> a(rows * width, 1), b(rows * width, 2), up(rows * width, 3);
  const Shared<> y(rows * width), da(rows * width), db(rows * width), y_host(rows * width), da_host(rows * width),
      db_host(rows * width);
  const auto kernel = [&](const Shared<>& out, const Shared<>& left, const Shared<>& right) {
    const GeluKernel::Leaves leaves{{a.data(), b.data()}, {left.data(), right.data()}, {}};
    return GeluKernel{{}, leaves, out.data(), up.data(), width};
  };
  run_elementwise<<<blocks(y.size()), 128>>>(detail::ExpressionForward<GeluKernel>{kernel(y, da, db)}, y.size());
  run_elementwise<<<blocks(y.size()), 128>>>(detail::ExpressionBackward<3u, GeluKernel>{kernel(y, da, db)}, y.size());
  finish();
  serial_backend.elementwise(y.size(), detail::ExpressionForward<GeluKernel>{kernel(y_host, da_host, db_host)});
  serial_backend.elementwise(y.size(), detail::ExpressionBackward<3u, GeluKernel>{kernel(y_host, da_host, db_host)});
  check_same(y, y_host);
  check_same(da, da_host);
  check_same(db, db_host);
}

TEST_CASE("row and column programs are the same on the device") {
  const Shared<> x(rows * width, 1), weight(width, 2), bias(width, 3), up(rows * width, 4);
  const Shared<> y(rows * width), statistics(2 * rows), y_host(rows * width), statistics_host(2 * rows);
  SECTION("layer norm") {
    run_rows<<<blocks(rows), 128>>>(detail::LayerNormForward<float>{width, x.data(), weight.data(), bias.data(),
                                                                    y.data(), statistics.data(), 1e-6f},
                                    rows);
    finish();
    serial_backend.rows(rows, width,
                        detail::LayerNormForward<float>{width, x.data(), weight.data(), bias.data(), y_host.data(),
                                                        statistics_host.data(), 1e-6f});
    check_same(y, y_host);
    check_same(statistics, statistics_host);
    const detail::LayerNormBackward<float> backward{
        width, x.data(), weight.data(), up.data(), statistics_host.data(), y.data(), false};
    auto backward_host = backward;
    backward_host.dx = y_host.data();
    run_rows<<<blocks(rows), 128>>>(backward, rows);
    const detail::LayerNormSums<float> sums{width, x.data(), up.data(), statistics_host.data()};
    const Shared<> of(2 * width), of_host(2 * width);
    run_columns<2><<<blocks(width), 128>>>(sums, rows, width, of.data());
    finish();
    serial_backend.rows(rows, width, backward_host);
    serial_backend.columns<2>(rows, width, sums,
                              Columns<float, 2>{{of_host.data(), of_host.data() + width}, {}, nullptr});
    check_same(y, y_host);
    check_same(of, of_host);
  }
  SECTION("softmax") {
    detail::SoftmaxForward<float> forward{width, x.data(), y.data()};
    detail::SoftmaxBackward<float> backward{width, y_host.data(), up.data(), y.data(), false};
    const Shared<> dx_host(rows * width);
    run_rows<<<blocks(rows), 128>>>(forward, rows);
    finish();
    forward.y = y_host.data();
    serial_backend.rows(rows, width, forward);
    check_same(y, y_host);
    run_rows<<<blocks(rows), 128>>>(backward, rows);
    finish();
    backward.dx = dx_host.data();
    serial_backend.rows(rows, width, backward);
    check_same(y, dx_host);
  }
  SECTION("cross entropy") {
    const Shared<int> labels(rows);
    for (std::size_t r = 0; r < rows; ++r) labels[r] = r == 5 ? -100 : static_cast<int>(r % width);
    const Shared<> loss(2 * rows), loss_host(2 * rows);
    const detail::CrossEntropyForward<float, float> forward{width,       x.data(), labels.data(), statistics.data(),
                                                            loss.data(), 0.1f,     -100};
    auto forward_host = forward;
    forward_host.log_sum_exp = statistics_host.data(), forward_host.loss_and_valid = loss_host.data();
    run_rows<<<blocks(rows), 128>>>(forward, rows);
    finish();
    serial_backend.rows(rows, width, forward_host);
    check_same(loss, loss_host);
  }
}

TEST_CASE("an update of AdamW is the same on the device") {
  const Shared<> weight(width, 1), first(width, 2), second(width, 3), gradient(width, 4);
  const Shared<> weight_host(width, 1), first_host(width, 2), second_host(width, 3);
  for (std::size_t i = 0; i < width; ++i) second[i] = second_host[i] = second[i] * second[i];
  detail::AdamWUpdate<float> update{weight.data(), first.data(), second.data(), gradient.data(), 0.9f, 0.999f, 0.99f,
                                    1e-3f,         1.0f,         1e-8f};
  run_elementwise<<<blocks(width), 128>>>(update, width);
  finish();
  update.weight = weight_host.data(), update.first = first_host.data(), update.second = second_host.data();
  serial_backend.elementwise(width, update);
  check_same(weight, weight_host);
  check_same(second, second_host);
}
