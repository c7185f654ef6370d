// attention_forward.hpp - softmax(scale Q K^T + bias) V on a device, a block for each tile of queries of a head.
#pragma once

#include <type_traits>

#include "attention_block.hpp"
#include "tensor_attention_forward.hpp"

namespace vitrail::inline VITRAIL_TU::cuda {

// Softmax is made while the tiles of keys come, from their maximum so far (Milakov, Gimelshein, Online normalizer
// calculation for softmax, 2018); with a new maximum what was summed is multiplied by e^(old - new).
template <class T, class X, unsigned Columns>
struct AttentionForwardKernel : AttentionTile<T> {
  using Tile = AttentionTile<T>;
  using Tile::across, Tile::own, Tile::size;
  static constexpr unsigned blocks_per_core = Columns <= 64 ? 3 : 2;
  kernels::Attention<T, X> a;
  AttentionGrid grid;

  AttentionForwardKernel(const kernels::Attention<T, X>& attention, unsigned slices)
      : a(attention), grid(a, a.groups(), blocks_for(a.queries, size), slices) {}

  template <class Thread>
  VITRAIL_HOST_DEVICE void operator()(const Thread& thread) const {
    const AttentionPlace place(grid, thread.block());
    const unsigned first = place.tile * size, left = place.slice * Columns;
    AttentionBlock<Thread, T, X> block(thread, a, grid, place);
    block.enter(place.group);
    block.find(block.query_tokens, first, block.queries);
    const TileRows<const X> q = block.query_rows(a.q, first);
    const unsigned end = block.seen_until(first + q.count - 1);
    T tops[own], sums[own] = {}, out[own][Columns / across] = {};
    for (unsigned i = 0; i < own; ++i) tops[i] = -std::numeric_limits<T>::max();
    for (unsigned key = 0; key < end; key += size) {
      block.find(block.key_tokens, key, block.keys);
      thread.sync();
      T p[own][own] = {};
      block.add_products(q, block.key_rows(a.k, key), p);
      block.template score<true>(p, first, key);
      for (unsigned i = 0; i < own; ++i) {
        T top = tops[i];
        for (unsigned j = 0; j < own; ++j) top = max(top, p[i][j]);
        top = block.max_of_row(top);
        const T factor = exp(tops[i] - top);
        tops[i] = top;
        sums[i] *= factor;
        for (T& value : out[i]) value *= factor;
        for (unsigned j = 0; j < own; ++j) {
          p[i][j] = exp(p[i][j] - top);
          sums[i] += p[i][j];
        }
      }
      block.fill_strip(p);
      block.template add_strip_times<Columns>(block.key_rows(a.v, key), q.count, left, out);
    }
    for (unsigned i = 0; i < own; ++i) {
      const T sum = block.sum_of_row(sums[i]);
      const T inverse = sum > T(0) ? T(1) / sum : T(0);
      for (T& value : out[i]) value *= inverse;
      const unsigned row = block.y * own + i;
      if (!a.log_sum_exp || left > 0 || block.x > 0 || row >= q.count) continue;
      a.log_sum_exp[(static_cast<std::size_t>(place.group) * a.heads + place.head) * a.queries + first + row] =
          sum > T(0) ? tops[i] + log(sum) : std::numeric_limits<T>::infinity();
    }
    block.template write<Columns>(block.query_rows(a.out, first), left, T(1), false, out);
  }
};

template <class Device, class T, class X>
struct LaunchAttentionForward {
  const Device& device;
  const kernels::Attention<T, X>& a;
  template <unsigned Columns>
  void operator()(unsigned slices) const {
    const AttentionForwardKernel<T, X, Columns> kernel(a, slices);
    device.launch({kernel.grid.blocks(), kernel.shared_bytes}, kernel);
  }
};
template <class Device, class T, class X>
void attention_forward(const Device& device, const kernels::Attention<T, X>& a) {
  if constexpr (std::is_same_v<X, bf16>) {
    if (a.channels <= widest_tensor_head) {
      return with_tensor_width(a.channels, LaunchTensorAttentionForward<Device>{device, a});
    }
  }
  with_columns(a.channels, LaunchAttentionForward<Device, T, X>{device, a});
}

}  // namespace vitrail::inline VITRAIL_TU::cuda
