// movement.cu - the programs that move data exist once: the ones that the CPU runs, as kernels, give the same bits.
#include "catch.hpp"

#include <vitrail/backend/backend.hpp>
#include <vitrail/nn/policy_serial.hpp>
#include <vitrail/ops/embedding.hpp>
#include <vitrail/ops/strided_copy.hpp>
#include <vitrail/ops/strided_sum.hpp>

#include <cstddef>
#include <initializer_list>

using namespace vitrail;

namespace {

template <class Program>
__global__ void run_rows(Program program, std::size_t count) {
  const std::size_t r = std::size_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (r < count) program.row(Row<typename Program::value>{}, r);
}
// One thread for each row.
struct Device {
  template <class Program>
  void rows(std::size_t count, std::size_t, const Program& program) const {
    run_rows<<<static_cast<unsigned>((count + 127) / 128), 128>>>(program, count);
    REQUIRE(cudaGetLastError() == cudaSuccess);
    REQUIRE(cudaDeviceSynchronize() == cudaSuccess);
  }
};

template <class T>
class Shared {
 public:
  explicit Shared(std::size_t size) : size_(size) {
    REQUIRE(cudaMallocManaged(&data_, size * sizeof(T)) == cudaSuccess);
    for (std::size_t i = 0; i < size; ++i) data_[i] = static_cast<T>(i % 251);
  }
  ~Shared() { cudaFree(data_); }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  T* data() const { return data_; }
  T& operator[](std::size_t i) const { return data_[i]; }
  void check_same(const Shared& other) const {
    for (std::size_t i = 0; i < size_; ++i) {
      INFO("element " << i);
      REQUIRE(data_[i] == other[i]);
    }
  }

 private:
  T* data_ = nullptr;
  std::size_t size_;
};

constexpr std::size_t size = 1 << 14;
StridedAxes axes_of(std::initializer_list<StridedAxis> list) {
  StridedAxes axes;
  for (const StridedAxis& axis : list) axes.push_back(axis);
  return axes;
}
// For copies of runs, of squares and of elements, with and without repetition.
const StridedAxes cases[] = {
    axes_of({{size, 1, 1}}),
    axes_of({{5, 37, 37 * 40}, {40, 5 * 37, 37}, {37, 1, 1}}),
    axes_of({{3, 35 * 41, 35 * 41}, {41, 1, 35}, {35, 41, 1}}),
    axes_of({{40, 90, 45}, {45, 2, 1}}),
    axes_of({{70, 1, 3}, {3, 0, 1}}),
    axes_of({{9, 0, 70}, {70, 1, 1}}),
};

}  // namespace

TEST_CASE("copies and sums along axes are the same on the device") {
  const Device device;
  const Serial serial_backend;
  const Shared<float> from(size);
  for (const StridedAxes& axes : cases) {
    for (const bool adds : {false, true}) {
      const Shared<float> to(size), to_host(size);
      detail::strided_copy(device, axes, from.data(), to.data(), adds);
      detail::strided_copy(serial_backend, axes, from.data(), to_host.data(), adds);
      to.check_same(to_host);
      if (!has_repeats(axes)) continue;
      detail::strided_sum(device, axes, from.data(), to.data(), adds);
      detail::strided_sum(serial_backend, axes, from.data(), to_host.data(), adds);
      to.check_same(to_host);
    }
  }
}

TEST_CASE("rows of a table and their gradient are the same on the device") {
  constexpr std::size_t samples = 9, entries = 5, width = 70;
  const Shared<int> indices(samples);
  for (std::size_t s = 0; s < samples; ++s) indices[s] = static_cast<int>(s * s % entries);
  const Shared<float> from(size), to(size), to_host(size);
  const Device device;
  const Serial serial_backend;
  device.rows(samples, width, detail::TakeRows<float>{width, indices.data(), from.data(), to.data()});
  serial_backend.rows(samples, width, detail::TakeRows<float>{width, indices.data(), from.data(), to_host.data()});
  to.check_same(to_host);
  detail::AddToRows<float> add{width, 64, entries, samples, indices.data(), from.data(), to.data(), false};
  device.rows(2, width, add);
  add.table = to_host.data();
  serial_backend.rows(2, width, add);
  to.check_same(to_host);
}
