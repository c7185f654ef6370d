// recompute.cpp - what is computed again in backward has the same bits, and its memory is saved.
#include "catch.hpp"

#include <cstring>
#include <vector>

#include <vitrail/autodiff/predict.hpp>
#include <vitrail/autodiff/recompute.hpp>
#include <vitrail/models/vit.hpp>
#include <vitrail/nn/model.hpp>
#include <vitrail/ops/cross_entropy.hpp>

namespace vt = vitrail;

namespace {

// How much of the network below is recomputed.
enum class Way { none, blocks, nested, all };

// x [4, 32] -> [3], with dropout: masks must be the same the second time.
template <Way W, class P = vt::cpu>
struct Net : vt::Module<Net<W, P>> {
  using policy = P;
  using input = vt::Shape<4, 32>;
  vt::Block<32, 2, 64, P> first, second;
  vt::Linear<32, 3, P, vt::site::head> head;
  static constexpr void visit(auto& self, auto&& f) {
    f("first", self.first);
    f("second", self.second);
    f("head", self.head);
  }
  constexpr auto forward(const auto& x) const {
    const auto dropping = [](const auto& block) {
      return [&block](const auto& in) { return block(in, vt::DropRates{0.2, 0.1}); };
    };
    const auto both = [&](const auto& in) {
      if constexpr (W == Way::nested) {
        return vt::recompute(dropping(second), vt::recompute(dropping(first), in));
      } else {
        return dropping(second)(dropping(first)(in));
      }
    };
    if constexpr (W == Way::blocks) {
      return end(vt::recompute(dropping(second), vt::recompute(dropping(first), x)));
    } else if constexpr (W == Way::none) {
      return end(both(x));
    } else {
      return end(vt::recompute(both, x));
    }
  }

 private:
  constexpr auto end(const auto& y) const { return head(vt::mean_tokens(y)); }
};

struct Outcome {
  float loss;
  std::vector<float> gradients;
  std::size_t bytes, reruns;
  friend bool same_bits(const Outcome& a, const Outcome& b) {
    return a.loss == b.loss && a.gradients.size() == b.gradients.size() &&
           std::memcmp(a.gradients.data(), b.gradients.data(), a.gradients.size() * sizeof(float)) == 0;
  }
};
template <class M>
Outcome train(double share) {
  vt::Model<M> model(vt::seed{5});
  auto step = vt::training_step(model,
                                [](const auto& net, const auto& x, const auto& labels) {
                                  vt::Var logits = net(x);
                                  return vt::Step{vt::cross_entropy(logits, labels), logits};
                                },
                                {.recompute_share = share});
  step.set_poison(true);
  vt::Batch<vt::Shape<4, 32>> batch(3);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    batch.data()[i] = static_cast<float>(vt::uniform_at<double>({4, 0, 0}, 0, i) * 2 - 1);
  }
  const auto [loss, logits] = step(batch, vt::Labels(std::vector<int>{0, 2, 1}));
  Outcome outcome{loss, {}, step.plan().arena.batched, 0};
  const auto& table = model.trainable().table;
  for (std::size_t k = 0; k < table.size(); ++k) {
    const float* from = step.gradients() + table[k].offset;
    outcome.gradients.insert(outcome.gradients.end(), from, from + table[k].size);
  }
  for (std::size_t k = 0; k < step.trace().operations.size(); ++k) outcome.reruns += step.plan().rerun[k];
  return outcome;
}

struct HeadOnly : vt::cpu {
  using tune = vt::train_only<vt::site::head>;
};

}  // namespace

TEST_CASE("cheap operations that run again leave every gradient as it is, in less memory") {
  const Outcome kept = train<Net<Way::none>>(0), cheap = train<Net<Way::none>>(1e9);
  CHECK(kept.reruns == 0);
  CHECK(cheap.reruns >= 4);
  CHECK(same_bits(kept, cheap));
  CHECK(cheap.bytes < kept.bytes);
}

TEST_CASE("recomputed blocks have the same dropout masks and gradients, in less memory") {
  const Outcome kept = train<Net<Way::none>>(0), blocks = train<Net<Way::blocks>>(0);
  CHECK(same_bits(kept, blocks));
  CHECK(blocks.reruns > 15);
  CHECK(blocks.bytes < kept.bytes * 3 / 4);
  CHECK(same_bits(kept, train<Net<Way::blocks>>(1e9)));
}

TEST_CASE("a recomputed part within another is a part of it") {
  const Outcome kept = train<Net<Way::none>>(0), all = train<Net<Way::all>>(0), nested = train<Net<Way::nested>>(0);
  CHECK(same_bits(kept, all));
  CHECK(same_bits(all, nested));
  CHECK(all.reruns == nested.reruns);
  CHECK(all.bytes == nested.bytes);
}

TEST_CASE("a frozen part has no backward, so nothing of it runs again") {
  const Outcome kept = train<Net<Way::none, HeadOnly>>(0), blocks = train<Net<Way::blocks, HeadOnly>>(1e9);
  CHECK(same_bits(kept, blocks));
  CHECK(blocks.reruns == 0);
}

TEST_CASE("inference has nothing to recompute") {
  vt::Model<Net<Way::none>> kept(vt::seed{5});
  vt::Model<Net<Way::blocks>> blocks(vt::seed{5});
  auto first = vt::predictor(kept);
  auto second = vt::predictor(blocks);
  const vt::Batch<vt::Shape<4, 32>> batch(2);
  CHECK(first(batch).to_vector() == second(batch).to_vector());
}

TEST_CASE("the plan stays within the share of time that it is given") {
  const auto reruns = [](double share) { return train<Net<Way::none>>(share).reruns; };
  CHECK(reruns(1e-9) == 0);
  CHECK(reruns(0.1) <= reruns(1));
}
