// resnet.hpp - residual networks of two convolutions a block (He et al. 2016), with torchvision's architecture, names
// and initial values.
#pragma once

#include <type_traits>

#include "../nn/channel_norm.hpp"
#include "../nn/conv2d.hpp"
#include "../nn/stack.hpp"
#include "../ops/pool2d.hpp"
#include "classifier.hpp"

namespace vitrail::inline VITRAIL_TU {

// The first convolution: 7x7 with stride 2 and pooling, for large images, or 3x3.
enum class resnet_stem { large, small };

// Layers of so many blocks, and of width, 2 width, 4 width and 8 width channels; the last ones may be empty.
struct ResNetConfig {
  std::size_t image = 224, channels = 3, width = 64;
  std::size_t layer1 = 2, layer2 = 2, layer3 = 2, layer4 = 2;
  resnet_stem stem = resnet_stem::large;
};

// A convolution that keeps or, by its stride, divides the size, without a bias, for a batch norm and a ReLU behind it.
template <std::size_t In, std::size_t Out, std::size_t Kernel, std::size_t Stride, class P>
using ResNetConv = UnbiasedConv2d<In, Out, Kernel, Conv2dConfig{.stride = Stride, .padding = Kernel / 2}, P, site::conv,
                                  initial::normal_fan_out<Out * Kernel * Kernel>>;

// x itself, or, where the block changes its shape, a norm of its projection.
template <std::size_t In, std::size_t Out, std::size_t Stride, class P = cpu>
struct Shortcut : Module<Shortcut<In, Out, Stride, P>> {
  ResNetConv<In, Out, 1, Stride, P> projection;
  BatchNorm2d<Out, P> norm;

  static constexpr void visit(auto& self, auto&& f) {
    f("0", self.projection);
    f("1", self.norm);
  }
  constexpr auto forward(const auto& x) const { return norm(projection(x)); }
};
template <std::size_t Channels, class P>
struct Shortcut<Channels, Channels, 1, P> : Module<Shortcut<Channels, Channels, 1, P>> {
  static constexpr void visit(auto&, auto&&) {}
  constexpr auto forward(const auto& x) const { return x; }
};

// relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x)): [In, H, W] -> [Out, H / Stride, W / Stride].
template <std::size_t In, std::size_t Out, std::size_t Stride = 1, class P = cpu>
struct BasicBlock : Module<BasicBlock<In, Out, Stride, P>> {
  ResNetConv<In, Out, 3, Stride, P> conv1;
  BatchNorm2d<Out, P> bn1;
  ResNetConv<Out, Out, 3, 1, P> conv2;
  BatchNorm2d<Out, P> bn2;
  Shortcut<In, Out, Stride, P> downsample;

  static constexpr void visit(auto& self, auto&& f) {
    f("conv1", self.conv1);
    f("bn1", self.bn1);
    f("conv2", self.conv2);
    f("bn2", self.bn2);
    f("downsample", self.downsample);
  }
  constexpr auto forward(const auto& x) const {
    Var h = relu(bn1(conv1(x)));
    Var y = bn2(conv2(h));
    return relu(y + downsample(x));
  }
};

namespace detail {
template <std::size_t In, std::size_t Out, std::size_t Stride, class P, std::size_t... I>
auto resnet_layer(std::index_sequence<I...>)
    -> Stack<BasicBlock<(I == 0 ? In : Out), Out, (I == 0 ? Stride : 1), P>...>;
}  // namespace detail
// The first of these blocks changes channels and size.
template <std::size_t Blocks, std::size_t In, std::size_t Out, std::size_t Stride, class P>
using ResNetLayer = decltype(detail::resnet_layer<In, Out, Stride, P>(std::make_index_sequence<Blocks>{}));

// image [C, image, image] -> features [channels of the last layer]: the mean over the positions that are left.
template <ResNetConfig C, class P = cpu>
struct ResNetBackbone : Module<ResNetBackbone<C, P>> {
  using policy = P;
  using input = Shape<C.channels, C.image, C.image>;
  static constexpr bool large = C.stem == resnet_stem::large;
  static constexpr std::size_t width = C.width, features = C.layer4 ? 8 * width : C.layer3 ? 4 * width : 2 * width;
  static constexpr const char* head_name = "fc";

  ResNetConv<C.channels, width, (large ? 7 : 3), (large ? 2 : 1), P> conv1;
  BatchNorm2d<width, P> bn1;
  ResNetLayer<C.layer1, width, width, 1, P> layer1;
  ResNetLayer<C.layer2, width, 2 * width, 2, P> layer2;
  ResNetLayer<C.layer3, 2 * width, 4 * width, 2, P> layer3;
  ResNetLayer<C.layer4, 4 * width, 8 * width, 2, P> layer4;

  static constexpr void visit(auto& self, auto&& f) {
    f("conv1", self.conv1);
    f("bn1", self.bn1);
    f("layer1", self.layer1);
    f("layer2", self.layer2);
    f("layer3", self.layer3);
    f("layer4", self.layer4);
  }
  constexpr auto forward(const auto& image) const {
    return global_avg_pool(layer4(layer3(layer2(layer1(stem(image))))));
  }

 private:
  constexpr auto stem(const auto& image) const {
    Var x = relu(bn1(conv1(image)));
    if constexpr (large) {
      return max_pool2d<Pool2dConfig{.kernel = 3, .stride = 2, .padding = 1}>(x);
    } else {
      return x;
    }
  }
};

// The backbone with a head of `Classes`: image [C, image, image] -> logits [Classes].
template <ResNetConfig C, std::size_t Classes, class P = cpu>
struct ResNet : Classifier<ResNetBackbone<C, P>, Classes> {};

inline constexpr ResNetConfig resnet18{}, resnet34{.layer1 = 3, .layer2 = 4, .layer3 = 6, .layer4 = 3};
// He et al.'s for CIFAR-10, of 20 layers, with projections where they pad.
inline constexpr ResNetConfig resnet20_cifar{
    .image = 32, .width = 16, .layer1 = 3, .layer2 = 3, .layer3 = 3, .layer4 = 0, .stem = resnet_stem::small};

template <class P = cpu, std::size_t Classes = 1000>
using ResNet18 = ResNet<resnet18, Classes, P>;
template <class P = cpu, std::size_t Classes = 1000>
using ResNet34 = ResNet<resnet34, Classes, P>;
template <class P = cpu, std::size_t Classes = 10>
using ResNet20 = ResNet<resnet20_cifar, Classes, P>;

}  // namespace vitrail::inline VITRAIL_TU
