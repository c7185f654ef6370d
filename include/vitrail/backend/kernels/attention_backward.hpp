// attention_backward.hpp - the gradients of attention with respect to its queries, keys and values, head by head.
//
// Per block of query rows, with P recomputed from the log-sum-exp that forward kept:
//   dP = dO V^T, dS = scale P (dP - rowsum(dO O)), dQ = dS K, dK += dS^T Q, dV += P^T dO
// (Dao et al., FlashAttention, 2022, algorithm 4). The sums over blocks are added in the order of the blocks.
#pragma once

#include <algorithm>
#include <cstddef>

#include "../attention.hpp"
#include "../workers.hpp"
#include "attention_forward.hpp"
#include "attention_product.hpp"
#include "attention_rows.hpp"
#include "attention_softmax.hpp"

namespace vitrail::inline VITRAIL_TU::kernels {

// Where a thread keeps what, in floats from the start of its scratch.
template <isa I>
struct BackwardScratch {
  std::size_t keys, channels, block;
  std::size_t k_transposed, v_transposed, k, q, out_gradient, dots, strip, gradients, rows, copied, size;
  explicit BackwardScratch(const Attention<float>& a)
      : keys(whole_lanes<I>(a.keys)), channels(whole_lanes<I>(a.channels)), block(query_block(keys)) {
    const std::size_t most = std::min(block + block_rest, a.queries);
    k_transposed = 0;
    v_transposed = k_transposed + keys * a.channels;
    k = v_transposed + keys * a.channels;
    q = k + a.keys * channels;
    out_gradient = q + most * channels;
    dots = out_gradient + most * channels;
    strip = dots + whole_lanes<I>(most);
    gradients = strip + most * keys;
    rows = gradients + most * keys;
    copied = a.windows ? a.keys * a.channels : 0;  // at least as many as queries
    size = (rows + 8 * copied + 15) / 16 * 16;
  }
  // Matrix i of the eight of a window.
  float* copy(float* scratch, std::size_t i) const { return scratch + rows + i * copied; }
};

// strip [rows, keys] to [rows, keys] without its padding, or added.
struct AddStrip {
  template <isa I>
  VITRAIL_INLINE static void body(const float* strip, std::size_t row, std::size_t rows, std::size_t keys, float* to,
                                  bool add) {
    using L = lane<I>;
    for (std::size_t r = 0; r < rows; ++r) {
      each_lane<L>(0, keys, [&](auto j) VITRAIL_LAMBDA { put<L>(to + r * keys, j, get<L>(strip + r * row, j), add); });
    }
  }
};

// bias_gradient [queries, keys] (or null) is added to, or written.
template <isa I>
void head_backward(const AttentionGradient<float>& g, const HeadPlace& place, const float* masks,
                   const BackwardScratch<I>& at, float* scratch, float* bias_gradient, bool add_bias) {
  const Attention<float>& a = g.forward;
  const auto read = [&](const Heads<const float>& from, std::size_t copy) {
    return place.template read<I>(from, at.copy(scratch, copy));
  };
  const auto out_of = [](const Heads<float>& h) { return Heads<const float>{h.data, h.row, h.head, h.batch}; };
  float *strip = scratch + at.strip, *gradients = scratch + at.gradients;
  const HeadRows<const float> q_rows = read(a.q, 0), out = read(out_of(a.out), 3), up = read(g.out_gradient, 4);
  const HeadRows<const float> k_rows = place.template read_keys<I>(a.k, a.extra_k, at.copy(scratch, 1));
  const HeadRows<const float> v_rows = place.template read_keys<I>(a.v, a.extra_v, at.copy(scratch, 2));
  const HeadRows<float> q_gradient = place.write(g.q, at.copy(scratch, 5)),
                        k_gradient = place.write_keys(g.k, g.extra_k, at.copy(scratch, 6)),
                        v_gradient = place.write_keys(g.v, g.extra_v, at.copy(scratch, 7));
  // Those of a window are added when they are brought to their place.
  const bool add_q = g.add_q && !a.windows, add_k = g.add_k && !a.windows, add_v = g.add_v && !a.windows;
  const HeadRight k_transposed =
      pack_right<I>(scratch + at.k_transposed, k_rows.data, 1, k_rows.row, a.channels, a.keys);
  const HeadRight v_transposed =
      pack_right<I>(scratch + at.v_transposed, v_rows.data, 1, v_rows.row, a.channels, a.keys);
  const HeadRight k = rows_right<I>(scratch + at.k, k_rows.data, k_rows.row, a.keys, a.channels);
  for (std::size_t i = 0; i < a.queries;) {
    const std::size_t rows = next_block(a.queries - i, at.block);
    const auto row = static_cast<std::ptrdiff_t>(at.keys);
    const HeadRight q = rows_right<I>(scratch + at.q, q_rows.at(i), q_rows.row, rows, a.channels);
    const HeadRight out_gradient = rows_right<I>(scratch + at.out_gradient, up.at(i), up.row, rows, a.channels);
    head_product<I>({rows, at.keys, a.channels, q_rows.at(i), q_rows.row, 1, k_transposed, strip, row});
    head_product<I>({rows, at.keys, a.channels, up.at(i), up.row, 1, v_transposed, gradients, row});
    const ScoreStrip scores{
        strip, at.keys, rows, a.keys, a.scale, bias_at(a, place.head, i), mask_at(a, masks, place.group, i)};
    const OutputRows output{out.at(i), out.row, up.at(i), up.row, a.channels};
    const float* log_sum_exp = log_sum_exp_at(a, place.group, place.head, i);
    on<I>::template call<HeadSoftmaxGradient>(&scores, gradients, &output, log_sum_exp, scratch + at.dots);
    if (bias_gradient) {
      on<I>::template call<AddStrip>(static_cast<const float*>(gradients), at.keys, rows, a.keys,
                                     bias_gradient + i * a.keys, add_bias);
    }
    if (q_gradient.data) {
      head_product<I>({rows, a.channels, a.keys, gradients, row, 1, k, q_gradient.at(i), q_gradient.row, add_q});
    }
    if (k_gradient.data) {
      head_product<I>(
          {a.keys, a.channels, rows, gradients, 1, row, q, k_gradient.data, k_gradient.row, add_k || i > 0});
    }
    if (v_gradient.data) {
      head_product<I>(
          {a.keys, a.channels, rows, strip, 1, row, out_gradient, v_gradient.data, v_gradient.row, add_v || i > 0});
    }
    i += rows;
  }
  place.template written<I>(g.q, q_gradient.data, g.add_q);
  place.template written_keys<I>(g.k, g.extra_k, k_gradient.data, g.add_k);
  place.template written_keys<I>(g.v, g.extra_v, v_gradient.data, g.add_v);
}

// A bias gradient comes as the partial sums of its chunks of groups, [bias_chunks, heads, queries, keys] in bias_work,
// still times the scale; otherwise every head of every group is a task for itself.
inline void attention_backward(const Workers& workers, const AttentionGradient<float>& g) {
  const Attention<float>& a = g.forward;
  const std::size_t groups = a.groups(), work = groups * a.heads * a.queries * a.keys * a.channels;
  if (work == 0) return;
  const std::size_t chunks = g.bias ? bias_chunks(groups) : groups, tasks = chunks * a.heads;
  const bool small = 2 * work < attention_serial_work;
  const Scratch masks(mask_floats(a));
  fill_masks(a, masks.data());
  at_level(workers.level, [&]<isa I>() {
    const BackwardScratch<I> at(a);
    const Scratch scratch(workers.team_size(tasks, small) * at.size);
    workers.chunks(tasks, small, [&](std::size_t task, std::size_t thread) {
      const std::size_t chunk = task / a.heads, head = task % a.heads, begin = groups * chunk / chunks;
      float* bias = g.bias ? g.bias_work + task * a.queries * a.keys : nullptr;
      for (std::size_t group = begin; group < groups * (chunk + 1) / chunks; ++group) {
        head_backward<I>(g, {a, group, head}, masks.data(), at, scratch.data() + thread * at.size, bias, group > begin);
      }
    });
  });
}

}  // namespace vitrail::inline VITRAIL_TU::kernels
