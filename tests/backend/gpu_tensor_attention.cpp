// gpu_tensor_attention.cpp - the attention kernels on tensor cores, emulated, against the kernels of floats on the same
// numbers: the sizes of models, ragged ones, windows, masks, bias; and that wrong ones would be noticed.
#include "catch.hpp"

#include <vitrail/backend/cuda/attention_backward.hpp>
#include <vitrail/backend/cuda/attention_forward.hpp>
#include <vitrail/backend/philox.hpp>
#include <vitrail/tensor/tensor.hpp>

#include <cmath>
#include <string>
#include <vector>

#include "emulated_gpu.hpp"

namespace vt = vitrail;

namespace {

using Memory = vt::cuda::EmulatedMemory;

// What a kernel may do wrong: leave out its nth barrier, or take fragments from another lane.
struct Fault {
  int launch = -1;  // the number of the kernel
  int barrier = -1;
  unsigned lane = 0;
};
class FaultyThread {
 public:
  FaultyThread(const vt::cuda::EmulatedThread& thread, const Fault& fault) : thread_(thread), fault_(fault) {}
  std::size_t block() const { return thread_.block(); }
  unsigned index() const { return thread_.index(); }
  void sync() const {
    if (barriers_++ != fault_.barrier) thread_.sync();
  }
  template <class T>
  T from_lane(T x, unsigned mask, unsigned lanes) const {
    return thread_.from_lane(x, mask, lanes);
  }
  template <class T, class F>
  void share(const T& x, const F& f) const {
    thread_.share(x, [&](const auto& of_lane) { f([&](unsigned lane) { return of_lane(lane ^ fault_.lane); }); });
  }
  template <class T>
  T* shared() const {
    return thread_.shared<T>();
  }

 private:
  const vt::cuda::EmulatedThread& thread_;
  Fault fault_;
  mutable int barriers_ = 0;
};
struct Device {
  Fault fault = {};
  vt::cuda::EmulatedDevice device{0};
  mutable int launches = 0;
  template <class Kernel>
  struct Faulty {
    static constexpr unsigned threads = Kernel::threads;
    static constexpr bool cooperates = vt::cuda::cooperates<Kernel>();
    Kernel kernel;
    Fault fault;
    void operator()(const vt::cuda::EmulatedThread& thread) const { kernel(FaultyThread(thread, fault)); }
  };
  template <class Kernel>
  void launch(const vt::cuda::Grid& grid, const Kernel& kernel) const {
    device.launch(grid, Faulty<Kernel>{kernel, launches++ == fault.launch ? fault : Fault{}});
  }
};

struct Sizes {
  std::string what;
  std::size_t batch, heads, queries, keys, channels;
  bool bias = false, causal = false, add = false;
  vt::Windows windows = {};
  std::size_t tokens(std::size_t of_group) const { return windows.count() * of_group; }
};

// Numbers on the device, exact in bf16.
template <class X>
struct Values {
  vt::Buffer<X, Memory> at;
  explicit Values(std::size_t size, std::uint32_t site = 0) : at(size) {
    std::vector<X> host;
    host.reserve(size);
    for (std::size_t i = 0; i < size; ++i) {
      host.push_back(X(vt::bf16(site ? vt::normal_at<float>({3, 0, site}, 0, i) : std::nanf(""))));
    }
    Memory::copy(at.data(), host.data(), size * sizeof(X));
  }
  std::vector<double> get() const {
    const auto host = vt::detail::vector_of<Memory>(at.data(), at.size());
    return {host.begin(), host.end()};
  }
};

struct Results {
  std::vector<double> out, log_sum_exp, q, k, v, bias;
};
// With values X: qkv apart, [batch, tokens, heads * channels + 8], of which the last 8 are nobody's.
template <class X>
Results run(const Sizes& s, const Fault& fault = {}) {
  const Device device{fault};
  const std::size_t row = s.heads * s.channels + 8, queries = s.tokens(s.queries), keys = s.tokens(s.keys);
  const auto site = [&](std::uint32_t number) { return s.add ? number : 0; };
  Values<X> q(s.batch * queries * row, 1), k(s.batch * keys * row, 2), v(s.batch * keys * row, 3),
      up(s.batch * queries * row, 4), out(s.batch * queries * row);
  Values<X> dq(s.batch * queries * row, site(5)), dk(s.batch * keys * row, site(6)), dv(s.batch * keys * row, site(7));
  const std::size_t scores = s.bias ? s.heads * s.queries * s.keys : 1;
  const Values<float> bias(scores, 8);
  Values<float> dbias(scores, site(9)), work(3 * scores), sums(s.batch * s.windows.count() * s.heads * s.queries);
  const auto on = [&](auto* data, std::size_t tokens) {
    return vt::kernels::Heads<std::remove_pointer_t<decltype(data)>>{data, static_cast<std::ptrdiff_t>(row),
                                                                     static_cast<std::ptrdiff_t>(s.channels),
                                                                     static_cast<std::ptrdiff_t>(tokens * row)};
  };
  const auto constant = [](const Values<X>& x) { return static_cast<const X*>(x.at.data()); };
  vt::kernels::Attention<float, X> a;
  a.batch = s.batch, a.heads = s.heads, a.queries = s.queries, a.keys = s.keys, a.channels = s.channels;
  a.q = on(constant(q), queries), a.k = on(constant(k), keys), a.v = on(constant(v), keys);
  a.out = on(out.at.data(), queries), a.log_sum_exp = sums.at.data();
  a.scale = 1 / std::sqrt(static_cast<float>(s.channels)), a.bias = s.bias ? bias.at.data() : nullptr;
  a.causal = s.causal, a.windows = s.windows;
  vt::cuda::attention_forward(device, a);
  vt::kernels::AttentionGradient<float, X> g;
  g.forward = a, g.out_gradient = on(constant(up), queries);
  g.q = on(dq.at.data(), queries), g.k = on(dk.at.data(), keys), g.v = on(dv.at.data(), keys);
  g.add_q = g.add_k = g.add_v = g.add_bias = s.add;
  if (s.bias) g.bias = dbias.at.data(), g.bias_work = work.at.data();
  vt::cuda::attention_backward(device, g, 3);
  device.device.wait();
  return {out.get(), sums.get(), dq.get(), dk.get(), dv.get(), s.bias ? dbias.get() : std::vector<double>{}};
}
// |found - expected| / |expected|; what nobody may write to must be as it was.
double distance(const std::vector<double>& found, const std::vector<double>& expected) {
  REQUIRE(found.size() == expected.size());
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (std::isnan(expected[i])) REQUIRE(std::isnan(found[i]));
    if (std::isnan(expected[i]) || found[i] == expected[i]) continue;
    difference += (found[i] - expected[i]) * (found[i] - expected[i]);
    norm += expected[i] * expected[i];
  }
  return difference == 0 ? 0 : std::sqrt(difference / norm);
}
void check(const Sizes& s) {
  const Results found = run<vt::bf16>(s), expected = run<float>(s);
  INFO(s.what);
  CHECK(distance(found.out, expected.out) < 0.01);
  CHECK(distance(found.log_sum_exp, expected.log_sum_exp) < 1e-3);
  CHECK(distance(found.q, expected.q) < 0.01);
  CHECK(distance(found.k, expected.k) < 0.01);
  CHECK(distance(found.v, expected.v) < 0.01);
  CHECK(distance(found.bias, expected.bias) < 0.01);
  const test::DescendingThreads order;
  const Results again = run<vt::bf16>(s);
  CHECK(distance(again.out, found.out) == 0);
  CHECK(distance(again.q, found.q) == 0);
  CHECK(distance(again.k, found.k) == 0);
  CHECK(distance(again.v, found.v) == 0);
  CHECK(distance(again.bias, found.bias) == 0);
}

}  // namespace

TEST_CASE("attention on tensor cores: whole tiles, ragged ones, narrow and wide heads") {
  check({"one tile", 1, 1, 64, 64, 64});
  check({"ViT at 224", 1, 1, 197, 197, 64});
  check({"small heads", 2, 3, 17, 17, 8});
  check({"odd channels, more keys", 2, 2, 9, 70, 20});
  check({"ViT-H's heads", 1, 1, 70, 70, 80});
  check({"the widest", 1, 1, 20, 30, 128});
  check({"too wide", 1, 1, 20, 30, 130});
}
TEST_CASE("attention on tensor cores: bias, causal, sums of gradients, windows") {
  check({"bias", 2, 2, 20, 33, 32, true});
  check({"causal", 1, 2, 130, 130, 16, false, true});
  check({"causal, more keys, added", 2, 1, 20, 85, 32, true, true, true});
  check({"shifted windows", 2, 2, 49, 49, 32, true, false, false, {14, 14, 7, 7, 3, 3}});
  check({"shifted windows, added", 1, 1, 16, 16, 24, true, false, true, {8, 8, 4, 4, 2, 2}});
}

TEST_CASE("attention on tensor cores: faults are noticed") {
  const Sizes s{"faults", 1, 1, 70, 130, 32, true};
  const Results right = run<vt::bf16>(s);
  const auto changed = [&](const Fault& fault) {
    const auto differs = [&](const Results& found) {
      const double all = distance(found.out, right.out) + distance(found.q, right.q) + distance(found.k, right.k) +
                         distance(found.v, right.v) + distance(found.bias, right.bias);
      return !(all <= 0.02);  // NaN too
    };
    if (differs(run<vt::bf16>(s, fault))) return true;
    const test::DescendingThreads order;
    return differs(run<vt::bf16>(s, fault));
  };
  for (int launch = 0; launch < 3; ++launch) {
    INFO("kernel " << launch);
    CHECK(changed({.launch = launch, .lane = 1}));
    CHECK(changed({.launch = launch, .lane = 8}));
  }
  // Barriers before a tile's tokens are read. Those between loading a tile and multiplying it are hidden here: a warp
  // of the emulation waits for its own lanes first, and all others load meanwhile.
  for (const Fault fault : {Fault{0, 4}, Fault{0, 7}, Fault{1, 4}, Fault{2, 5}}) {
    INFO("kernel " << fault.launch << ", barrier " << fault.barrier);
    CHECK(changed(fault));
  }
}
