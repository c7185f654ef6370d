// test: separate
// conv.cu - the programs of convolutions, pooling and the norms of channels as kernels, where there is a device.
#include "catch.hpp"

#include <cstddef>
#include <type_traits>
#include <vitrail/nn/policy_serial.hpp>
#include <vitrail/ops/conv2d.hpp>
#include <vitrail/ops/group_norm.hpp>
#include <vitrail/ops/pool2d.hpp>

namespace vt = vitrail;

namespace {

template <class Program>
__global__ void run_rows(Program program, std::size_t count) {
  const std::size_t r = std::size_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (r < count) program.row(vt::Row<typename Program::value>{}, r);
}

// Values that host and device read and write.
struct Shared {
  float* data = nullptr;
  std::size_t size;
  explicit Shared(std::size_t size_) : size(size_) {
    REQUIRE(cudaMallocManaged(&data, size * sizeof(float)) == cudaSuccess);
    for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<float>(i * 7919 % 1000) / 1000 - 0.5f;
  }
  ~Shared() { cudaFree(data); }
};

// make(to) gives the program that writes to `to`: on the device as on the host.
template <class Make>
void check_rows(std::size_t rows, std::size_t size, const Make& make) {
  const Shared device(size), host(size);
  using Program = decltype(make(device.data));
  static_assert(std::is_trivially_copyable_v<Program>);
  run_rows<<<static_cast<unsigned>((rows + 127) / 128), 128>>>(make(device.data), rows);
  REQUIRE(cudaDeviceSynchronize() == cudaSuccess);
  vt::Serial().rows(rows, 1, make(host.data));
  for (std::size_t i = 0; i < size; ++i) REQUIRE(device.data[i] == Approx(host.data[i]).epsilon(1e-5).margin(1e-6));
}

}  // namespace

TEST_CASE("nvcc: the programs of convolutional networks are the same on a device") {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) return;  // they were compiled
  using T = float;
  constexpr std::size_t count = 2, channels = 4, height = 9, width = 7, plane = height * width;
  const Shared x(count * channels * plane), dy(count * channels * plane), matrix(count * channels * 9 * plane);
  const Shared weight(channels), bias(channels), statistics(2 * count * channels);
  vt::Convolution<T> g;
  g.count = count, g.channels = channels, g.height = height, g.width = width, g.out_height = 5, g.out_width = 4;
  g.kernel_height = g.kernel_width = 3, g.stride = 2, g.padding = 1, g.x = x.data;
  const std::size_t rows = count * channels;
  check_rows(rows * 9, rows * 9 * 20, [&](T* to) { return vt::detail::GatherWindows<T>{g, to}; });
  check_rows(rows, rows * plane, [&](T* to) {
    vt::Convolution<T> h = g;
    h.dx = to;
    return vt::detail::SumWindows<T>{h, matrix.data};
  });
  check_rows(rows, rows * 20, [&](T* to) { return vt::detail::FillChannels<T>{channels, 20, bias.data, to}; });
  check_rows(channels, channels,
             [&](T* to) { return vt::detail::SumChannels<T>{count, channels, plane, x.data, to, false}; });

  const vt::detail::Pool2d windows{height, width, 5, 4, 3, 2, 1};
  const Shared places(rows * 20), largest(rows * 20);
  vt::Serial().rows(rows, 1, vt::detail::MaxPool<T>{windows, x.data, largest.data, places.data});
  check_rows(rows, rows * 20, [&](T* to) { return vt::detail::MaxPool<T>{windows, x.data, to, nullptr}; });
  check_rows(rows, rows * plane, [&](T* to) {
    return vt::detail::MaxPoolBackward<T>{windows, places.data, dy.data, to, false};
  });
  check_rows(rows, rows * 20, [&](T* to) { return vt::detail::AvgPool<T>{windows, x.data, to}; });
  check_rows(rows, rows * plane, [&](T* to) { return vt::detail::AvgPoolBackward<T>{windows, dy.data, to, false}; });

  check_rows(channels, rows * plane, [&](T* to) {
    return vt::detail::BatchNormForward<T>{count, channels, plane, x.data, weight.data, bias.data,
                                           to,    nullptr,  {},    true,   1e-5f,       0.1f};
  });
  check_rows(channels, rows * plane, [&](T* to) {
    return vt::detail::BatchNormBackward<T>{count, channels, plane,   x.data, weight.data, dy.data, statistics.data,
                                            to,    nullptr,  nullptr, true,   false,       false,   false};
  });
  check_rows(count * 2, rows * plane, [&](T* to) {
    return vt::detail::GroupNormForward<T>{2, channels / 2, plane, x.data, weight.data, bias.data, to, nullptr, 1e-5f};
  });
  check_rows(count * 2, rows * plane, [&](T* to) {
    return vt::detail::GroupNormBackward<T>{2,       channels / 2,    plane, x.data, weight.data,
                                            dy.data, statistics.data, to,    false};
  });
  check_rows(channels, channels, [&](T* to) {
    return vt::detail::GroupNormSums<T>{count,           2,  channels / 2, plane, x.data, dy.data,
                                        statistics.data, to, nullptr,      false, false};
  });
}
