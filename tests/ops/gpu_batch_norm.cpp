// gpu_batch_norm.cpp - batch norm in parts on the emulated GPU: more samples than chunks, rows that do not fill a lane.
#include "catch.hpp"

#include <vitrail/backend/openmp.hpp>
#include <vitrail/backend/philox.hpp>
#include <vitrail/ops/batch_norm_parts.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "emulated_gpu.hpp"

namespace vt = vitrail;

namespace {

using Gpu = test::emulated_gpu::backend;

template <class B, class T>
using On = vt::Buffer<T, typename B::memory>;
template <class B, class T>
On<B, T> filled(std::size_t size, std::uint32_t site, double from = -1) {
  std::vector<T> values(size);
  for (std::size_t i = 0; i < size; ++i) values[i] = T(from + 2 * vt::uniform_at<double>({3, 0, site}, 0, i));
  On<B, T> buffer(size);
  B::memory::copy(buffer.data(), values.data(), size * sizeof(T));
  return buffer;
}
template <class B, class T>
void append(std::vector<double>& to, const On<B, T>& buffer) {
  std::vector<T> values(buffer.size());
  B::memory::copy(values.data(), buffer.data(), values.size() * sizeof(T));
  to.insert(to.end(), values.begin(), values.end());
}

// Everything that forward and backward write, gradients added to what was there.
template <class B, class T>
std::vector<double> normalise(const B& backend, std::size_t count, std::size_t positions, bool of_batch, bool keeps) {
  constexpr std::size_t channels = 3;
  const std::size_t size = count * channels * positions;
  const auto x = filled<B, T>(size, 1, 2), dy = filled<B, T>(size, 2), weight = filled<B, T>(channels, 3),
             bias = filled<B, T>(channels, 4), mean = filled<B, T>(channels, 5),
             variance = filled<B, T>(channels, 6, 1);
  auto dx = filled<B, T>(size, 7), dw = filled<B, T>(channels, 8), db = filled<B, T>(channels, 9);
  On<B, T> y(size), state(2 * channels), next_mean(channels), next_variance(channels),
      work(vt::detail::batch_norm_work<B>(channels));
  const vt::detail::RunningStatistics<T> running{mean.data(), variance.data(), next_mean.data(), next_variance.data()};
  vt::detail::batch_norm_forward(
      backend,
      vt::detail::BatchNormForward<T>{count, channels, positions, x.data(), weight.data(), bias.data(), y.data(),
                                      keeps ? state.data() : nullptr, running, of_batch, T(1e-5), T(0.1)},
      work.data());
  if (keeps) {
    vt::detail::batch_norm_backward(
        backend,
        vt::detail::BatchNormBackward<T>{count, channels, positions, x.data(), weight.data(), dy.data(), state.data(),
                                         dx.data(), dw.data(), db.data(), of_batch, true, true, true},
        work.data());
  }
  std::vector<double> all;
  for (const auto* buffer : {&y, &state, &next_mean, &next_variance, &dx, &dw, &db}) append<B, T>(all, *buffer);
  return all;
}
void check(std::size_t count, std::size_t positions, bool of_batch, bool keeps) {
  INFO(count << " samples of " << positions << " positions, of the batch " << of_batch << ", with state " << keeps);
  const auto expected = normalise<vt::OpenMP, double>(vt::OpenMP(), count, positions, of_batch, keeps);
  const auto found = normalise<Gpu, float>(Gpu(), count, positions, of_batch, keeps);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    INFO("number " << i);
    REQUIRE(found[i] == Approx(expected[i]).epsilon(2e-4).margin(2e-4));
  }
  const test::DescendingThreads order;
  CHECK((normalise<Gpu, float>(Gpu(), count, positions, of_batch, keeps) == found));
}

}  // namespace

TEST_CASE("batch norm in parts gives what one row for each channel does") {
  check(150, 49, true, true);
  check(150, 49, true, false);
  check(5, 140, true, true);
  check(65, 1, true, true);
  check(70, 6, false, true);
}
