// conv2d.hpp - the convolution layer.
#pragma once

#include "../ops/conv2d.hpp"
#include "module.hpp"
#include "param.hpp"
#include "policy.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {
template <std::size_t In, std::size_t Kernel, Conv2dConfig C>
using conv_start = initial::uniform_fan_in<In / (C.groups ? C.groups : 1) * Kernel * Kernel>;
}  // namespace detail

// x [In, H, W] -> [Out, ..] with square kernels and a bias. Names and initial values as torch.nn.Conv2d has them.
template <std::size_t In, std::size_t Out, std::size_t Kernel, Conv2dConfig C = Conv2dConfig{}, class P = cpu,
          class Site = site::conv, class Initial = detail::conv_start<In, Kernel, C>>
struct Conv2d : Module<Conv2d<In, Out, Kernel, C, P, Site, Initial>> {
  Param<Shape<Out, In / (C.groups ? C.groups : 1), Kernel, Kernel>, P, Site, Initial> weight;
  Param<Shape<Out>, P, site::bias_of<Site>, Initial> bias;

  static constexpr void visit(auto& self, auto&& f) {
    f("weight", self.weight);
    f("bias", self.bias);
  }
  constexpr auto forward(const auto& x) const { return conv2d<C>(x, weight, bias); }
};

// The same without a bias: what stands before a norm.
template <std::size_t In, std::size_t Out, std::size_t Kernel, Conv2dConfig C = Conv2dConfig{}, class P = cpu,
          class Site = site::conv, class Initial = detail::conv_start<In, Kernel, C>>
struct UnbiasedConv2d : Module<UnbiasedConv2d<In, Out, Kernel, C, P, Site, Initial>> {
  Param<Shape<Out, In / (C.groups ? C.groups : 1), Kernel, Kernel>, P, Site, Initial> weight;

  static constexpr void visit(auto& self, auto&& f) { f("weight", self.weight); }
  constexpr auto forward(const auto& x) const { return conv2d<C>(x, weight); }
};

}  // namespace vitrail::inline VITRAIL_TU
