// tensor_attention_forward.hpp - softmax(scale Q K^T + bias) V of bf16 on tensor cores, a block for each tile of
// queries of a head. As attention_forward.hpp, which says how the softmax is made.
#pragma once

#include <limits>

#include "../lane_math.hpp"
#include "tensor_attention.hpp"

namespace vitrail::inline VITRAIL_TU::cuda {

template <unsigned Width>
struct TensorAttentionForwardKernel : TensorAttentionTile<Width> {
  using Tile = TensorAttentionTile<Width>;
  using Tile::size;
  static constexpr unsigned blocks_per_core = Width <= 64 ? 4 : 2, tiles = 3;
  kernels::Attention<float, bf16> a;
  AttentionGrid grid;

  explicit TensorAttentionForwardKernel(const kernels::Attention<float, bf16>& attention)
      : a(attention), grid(a, a.groups(), blocks_for(a.queries, size), 1) {}

  template <class Thread>
  VITRAIL_HOST_DEVICE void operator()(const Thread& thread) const {
    const AttentionPlace place(grid, thread.block());
    const unsigned first = place.tile * size;
    TensorAttentionBlock<Thread, Width> block(thread, a, grid, place, tiles);
    const auto q = block.tile(0), k = block.tile(1), v = block.tile(2);
    block.enter(place.group);
    block.find(block.query_tokens, first, block.queries);
    thread.sync();
    const TileRows<const bf16> queries = block.query_rows(a.q, first);
    block.load(q, queries);
    float tops[2] = {-std::numeric_limits<float>::max(), -std::numeric_limits<float>::max()}, sums[2] = {};
    typename Tile::template Results<Width> out = {};
    const unsigned end = block.seen_until(first + queries.count - 1);
    for (unsigned key = 0; key < end; key += size) {
      block.find(block.key_tokens, key, block.keys);
      thread.sync();
      block.load(k, block.key_rows(a.k, key));
      block.load(v, block.key_rows(a.v, key));
      thread.sync();
      typename Tile::Scores p = {};
      block.add_products(q, k, p);
      block.template score<true>(p, first, key);
      for (unsigned half = 0; half < 2; ++half) soften(block, p, out, half, tops[half], sums[half]);
      block.template add_scores_times<Width>(p, v, 0, out);
      thread.sync();
    }
    for (unsigned half = 0; half < 2; ++half) {
      const float sum = block.sum_of_row(sums[half]), inverse = sum > 0 ? 1 / sum : 0.0f;
      for (TensorSum& part : out.part) part.at[2 * half] *= inverse, part.at[2 * half + 1] *= inverse;
      const unsigned row = block.row + half * 8;
      if (!a.log_sum_exp || block.column > 0 || row >= queries.count) continue;
      a.log_sum_exp[(static_cast<std::size_t>(place.group) * a.heads + place.head) * a.queries + first + row] =
          sum > 0 ? tops[half] + log(sum) : std::numeric_limits<float>::infinity();
    }
    block.template write<Width>(block.query_rows(a.out, first), 0, 1, false, out);
  }

 private:
  // Scores of one of the lane's rows become probabilities but for a factor, against the largest score so far.
  template <class Block>
  VITRAIL_HOST_DEVICE static void soften(const Block& block, typename Tile::Scores& p,
                                         typename Tile::template Results<Width>& out, unsigned half, float& top,
                                         float& sum) {
    const float before = top;
    for (const TensorSum& part : p.part) top = max(top, max(part.at[2 * half], part.at[2 * half + 1]));
    top = block.max_of_row(top);
    const float factor = exp(before - top);
    sum *= factor;
    for (TensorSum& part : out.part) part.at[2 * half] *= factor, part.at[2 * half + 1] *= factor;
    for (TensorSum& part : p.part) {
      for (unsigned e = 2 * half; e < 2 * half + 2; ++e) sum += part.at[e] = exp(part.at[e] - top);
    }
  }
};

template <class Device>
struct LaunchTensorAttentionForward {
  const Device& device;
  const kernels::Attention<float, bf16>& a;
  template <unsigned Width>
  void operator()() const {
    const TensorAttentionForwardKernel<Width> kernel(a);
    device.launch({kernel.grid.blocks(), kernel.bytes_of(kernel.tiles)}, kernel);
  }
};

}  // namespace vitrail::inline VITRAIL_TU::cuda
