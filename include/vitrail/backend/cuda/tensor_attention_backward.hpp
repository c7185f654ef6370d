// tensor_attention_backward.hpp - the gradients of attention of bf16 on tensor cores, without atomics. As
// attention_backward.hpp, which says what is computed: a block for each tile of keys, and one for each tile of queries.
#pragma once

#include "tensor_attention.hpp"

namespace vitrail::inline VITRAIL_TU::cuda {

// Channels of a result that a block computes: two such results are all that the registers hold.
template <unsigned Width>
inline constexpr unsigned tensor_columns = Width < 64 ? Width : 64;

// Of the tile of queries that was found: rowsum(dO O) to block.dots, the log-sum-exp to block.shifts. Two threads a
// row.
template <class Block>
VITRAIL_HOST_DEVICE void find_tensor_dots(const Block& block, const kernels::AttentionGradient<float, bf16>& g,
                                          unsigned group, unsigned first) {
  const kernels::Attention<float, bf16>& a = g.forward;
  const TileRows<const bf16> up = block.query_rows(g.out_gradient, first);
  const TileRows<bf16> out = block.query_rows(a.out, first);
  const unsigned r = block.thread.index() / 2, part = block.thread.index() % 2;
  float sum = 0;
  for (unsigned c = part; r < up.count && c < block.channels; c += 2) sum += up.at(r)[c] * out.at(r)[c];
  sum += block.thread.from_lane(sum, 1, warp_size);
  if (part > 0) return;
  block.dots[r] = sum;
  block.shifts[r] =
      r < up.count ? a.log_sum_exp[(static_cast<std::size_t>(group) * a.heads + block.head) * a.queries + first + r]
                   : 0.0f;
}

// Gradients of the keys and values.
template <unsigned Width>
struct TensorKeyGradientKernel : TensorAttentionTile<Width> {
  using Tile = TensorAttentionTile<Width>;
  using Tile::size;
  static constexpr unsigned Columns = tensor_columns<Width>, tiles = 4, blocks_per_core = 2;
  kernels::AttentionGradient<float, bf16> g;
  AttentionGrid grid;

  explicit TensorKeyGradientKernel(const kernels::AttentionGradient<float, bf16>& gradient)
      : g(gradient), grid(g.forward, g.forward.groups(), blocks_for(g.forward.keys, size), Width / Columns) {}

  template <class Thread>
  VITRAIL_HOST_DEVICE void operator()(const Thread& thread) const {
    const kernels::Attention<float, bf16>& a = g.forward;
    const AttentionPlace place(grid, thread.block());
    const unsigned first = place.tile * size, left = place.slice * Columns;
    TensorAttentionBlock<Thread, Width> block(thread, a, grid, place, tiles);
    const auto k = block.tile(0), v = block.tile(1), q = block.tile(2), up = block.tile(3);
    block.enter(place.group);
    block.find(block.key_tokens, first, block.keys);
    thread.sync();
    block.load(k, block.key_rows(a.k, first));
    block.load(v, block.key_rows(a.v, first));
    typename Tile::template Results<Columns> k_sums = {}, v_sums = {};
    for (unsigned query = block.seen_from(first) / size * size; query < block.queries; query += size) {
      block.find(block.query_tokens, query, block.queries);
      thread.sync();
      block.load(q, block.query_rows(a.q, query));
      block.load(up, block.query_rows(g.out_gradient, query));
      find_tensor_dots(block, g, place.group, query);
      thread.sync();
      // Rows are keys, columns queries.
      typename Tile::Scores p = {};
      block.add_products(k, q, p);
      block.template score<false>(p, query, first);
      block.each(p, [&](float& e, unsigned, unsigned c) { e = probability(e, block.shifts[c]); });
      if (g.v.data) block.template add_scores_times<Columns>(p, up, left, v_sums);
      if (g.k.data) {
        typename Tile::Scores ds = {};
        block.add_products(v, up, ds);
        block.each(ds, [&](float& e, unsigned, unsigned c) { e -= block.dots[c]; });
        for (unsigned n = 0; n < size / 8; ++n) {
          for (unsigned e = 0; e < 4; ++e) ds.part[n].at[e] *= p.part[n].at[e];
        }
        block.template add_scores_times<Columns>(ds, q, left, k_sums);
      }
      thread.sync();
    }
    // One after the other in every thread: they may be one matrix.
    if (g.k.data) block.template write<Columns>(block.key_rows(g.k, first), left, a.scale, g.add_k, k_sums);
    if (g.v.data) block.template write<Columns>(block.key_rows(g.v, first), left, 1, g.add_v, v_sums);
  }
};

// Gradients of the queries of a chunk of groups, and the sum of the scores' over it.
template <unsigned Width>
struct TensorQueryGradientKernel : TensorAttentionTile<Width> {
  using Tile = TensorAttentionTile<Width>;
  using Tile::size;
  static constexpr unsigned Columns = tensor_columns<Width>, tiles = 4, blocks_per_core = 2;
  kernels::AttentionGradient<float, bf16> g;
  AttentionGrid grid;
  GroupChunks chunks;

  TensorQueryGradientKernel(const kernels::AttentionGradient<float, bf16>& gradient, std::size_t chunks_of_groups)
      : g(gradient),
        grid(g.forward, chunks_of_groups, blocks_for(g.forward.queries, size), g.q.data ? Width / Columns : 1),
        chunks(g.forward.groups(), chunks_of_groups) {}

  template <class Thread>
  VITRAIL_HOST_DEVICE void operator()(const Thread& thread) const {
    const kernels::Attention<float, bf16>& a = g.forward;
    const AttentionPlace place(grid, thread.block());
    const unsigned first = place.tile * size, begin = chunks.begin(place.group), end = chunks.begin(place.group + 1);
    TensorAttentionBlock<Thread, Width> block(thread, a, grid, place, tiles);
    for (unsigned group = begin; group < end; ++group) {
      block.enter(group);
      thread.sync();
      block.find(block.query_tokens, first, block.queries);
      thread.sync();
      block.load(block.tile(0), block.query_rows(a.q, first));
      block.load(block.tile(1), block.query_rows(g.out_gradient, first));
      find_tensor_dots(block, g, group, first);
      head(block, place, first, group > begin);
    }
  }

 private:
  template <class Block>
  VITRAIL_HOST_DEVICE void head(const Block& block, const AttentionPlace& place, unsigned first, bool add_bias) const {
    const kernels::Attention<float, bf16>& a = g.forward;
    const auto q = block.tile(0), up = block.tile(1), k = block.tile(2), v = block.tile(3);
    const unsigned left = place.slice * Columns;
    const bool sums_bias = g.bias && left == 0;
    typename Tile::template Results<Columns> sums = {};
    // A bias has a gradient of zero where nothing is seen, too.
    const unsigned end = sums_bias ? block.keys : block.seen_until(at_most(first + size, block.queries) - 1);
    for (unsigned key = 0; key < end; key += size) {
      block.find(block.key_tokens, key, block.keys);
      block.thread.sync();
      block.load(k, block.key_rows(a.k, key));
      block.load(v, block.key_rows(a.v, key));
      block.thread.sync();
      typename Tile::Scores s = {}, ds = {};
      block.add_products(q, k, s);
      block.add_products(up, v, ds);
      block.template score<true>(s, first, key);
      block.each(s, [&](float& e, unsigned r, unsigned) { e = probability(e, block.shifts[r]); });
      block.each(ds, [&](float& e, unsigned r, unsigned) { e -= block.dots[r]; });
      for (unsigned n = 0; n < size / 8; ++n) {
        for (unsigned e = 0; e < 4; ++e) ds.part[n].at[e] *= s.part[n].at[e];
      }
      if (sums_bias) add_to_bias(block, ds, place.group, first, key, add_bias);
      if (g.q.data) block.template add_scores_times<Columns>(ds, k, left, sums);
      block.thread.sync();
    }
    if (g.q.data) block.template write<Columns>(block.query_rows(g.q, first), left, a.scale, g.add_q, sums);
  }
  template <class Block>
  VITRAIL_HOST_DEVICE void add_to_bias(const Block& block, typename Tile::Scores& ds, unsigned chunk, unsigned first,
                                       unsigned key, bool add) const {
    float* const bias = g.bias_work + (std::size_t(chunk) * grid.heads + block.head) * block.queries * block.keys;
    block.each(ds, [&](float& e, unsigned r, unsigned c) {
      if (first + r >= block.queries || key + c >= block.keys) return;
      float& to = bias[(first + r) * block.keys + key + c];
      to = add ? to + e : e;
    });
  }
};

template <class Device>
struct LaunchTensorAttentionBackward {
  const Device& device;
  const kernels::AttentionGradient<float, bf16>& g;
  std::size_t chunks;
  template <unsigned Width>
  void operator()() const {
    if (g.k.data || g.v.data) {
      const TensorKeyGradientKernel<Width> kernel(g);
      device.launch({kernel.grid.blocks(), kernel.bytes_of(kernel.tiles)}, kernel);
    }
    if (g.q.data || g.bias) {
      const TensorQueryGradientKernel<Width> kernel(g, chunks);
      device.launch({kernel.grid.blocks(), kernel.bytes_of(kernel.tiles)}, kernel);
    }
  }
};

}  // namespace vitrail::inline VITRAIL_TU::cuda
