// swin.cpp - what the lecture states about Swin: patches, merging, windows and shifted windows. Shapes that are wrong
// do not compile: compile_fail/swin_*.cpp.
#include "catch.hpp"

#include <vitrail/inspect/dependence.hpp>
#include <vitrail/models/swin.hpp>
#include <vitrail/nn/accepts.hpp>
#include <vitrail/nn/cost.hpp>

#include <type_traits>

namespace vt = vitrail;

namespace {

using P = vt::cpu_double;

// Patches [3, 4, 4], each projected: [3, H, W] -> [H / 4 W / 4, C].
using Patches = vt::PatchEmbedding<3, 4, 96>;
static_assert(std::is_same_v<vt::output_shape<Patches, vt::Shape<3, 224, 224>>, vt::Shape<56 * 56, 96>>);
static_assert(std::is_same_v<decltype(Patches::weight)::shape, vt::Shape<96, 3, 4, 4>>);
// Merging: [C, H, W] -> [2 C, H / 2, W / 2].
using Merging = vt::PatchMerging<56, 56, 96>;
static_assert(std::is_same_v<vt::output_shape<Merging, vt::Shape<56 * 56, 96>>, vt::Shape<28 * 28, 192>>);
static_assert(!vt::accepts<Merging, vt::Shape<28 * 28, 96>> && !vt::accepts<Merging, vt::Shape<56 * 56, 192>>);

constexpr vt::WindowedMap plain{8, 8, 4}, shifted{8, 8, 4, true};
using Map = vt::Shape<64, 6>;
template <vt::WindowedMap M>
using Attention = vt::WindowAttention<6, 2, M, P>;
static_assert(std::is_same_v<vt::output_shape<Attention<plain>, Map>, Map>);
static_assert(std::is_same_v<vt::output_shape<Attention<shifted>, Map>, Map>);

// Does token i of the map see token j if the borders of the windows are `shift` tokens further down and to the right?
bool one_window(std::size_t i, std::size_t j, std::size_t shift) {
  const auto window = [shift](std::size_t y) { return (y + 4 - shift) / 4; };  // the first one may be smaller
  return window(i / 8) == window(j / 8) && window(i % 8) == window(j % 8);
}
bool sees_its_window_alone(const vt::Dependence& d, std::size_t shift) {
  for (std::size_t i = 0; i < 64; ++i) {
    for (std::size_t j = 0; j < 64; ++j) {
      if (d.at(i, j) != one_window(i, j, shift)) return false;
    }
  }
  return true;
}

struct TwoBlocks : vt::Module<TwoBlocks> {
  vt::SwinBlock<6, 2, 12, plain, P> first;
  vt::SwinBlock<6, 2, 12, shifted, P> second;
  static constexpr void visit(auto& self, auto&& f) {
    f("first", self.first);
    f("second", self.second);
  }
  constexpr auto forward(const auto& x) const { return second(first(x)); }
};

template <class M, class S>
struct Alone : vt::Module<Alone<M, S>> {
  using policy = vt::cpu;
  using input = S;
  M module;
  static constexpr void visit(auto& self, auto&& f) { f("", self.module); }
  constexpr auto forward(const auto& x) const { return module(x); }
};
// How many times the multiply-adds of window attention those of attention over the whole map are.
template <std::size_t Side, std::size_t C>
constexpr double times_the_work =
    static_cast<double>(vt::cost_of<Alone<vt::Attention<C, 3>, vt::Shape<Side * Side, C>>>(1).multiply_adds) /
    static_cast<double>(
        vt::cost_of<Alone<vt::WindowAttention<C, 3, vt::WindowedMap{Side, Side, 7}>, vt::Shape<Side * Side, C>>>(1)
            .multiply_adds);
static_assert(times_the_work<56, 96> > 13.7 && times_the_work<56, 96> < 13.9);
static_assert(times_the_work<14, 96> > 1.6 && times_the_work<14, 96> < 1.62);

}  // namespace

TEST_CASE("a patch that is merged is the 2 x 2 neighbours side by side, rows running first") {
  vt::Batch<vt::Shape<16, 1>> tokens(1);
  for (std::size_t i = 0; i < 16; ++i) tokens.data()[i] = static_cast<float>(i);
  const vt::Batch<vt::Shape<4, 4>> merged = vt::merge_patches<4, 4>(vt::as_leaf(tokens));
  CHECK((merged.to_vector() == std::vector<float>{0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15}));
}
TEST_CASE("window attention: a token sees its own window and nothing else, exactly") {
  const vt::Dependence d = vt::dependence<Attention<plain>>(Map{});
  CHECK(sees_its_window_alone(d, 0));
  CHECK(d.count() == 64 * 16);
  CHECK(vt::dependence<vt::Attention<6, 2, P>>(Map{}).all());  // the control: attention over the whole map
}
TEST_CASE("shifted windows lie further right and down, and what wraps round never mixes") {
  const vt::Dependence d = vt::dependence<Attention<shifted>>(Map{});
  CHECK(sees_its_window_alone(d, 2));
  CHECK(!sees_its_window_alone(d, 0));
  CHECK(d.count() == 576);
  CHECK(d.at(2 * 8 + 2, 5 * 8 + 5));  // one window now, four before
  CHECK(!d.at(0, 63));                // neighbours in the rolled map only
}
TEST_CASE("a plain and a shifted block, one after the other, connect windows") {
  const vt::Dependence one = vt::dependence<vt::SwinBlock<6, 2, 12, plain, P>>(Map{}),
                       other = vt::dependence<vt::SwinBlock<6, 2, 12, shifted, P>>(Map{}),
                       both = vt::dependence<TwoBlocks>(Map{});
  CHECK(both.count() > one.count());
  for (std::size_t i = 0; i < 64; ++i) {
    for (std::size_t j = 0; j < 64; ++j) {
      bool connected = false;  // through some token of the first block's result
      for (std::size_t k = 0; k < 64; ++k) connected = connected || (other.at(i, k) && one.at(k, j));
      if (both.at(i, j) != connected) FAIL("token " << i << " of token " << j);
    }
  }
}
