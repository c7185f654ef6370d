// channel_norm.hpp - the norms of images: batch norm and group norm, with a weight and a bias for each channel.
#pragma once

#include "../ops/batch_norm2d.hpp"
#include "../ops/group_norm.hpp"
#include "module.hpp"
#include "param.hpp"
#include "policy.hpp"

namespace vitrail::inline VITRAIL_TU {

// x [C, H, W] -> [C, H, W], torch.nn.BatchNorm2d. By the batch while it trains, else by the running statistics: in
// inference, and for good if the tuning has frozen weight and bias.
template <std::size_t C, class P = cpu>
struct BatchNorm2d : Module<BatchNorm2d<C, P>> {
  Param<Shape<C>, P, site::norm, initial::ones> weight;
  Param<Shape<C>, P, site::bias_of<site::norm>> bias;
  Statistic<Shape<C>, P> running_mean;
  Statistic<Shape<C>, P, initial::ones> running_var;

  static constexpr void visit(auto& self, auto&& f) {
    f("weight", self.weight);
    f("bias", self.bias);
    f("running_mean", self.running_mean);
    f("running_var", self.running_var);
  }
  constexpr auto forward(const auto& x) const { return batch_norm2d(x, weight, bias, running_mean, running_var); }
};

// x [C, H, W] -> [C, H, W], torch.nn.GroupNorm: by the statistics of each sample's groups, in every context.
template <std::size_t Groups, std::size_t C, class P = cpu>
struct GroupNorm : Module<GroupNorm<Groups, C, P>> {
  Param<Shape<C>, P, site::norm, initial::ones> weight;
  Param<Shape<C>, P, site::bias_of<site::norm>> bias;

  static constexpr void visit(auto& self, auto&& f) {
    f("weight", self.weight);
    f("bias", self.bias);
  }
  constexpr auto forward(const auto& x) const { return group_norm<Groups>(x, weight, bias); }
};

}  // namespace vitrail::inline VITRAIL_TU
