// attention_backward.hpp - the gradients of attention on a device, without atomics: a block for each tile of keys sums
// over the queries, a block for each tile of queries over the keys. Both recompute the probabilities from the
// log-sum-exp that forward kept (Dao et al., FlashAttention, 2022, algorithm 4):
//   dP = dO V^T, dS = P (dP - rowsum(dO O)), dQ = scale dS K, dK = scale dS^T Q, dV = P^T dO
#pragma once

#include <type_traits>

#include "attention_block.hpp"
#include "tensor_attention_backward.hpp"

namespace vitrail::inline VITRAIL_TU::cuda {

// The gradient of a bias is summed over the groups in at most so many chunks: enough blocks for a large GPU from 4 MB
// of partial sums. The number follows from the shape, so that bits do not depend on the device.
constexpr std::size_t most_bias_chunks(std::size_t heads, std::size_t queries, std::size_t keys) {
  const std::size_t chunks = (std::size_t(1) << 20) / (heads * queries * keys);
  return chunks < 8 ? 8 : chunks > 256 ? 256 : chunks;
}

// Of the tile of queries that was found: rowsum(dO O) to block.dots, the log-sum-exp to block.shifts.
template <class Block, class T, class X>
VITRAIL_HOST_DEVICE void find_dots(const Block& block, const kernels::AttentionGradient<T, X>& g, unsigned group,
                                   unsigned first) {
  const kernels::Attention<T, X>& a = g.forward;
  const TileRows<const X> up = block.query_rows(g.out_gradient, first);
  const TileRows<X> out = block.query_rows(a.out, first);
  const T* log_sum_exp = a.log_sum_exp + (static_cast<std::size_t>(group) * a.heads + block.head) * a.queries + first;
  VITRAIL_UNROLL(1)
  for (unsigned i = 0; i < Block::own; ++i) {
    const unsigned r = block.y * Block::own + i;
    T sum = 0;
    VITRAIL_UNROLL(4)
    for (unsigned c = block.x; r < up.count && c < block.channels; c += Block::across)
      sum += up.at(r)[c] * out.at(r)[c];
    sum = block.sum_of_row(sum);
    if (block.x > 0) continue;
    block.dots[r] = sum;
    block.shifts[r] = r < up.count ? log_sum_exp[r] : T(0);
  }
}
// Gradients of the keys and values.
template <class T, class X, unsigned Columns>
struct AttentionKeyGradientKernel : AttentionTile<T> {
  using Tile = AttentionTile<T>;
  using Tile::across, Tile::own, Tile::size;
  static constexpr unsigned blocks_per_core = Columns <= 64 ? 2 : 1;
  kernels::AttentionGradient<T, X> g;
  AttentionGrid grid;

  AttentionKeyGradientKernel(const kernels::AttentionGradient<T, X>& gradient, unsigned slices)
      : g(gradient), grid(g.forward, g.forward.groups(), blocks_for(g.forward.keys, size), slices) {}

  template <class Thread>
  VITRAIL_HOST_DEVICE void operator()(const Thread& thread) const {
    const kernels::Attention<T, X>& a = g.forward;
    const AttentionPlace place(grid, thread.block());
    const unsigned first = place.tile * size, left = place.slice * Columns;
    AttentionBlock<Thread, T, X> block(thread, a, grid, place);
    block.enter(place.group);
    block.find(block.key_tokens, first, block.keys);
    const TileRows<const X> k = block.key_rows(a.k, first), v = block.key_rows(a.v, first);
    T k_sums[own][Columns / across] = {}, v_sums[own][Columns / across] = {};
    for (unsigned query = block.seen_from(first) / size * size; query < block.queries; query += size) {
      block.find(block.query_tokens, query, block.queries);
      thread.sync();
      const TileRows<const X> q = block.query_rows(a.q, query), up = block.query_rows(g.out_gradient, query);
      find_dots(block, g, place.group, query);
      // Rows are keys, columns queries.
      T p[own][own] = {}, ds[own][own] = {};
      block.add_products(k, q, p);
      if (g.k.data) block.add_products(v, up, ds);
      block.template score<false>(p, query, first);
      for (unsigned i = 0; i < own; ++i) {
        for (unsigned j = 0; j < own; ++j) {
          const unsigned r = block.x + across * j;
          p[i][j] = probability(p[i][j], block.shifts[r]);
          ds[i][j] = p[i][j] * (ds[i][j] - block.dots[r]);
        }
      }
      if (g.v.data) {
        block.fill_strip(p);
        block.template add_strip_times<Columns>(up, k.count, left, v_sums);
      }
      if (g.k.data) {
        block.fill_strip(ds);
        block.template add_strip_times<Columns>(q, k.count, left, k_sums);
      }
    }
    // One after the other in every thread: they may be one matrix.
    if (g.k.data) block.template write<Columns>(block.key_rows(g.k, first), left, a.scale, g.add_k, k_sums);
    if (g.v.data) block.template write<Columns>(block.key_rows(g.v, first), left, T(1), g.add_v, v_sums);
  }
};

// Gradients of the queries of a chunk of groups, and the sum of the scores' over it.
template <class T, class X, unsigned Columns>
struct AttentionQueryGradientKernel : AttentionTile<T> {
  using Tile = AttentionTile<T>;
  using Tile::across, Tile::own, Tile::size;
  static constexpr unsigned blocks_per_core = Columns <= 64 ? 2 : 1;
  kernels::AttentionGradient<T, X> g;
  AttentionGrid grid;
  GroupChunks chunks;

  AttentionQueryGradientKernel(const kernels::AttentionGradient<T, X>& gradient, std::size_t chunks_of_groups,
                               unsigned slices)
      : g(gradient),
        grid(g.forward, chunks_of_groups, blocks_for(g.forward.queries, size), slices),
        chunks(g.forward.groups(), chunks_of_groups) {}

  template <class Thread>
  VITRAIL_HOST_DEVICE void operator()(const Thread& thread) const {
    const kernels::Attention<T, X>& a = g.forward;
    const AttentionPlace place(grid, thread.block());
    const unsigned first = place.tile * size, left = place.slice * Columns;
    const unsigned begin = chunks.begin(place.group), end = chunks.begin(place.group + 1);
    AttentionBlock<Thread, T, X> block(thread, a, grid, place);
    for (unsigned group = begin; group < end; ++group) {
      block.enter(group);
      thread.sync();
      block.find(block.query_tokens, first, block.queries);
      thread.sync();
      find_dots(block, g, group, first);
      head(block, place.group, first, left, group > begin);
    }
  }

 private:
  template <class Block>
  VITRAIL_HOST_DEVICE void head(const Block& block, unsigned chunk, unsigned first, unsigned left,
                                bool add_bias) const {
    const kernels::Attention<T, X>& a = g.forward;
    const bool sums_bias = g.bias && left == 0;
    const TileRows<const X> q = block.query_rows(a.q, first), up = block.query_rows(g.out_gradient, first);
    T sums[own][Columns / across] = {};
    // A bias has a gradient of zero where nothing is seen, too.
    const unsigned end = sums_bias ? block.keys : block.seen_until(first + q.count - 1);
    for (unsigned key = 0; key < end; key += size) {
      block.find(block.key_tokens, key, block.keys);
      block.thread.sync();
      T s[own][own] = {}, ds[own][own] = {};
      block.add_products(q, block.key_rows(a.k, key), s);
      block.add_products(up, block.key_rows(a.v, key), ds);
      block.template score<true>(s, first, key);
      for (unsigned i = 0; i < own; ++i) {
        const unsigned r = block.y * own + i;
        for (unsigned j = 0; j < own; ++j) {
          ds[i][j] = probability(s[i][j], block.shifts[r]) * (ds[i][j] - block.dots[r]);
        }
      }
      if (sums_bias) add_scores(block, ds, first, key, chunk, add_bias);
      block.fill_strip(ds);
      if (g.q.data) {
        block.template add_strip_times<Columns>(block.key_rows(a.k, key), q.count, left, sums);
      } else {
        block.thread.sync();
      }
    }
    if (g.q.data) block.template write<Columns>(block.query_rows(g.q, first), left, a.scale, g.add_q, sums);
  }
  // What was there is read first: each value by itself would wait for the memory.
  template <class Block>
  VITRAIL_HOST_DEVICE void add_scores(const Block& block, const typename Tile::Elements& ds, unsigned first,
                                      unsigned key, unsigned chunk, bool add) const {
    const unsigned top = first + block.y * own, left = key + block.x;
    T* const bias = g.bias_work + (std::size_t(chunk) * grid.heads + block.head) * block.queries * block.keys;
    typename Tile::Elements before = {};
    for (unsigned i = 0; i < own && add; ++i) {
      for (unsigned j = 0; j < own; ++j) {
        before[i][j] =
            bias[at_most(top + i, block.queries - 1) * block.keys + at_most(left + across * j, block.keys - 1)];
      }
    }
    for (unsigned i = 0; i < own && top + i < block.queries; ++i) {
      for (unsigned j = 0; j < own && left + across * j < block.keys; ++j) {
        bias[(top + i) * block.keys + left + across * j] = before[i][j] + ds[i][j];
      }
    }
  }
};

template <class Device, class T, class X>
struct LaunchAttentionBackward {
  const Device& device;
  const kernels::AttentionGradient<T, X>& g;
  std::size_t chunks;
  template <unsigned Columns>
  void operator()(unsigned slices) const {
    if (g.k.data || g.v.data) {
      const AttentionKeyGradientKernel<T, X, Columns> kernel(g, slices);
      device.launch({kernel.grid.blocks(), kernel.shared_bytes}, kernel);
    }
    if (g.q.data || g.bias) {
      const AttentionQueryGradientKernel<T, X, Columns> kernel(g, chunks, g.q.data ? slices : 1);
      device.launch({kernel.grid.blocks(), kernel.shared_bytes}, kernel);
    }
  }
};
// bias_work has room for most_chunks partial sums of the bias gradient.
template <class Device, class T, class X>
void attention_backward(const Device& device, const kernels::AttentionGradient<T, X>& g, std::size_t most_chunks) {
  const kernels::Attention<T, X>& a = g.forward;
  const std::size_t groups = a.groups(), chunks = g.bias && most_chunks < groups ? most_chunks : groups;
  bool is_started = false;
  if constexpr (std::is_same_v<X, bf16>) {
    is_started = a.channels <= widest_tensor_head;
    if (is_started) with_tensor_width(a.channels, LaunchTensorAttentionBackward<Device>{device, g, chunks});
  }
  if (!is_started) with_columns(a.channels, LaunchAttentionBackward<Device, T, X>{device, g, chunks});
  if (!g.bias) return;
  using Chunks = ColumnChunksKernel<1, T>;
  const std::size_t width = a.heads * a.queries * a.keys;
  device.launch({blocks_for(width, Chunks::threads)},
                Chunks{width, chunks, Columns<T, 1>{{g.bias}, {g.add_bias}, g.bias_work}});
}

}  // namespace vitrail::inline VITRAIL_TU::cuda
