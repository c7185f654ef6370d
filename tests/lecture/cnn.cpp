// cnn.cpp - what the lecture states about convolutional networks: no global information, sensitive to what is local, no
// spatial relation of local objects. (With stride and depth their field grows; the last test says by how much.)
#include "catch.hpp"

#include <vitrail/autodiff/predict.hpp>
#include <vitrail/inspect/dependence.hpp>
#include <vitrail/nn/block.hpp>
#include <vitrail/nn/conv2d.hpp>
#include <vitrail/nn/patch_embedding.hpp>
#include <vitrail/nn/stack.hpp>
#include <vitrail/ops/pool2d.hpp>
#include <vitrail/ops/reduce.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace vt = vitrail;

namespace {

using P = vt::cpu_double;
constexpr vt::Conv2dConfig same{.padding = 1}, strided{.stride = 2, .padding = 1};
constexpr std::size_t side = 12;
using Image = vt::Shape<2, side, side>;

// Layers of 3 x 3, each with a GELU.
template <std::size_t Layers, vt::Conv2dConfig C = same>
struct Convolutions : vt::Module<Convolutions<Layers, C>> {
  using policy = P;
  using input = Image;
  struct Layer : vt::Module<Layer> {
    vt::Conv2d<2, 2, 3, C, P> conv;
    static constexpr void visit(auto& self, auto&& f) { f("conv", self.conv); }
    constexpr auto forward(const auto& x) const { return vt::gelu(conv(x)); }
  };
  vt::Repeat<Layers, Layer> layers;
  static constexpr void visit(auto& self, auto&& f) { f("", self.layers); }
  constexpr auto forward(const auto& x) const { return layers(x); }
};
// Patches, and one block of attention on them.
struct OneBlock : vt::Module<OneBlock> {
  using policy = P;
  using input = Image;
  vt::PatchEmbedding<2, 4, 6, P> patches;
  vt::Block<6, 2, 12, P> block;
  static constexpr void visit(auto& self, auto&& f) {
    f("patches", self.patches);
    f("block", self.block);
  }
  constexpr auto forward(const auto& x) const { return block(patches(x)); }
};
const auto call = [](const auto& net, const auto& x) { return net(x); };

template <std::size_t Layers>
vt::ReceptiveField field() {
  const vt::Model<Convolutions<Layers>> model(vt::seed{1});
  return vt::receptive_field(model, call, Image{});
}
vt::Batch<Image, P> drawn(std::uint64_t seed) {
  vt::Batch<Image, P> x(1);
  for (std::size_t i = 0; i < x.size(); ++i) x.data()[i] = vt::normal_at<double>({seed, 0, 0}, 0, i);
  return x;
}
// The tiles of 4 x 4 of an image, in another order.
vt::Batch<Image, P> with_tiles_moved(const vt::Batch<Image, P>& x) {
  vt::Batch<Image, P> y(1);
  for (std::size_t c = 0; c < 2; ++c) {
    for (std::size_t i = 0; i < side * side; ++i) {
      const std::size_t tile = i / side / 4 * 3 + i % side / 4, to = (tile * 4 + 2) % 9;  // 4 has no factor with 9
      const std::size_t row = to / 3 * 4 + i / side % 4, column = to % 3 * 4 + i % 4;
      y.data()[c * side * side + row * side + column] = x.data()[c * side * side + i];
    }
  }
  return y;
}

}  // namespace

TEST_CASE("no global information: L layers of 3 x 3 see (2 L + 1)^2 pixels; one block of a ViT sees all") {
  const vt::ReceptiveField one = field<1>(), two = field<2>(), four = field<4>();
  CHECK((one.count() == 9 && one.fills_its_box()));
  CHECK((two.count() == 25 && two.fills_its_box()));
  CHECK((four.count() == 81 && four.fills_its_box()));
  const vt::Model<OneBlock> vit(vt::seed{1});
  CHECK(vt::receptive_field(vit, call, Image{}).count() == side * side);
}
TEST_CASE("locality: an image moved by a pixel gives features moved by a pixel, to the bit, but for the border") {
  const vt::Model<Convolutions<2>> model(vt::seed{1});
  auto predict = vt::predictor(model);
  const vt::Batch<Image, P> x = drawn(1);
  vt::Batch<Image, P> moved(1);
  for (std::size_t c = 0; c < 2; ++c) {
    for (std::size_t i = 0; i < side; ++i) {
      for (std::size_t j = 1; j < side; ++j) {
        moved.data()[(c * side + i) * side + j] = x.data()[(c * side + i) * side + j - 1];
      }
    }
  }
  const std::vector<double> before = predict(x).to_vector(), after = predict(moved).to_vector();
  bool same_inside = true, same_place = true;
  for (std::size_t c = 0; c < 2; ++c) {
    for (std::size_t i = 2; i < side - 2; ++i) {
      for (std::size_t j = 3; j < side - 2; ++j) {
        const std::size_t at = (c * side + i) * side + j;
        same_inside = same_inside && after[at] == before[at - 1];
        same_place = same_place && after[at] == before[at];
      }
    }
  }
  CHECK(same_inside);
  CHECK(!same_place);
}
TEST_CASE("no spatial relation of local objects: tiles that the field does not leave may stand anywhere") {
  // Each position of the last map sees one tile of 4 x 4, and the mean forgets where it was.
  const auto bag = [](const auto& x) {
    constexpr vt::Pool2dConfig tile{.kernel = 4};
    return vt::global_avg_pool(vt::tanh(vt::max_pool2d<tile>(vt::gelu(x))));
  };
  const vt::Batch<Image, P> x = drawn(1), moved = with_tiles_moved(x);
  const vt::Batch<vt::Shape<2>, P> one = bag(x), other = bag(moved);
  for (std::size_t c = 0; c < 2; ++c) CHECK(std::abs(one.data()[c] - other.data()[c]) < 1e-12);
  // The control: where something is, matters to what has positions.
  const auto positioned = [](const auto& x_, const auto& positions) {
    return vt::global_avg_pool(vt::gelu(x_ * positions));
  };
  const vt::Batch<vt::Shape<2>, P> here = positioned(x, drawn(2)), there = positioned(moved, drawn(2));
  CHECK(std::abs(here.data()[0] - there.data()[0]) > 1e-6);
}
TEST_CASE("with strides the field grows faster: two layers see 7 x 7 instead of 5 x 5") {
  const auto strided_field = [] {
    const vt::Model<Convolutions<2, strided>> model(vt::seed{1});
    return vt::receptive_field(model, call, Image{});
  }();
  CHECK(strided_field.count() == 49);
}
