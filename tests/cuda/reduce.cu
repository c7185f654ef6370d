// test: separate
// reduce.cu - reductions and einsum through nvcc: patterns on the host, and their programs as kernels where there is a
// device.
#include "catch.hpp"

#include <cstddef>
#include <type_traits>
#include <vector>
#include <vitrail/autodiff/tape.hpp>
#include <vitrail/nn/policy_serial.hpp>
#include <vitrail/ops/einsum.hpp>
#include <vitrail/ops/reduce.hpp>

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
  explicit Shared(std::size_t size) {
    REQUIRE(cudaMallocManaged(&data, size * sizeof(float)) == cudaSuccess);
    for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<float>(i * 7919 % 1000) / 1000 - 0.5f;
  }
  ~Shared() { cudaFree(data); }
};

constexpr std::size_t outer = 3, middle = 37, inner = 20;
const vt::Serial serial_backend;

template <class Program>
void check_rows(const Program& device, const Program& host, const float* found, const float* expected, std::size_t rows,
                std::size_t size) {
  static_assert(std::is_trivially_copyable_v<Program>);
  run_rows<<<static_cast<unsigned>((rows + 127) / 128), 128>>>(device, rows);
  REQUIRE(cudaDeviceSynchronize() == cudaSuccess);
  serial_backend.rows(rows, 1, host);
  for (std::size_t i = 0; i < size; ++i) REQUIRE(found[i] == Approx(expected[i]).epsilon(1e-5).margin(1e-6));
}
// [3, 37, 20] over the middle axis (lanes), or over the last two (runs), and back.
template <class Kind>
void check_reduction(const Kind& kind, std::size_t terms) {
  const Shared x(outer * middle * inner), y(outer * inner), y_host(outer * inner), dy(outer * inner),
      dx(outer * middle * inner), dx_host(outer * middle * inner);
  const auto reducer = kind.template reducer<float>(terms);
  using Reducer = std::remove_const_t<decltype(reducer)>;
  if (terms == middle) {
    const vt::ReducePlan plan = vt::lower_reduce(vt::detail::AxisReduction<vt::Shape<outer, middle, inner>, 1>::axes, 1,
                                                 outer * middle * inner, outer * inner);
    using Forward = vt::detail::ReduceLanes<float, Reducer>;
    using Backward = vt::detail::ReduceLanesBackward<float, Reducer>;
    check_rows(Forward{plan, reducer, x.data, y.data}, Forward{plan, reducer, x.data, y_host.data}, y.data, y_host.data,
               outer, outer * inner);
    check_rows(Backward{plan, reducer, x.data, y_host.data, dy.data, dx.data, false},
               Backward{plan, reducer, x.data, y_host.data, dy.data, dx_host.data, false}, dx.data, dx_host.data, outer,
               outer * middle * inner);
  } else {
    const vt::ReducePlan plan = vt::lower_reduce(vt::detail::AxisReduction<vt::Shape<outer, middle, inner>, 1, 2>::axes,
                                                 1, outer * middle * inner, outer);
    using Forward = vt::detail::ReduceRuns<float, Reducer>;
    using Backward = vt::detail::ReduceRunsBackward<float, Reducer>;
    check_rows(Forward{plan, reducer, x.data, y.data}, Forward{plan, reducer, x.data, y_host.data}, y.data, y_host.data,
               outer, outer);
    check_rows(Backward{plan, reducer, x.data, y_host.data, dy.data, dx.data, false},
               Backward{plan, reducer, x.data, y_host.data, dy.data, dx_host.data, false}, dx.data, dx_host.data, outer,
               outer * middle * inner);
  }
}
void check_einsum(vt::einsum_path path) {
  const Shared x(outer * inner), y(outer * inner), z(outer * inner), z_host(outer * inner);
  vt::EinsumLoops loops;
  loops.outer.push_back({outer, inner, inner, path == vt::einsum_path::lanes ? inner : 1});
  loops.inner = {inner, 1, 1, path == vt::einsum_path::lanes ? std::size_t(1) : 0};
  if (path == vt::einsum_path::lanes) {
    using Program = vt::detail::EinsumLanes<float>;
    check_rows(Program{loops, inner, 1, x.data, y.data, z.data, false},
               Program{loops, inner, 1, x.data, y.data, z_host.data, false}, z.data, z_host.data, outer, outer * inner);
  } else {
    using Program = vt::detail::EinsumRuns<float>;
    check_rows(Program{loops, x.data, y.data, z.data, false}, Program{loops, x.data, y.data, z_host.data, false},
               z.data, z_host.data, outer, outer);
  }
}

}  // namespace

TEST_CASE("nvcc: reductions and einsum of a step, with gradients") {
  const vt::Serial backend;
  vt::Tape<vt::serial, true> tape(backend);
  tape.begin(2);
  std::vector<float> values(2 * 4 * 6);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 24);
  const auto x = tape.tracked_input<vt::Shape<4, 6>, true>(values.data());
  vt::Var windows = vt::reduce<"(h p) (w q) -> h w", vt::op::max, vt::with{.p = 2, .q = 3}>(x);
  vt::Var rows = vt::sum<-1>(x * 2.0);
  vt::Var products = vt::einsum<"h w, h i, i w ->">(windows, windows, windows);
  vt::Var all = products + vt::sum(rows) + vt::var(x, {.correction = 0}) + vt::logsumexp(x) * 0.0 + vt::norm(x) * 0.0 +
                vt::max(vt::argmax<1>(x));
  CHECK(windows.data[0] == 8);
  CHECK(windows.data[3] == 23);
  CHECK(rows.data[0] == 30);
  vt::Var mean = vt::einsum<"i, i -> ", vt::with{}>(vt::reduce<"h w -> w", vt::op::mean>(x), vt::min<0>(x));
  CHECK(mean.data[0] == Approx(9 * 0 + 10 + 22 + 36 + 52 + 70));
  CHECK(all.data[0] > 0);
}

TEST_CASE("nvcc: the programs of reductions and einsum are the same on a device") {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) return;  // they were compiled
  for (const std::size_t terms : {middle, middle * inner}) {
    check_reduction(vt::op::mean{}, terms);
    check_reduction(vt::op::max{}, terms);
    check_reduction(vt::op::var{}, terms);
    check_reduction(vt::op::norm{}, terms);
    check_reduction(vt::op::logsumexp{}, terms);
  }
  check_einsum(vt::einsum_path::lanes);
  check_einsum(vt::einsum_path::runs);
}
