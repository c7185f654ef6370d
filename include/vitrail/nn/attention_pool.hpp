// attention_pool.hpp - tokens pooled by one learned query that attends to all of them (Zhai et al. 2022, "Scaling
// Vision Transformers").
#pragma once

#include <cstddef>

#include "../ops/attend.hpp"
#include "block.hpp"

namespace vitrail::inline VITRAIL_TU {

// timm's AttentionPoolLatent. x [N, D] -> [D].
template <std::size_t D, std::size_t Heads, std::size_t Hidden, class P = cpu, double Eps = 1e-6>
struct AttentionPool : Module<AttentionPool<D, Heads, Hidden, P, Eps>> {
  Param<Shape<1, 1, D>, P, site::pool, initial::truncated_normal<D>> latent;
  Linear<D, D, P, site::pool> q;
  Linear<D, 2 * D, P, site::pool> kv;
  Linear<D, D, P, site::pool> proj;
  LayerNorm<D, P, Eps> norm;
  Mlp<D, Hidden, P> mlp;

  static constexpr void visit(auto& self, auto&& f) {
    f("latent", self.latent);
    f("q", self.q);
    f("kv", self.kv);
    f("proj", self.proj);
    f("norm", self.norm);
    f("mlp", self.mlp);
  }
  constexpr auto forward(const auto& x) const {
    const auto [query] = heads<Heads, 1>(q(as_var(x.ctx, detail::as_shape<Shape<1, D>>(latent))));
    const auto [k, v] = heads<Heads, 2>(kv(x));
    Var h = proj(detail::attend(query, k, v));
    Var y = mlp(norm(h), h);
    return reshape<Shape<D>>(y);
  }
};

}  // namespace vitrail::inline VITRAIL_TU
