// cnn.hpp - a plain convolutional network, the baseline without attention and without residuals.
#pragma once

#include <type_traits>

#include "../nn/channel_norm.hpp"
#include "../nn/conv2d.hpp"
#include "../nn/stack.hpp"
#include "../ops/pool2d.hpp"
#include "classifier.hpp"

namespace vitrail::inline VITRAIL_TU {

enum class channel_norm { batch, group };

// Stages of channels stage1, stage2, ...; those of 0 channels are left out. Each halves the image.
struct CnnConfig {
  std::size_t image = 32, channels = 3, stage1 = 32, stage2 = 64, stage3 = 128, stage4 = 0;
  channel_norm norm = channel_norm::batch;
  std::size_t groups = 8;  // of group norms

  constexpr std::size_t stages() const { return std::size_t(stage1 > 0) + (stage2 > 0) + (stage3 > 0) + (stage4 > 0); }
  constexpr std::size_t width(std::size_t stage) const {
    return stage == 0 ? stage1 : stage == 1 ? stage2 : stage == 2 ? stage3 : stage4;
  }
};

// pool(relu(norm(conv(x)))): [In, H, W] -> [Out, H / 2, W / 2]. The convolution is 3x3 and keeps the size; torch's
// names.
template <std::size_t In, std::size_t Out, class Norm, class P = cpu>
struct CnnStage : Module<CnnStage<In, Out, Norm, P>> {
  UnbiasedConv2d<In, Out, 3, Conv2dConfig{.padding = 1}, P> conv;
  Norm norm;

  static constexpr void visit(auto& self, auto&& f) {
    f("conv", self.conv);
    f("norm", self.norm);
  }
  constexpr auto forward(const auto& x) const { return max_pool2d(relu(norm(conv(x)))); }
};

namespace detail {
template <CnnConfig C, class P, std::size_t I>
struct CnnStageOf {
  static constexpr std::size_t in = I == 0 ? C.channels : C.width(I == 0 ? 0 : I - 1), out = C.width(I);
  using norm = std::conditional_t<C.norm == channel_norm::batch, BatchNorm2d<out, P>, GroupNorm<C.groups, out, P>>;
  using type = CnnStage<in, out, norm, P>;
};
template <CnnConfig C, class P, std::size_t... I>
auto cnn_stages(std::index_sequence<I...>) -> Stack<typename CnnStageOf<C, P, I>::type...>;
}  // namespace detail

// image [C, image, image] -> features [channels of the last stage]: the mean over the positions that are left.
template <CnnConfig C, class P = cpu>
struct CnnBackbone : Module<CnnBackbone<C, P>> {
  using policy = P;
  using input = Shape<C.channels, C.image, C.image>;
  static constexpr std::size_t features = C.width(C.stages() - 1);

  decltype(detail::cnn_stages<C, P>(std::make_index_sequence<C.stages()>{})) stages;

  static constexpr void visit(auto& self, auto&& f) { f("stages", self.stages); }
  constexpr auto forward(const auto& image) const { return global_avg_pool(stages(image)); }
};

// The backbone with a head of `Classes`: image [C, image, image] -> logits [Classes].
template <CnnConfig C, std::size_t Classes, class P = cpu>
struct Cnn : Classifier<CnnBackbone<C, P>, Classes> {};

}  // namespace vitrail::inline VITRAIL_TU
