// net.hpp - a small network with a residual and a parameter that not every loss reaches.
#pragma once

#include <vitrail/autodiff/predict.hpp>
#include <vitrail/nn/layer_norm.hpp>
#include <vitrail/nn/linear.hpp>
#include <vitrail/nn/model.hpp>
#include <vitrail/ops/cross_entropy.hpp>
#include <vitrail/ops/dropout.hpp>

// x [6] -> [3].
template <class P>
struct Net : vitrail::Module<Net<P>> {
  using policy = P;
  using input = vitrail::Shape<6>;
  vitrail::LayerNorm<6, P> norm;
  vitrail::Linear<6, 6, P> hidden;
  vitrail::Linear<6, 3, P> head, other;

  static constexpr void visit(auto& self, auto&& f) {
    f("norm", self.norm);
    f("hidden", self.hidden);
    f("head", self.head);
    f("other", self.other);
  }
  constexpr auto forward(const auto& x) const {
    vitrail::Var h = hidden(norm(x));
    vitrail::Var r = vitrail::gelu(h) + x + h + h;
    return head(vitrail::dropout(r, 0.25));
  }
};

struct NetLoss {
  constexpr auto operator()(const auto& net, const auto& x, const auto& labels) const {
    vitrail::Var logits = net(x);
    return vitrail::Step{vitrail::cross_entropy(logits, labels), logits};
  }
};

template <class P>
vitrail::Batch<vitrail::Shape<6>, P> net_batch(std::size_t count) {
  vitrail::Batch<vitrail::Shape<6>, P> batch(count);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    batch.data()[i] = static_cast<typename P::value>(vitrail::uniform_at<double>({9, 0, 0}, 0, i) * 2 - 1);
  }
  return batch;
}
inline vitrail::Labels net_labels(std::size_t count) {
  vitrail::Labels labels;
  labels.resize(count);
  for (std::size_t b = 0; b < count; ++b) labels.data()[b] = static_cast<int>(b * 7 % 3);
  return labels;
}
