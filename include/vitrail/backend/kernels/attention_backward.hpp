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
#include "attention_softmax.hpp"

namespace vitrail::inline VITRAIL_TU::kernels {

// Where a thread keeps what, in floats from the start of its scratch.
template <isa I>
struct BackwardScratch {
  std::size_t keys, channels, block;
  std::size_t k_transposed, v_transposed, k, q, out_gradient, dots, strip, gradients, size;
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
    size = (gradients + most * keys + 15) / 16 * 16;
  }
};

template <isa I>
void head_backward(const AttentionGradient<float>& g, std::size_t batch, std::size_t head, const BackwardScratch<I>& at,
                   float* scratch) {
  const Attention<float>& a = g.forward;
  float *strip = scratch + at.strip, *gradients = scratch + at.gradients;
  const float *k_data = a.k.at(batch, head), *v_data = a.v.at(batch, head);
  const HeadRight k_transposed = pack_right<I>(scratch + at.k_transposed, k_data, 1, a.k.row, a.channels, a.keys);
  const HeadRight v_transposed = pack_right<I>(scratch + at.v_transposed, v_data, 1, a.v.row, a.channels, a.keys);
  const HeadRight k = rows_right<I>(scratch + at.k, k_data, a.k.row, a.keys, a.channels);
  for (std::size_t i = 0; i < a.queries;) {
    const std::size_t rows = next_block(a.queries - i, at.block);
    const auto first = static_cast<std::ptrdiff_t>(i), row = static_cast<std::ptrdiff_t>(at.keys);
    const float* q_rows = a.q.at(batch, head) + first * a.q.row;
    const float* out_rows = a.out.at(batch, head) + first * a.out.row;
    const float* out_gradient_rows = g.out_gradient.at(batch, head) + first * g.out_gradient.row;
    float* q_gradient = g.q.at(batch, head) + first * g.q.row;
    const HeadRight q = rows_right<I>(scratch + at.q, q_rows, a.q.row, rows, a.channels);
    const HeadRight out_gradient =
        rows_right<I>(scratch + at.out_gradient, out_gradient_rows, g.out_gradient.row, rows, a.channels);
    head_product<I>({rows, at.keys, a.channels, q_rows, a.q.row, 1, k_transposed, strip, row});
    head_product<I>(
        {rows, at.keys, a.channels, out_gradient_rows, g.out_gradient.row, 1, v_transposed, gradients, row});
    const ScoreStrip scores{strip, at.keys, rows, a.keys, a.scale, bias_at(a, head, i)};
    const OutputRows output{out_rows, a.out.row, out_gradient_rows, g.out_gradient.row, a.channels};
    const float* log_sum_exp = log_sum_exp_at(a, batch, head, i);
    on<I>::template call<HeadSoftmaxGradient>(&scores, gradients, &output, log_sum_exp, scratch + at.dots);
    head_product<I>({rows, a.channels, a.keys, gradients, row, 1, k, q_gradient, g.q.row, g.add});
    const bool add = g.add || i > 0;
    head_product<I>({a.keys, a.channels, rows, gradients, 1, row, q, g.k.at(batch, head), g.k.row, add});
    head_product<I>({a.keys, a.channels, rows, strip, 1, row, out_gradient, g.v.at(batch, head), g.v.row, add});
    i += rows;
  }
}

inline void attention_backward(const Workers& workers, const AttentionGradient<float>& g) {
  const Attention<float>& a = g.forward;
  const std::size_t heads = a.batch * a.heads, work = heads * a.queries * a.keys * a.channels;
  if (work == 0) return;
  const bool small = 2 * work < attention_serial_work;
  at_level(workers.level, [&]<isa I>() {
    const BackwardScratch<I> at(a);
    const Scratch scratch(workers.team_size(heads, small) * at.size);
    workers.chunks(heads, small, [&](std::size_t task, std::size_t thread) {
      head_backward<I>(g, task / a.heads, task % a.heads, at, scratch.data() + thread * at.size);
    });
  });
}

}  // namespace vitrail::inline VITRAIL_TU::kernels
