// attention_forward.hpp - fused attention: softmax(scale Q K^T + bias) V, head by head.
//
// A head packs K^T and V once. Then blocks of query rows: their whole strip of scores stays in the cache, takes an
// exact softmax, and is the left side of the second product. Scores never reach memory.
#pragma once

#include <algorithm>
#include <cstddef>

#include "../attention.hpp"
#include "../workers.hpp"
#include "attention_product.hpp"
#include "attention_softmax.hpp"

namespace vitrail::inline VITRAIL_TU::kernels {

// Query rows per block: a strip of at most 64 KiB, in the L2 cache beside the packed keys and values, in whole tiles.
// With 197 tokens that is 72 rows (24, 48 and 96 are up to four percent slower), with 50 all of them.
constexpr std::size_t query_block(std::size_t padded_keys) {
  return std::max<std::size_t>(24, 64 * 1024 / sizeof(float) / padded_keys / 24 * 24);
}
// Rows of the next block: a rest of less than a good tile joins the block before it.
inline constexpr std::size_t block_rest = 4;
constexpr std::size_t next_block(std::size_t left, std::size_t block) {
  return left < block + block_rest ? left : block;
}

// Where a row of queries has its bias and its log-sum-exp; null where there is none.
inline const float* bias_at(const Attention<float>& a, std::size_t head, std::size_t query) {
  return a.bias ? a.bias + (head * a.queries + query) * a.keys : nullptr;
}
inline float* log_sum_exp_at(const Attention<float>& a, std::size_t batch, std::size_t head, std::size_t query) {
  return a.log_sum_exp ? a.log_sum_exp + (batch * a.heads + head) * a.queries + query : nullptr;
}

// Where a thread keeps what, in floats from the start of its scratch.
template <isa I>
struct ForwardScratch {
  std::size_t keys, channels, block, most;  // padded to whole registers; rows of a block, usual and most
  std::size_t k, v, strip, inverse, maxima, size;
  explicit ForwardScratch(const Attention<float>& a)
      : keys(whole_lanes<I>(a.keys)),
        channels(whole_lanes<I>(a.channels)),
        block(query_block(keys)),
        most(std::min(block + block_rest, a.queries)) {
    k = 0;
    v = k + keys * a.channels;
    strip = v + a.keys * channels;
    inverse = strip + most * keys;
    maxima = inverse + whole_lanes<I>(most);
    size = (maxima + whole_lanes<I>(most) + 15) / 16 * 16;
  }
};

// Query rows [begin, end) of one head.
template <isa I>
void head_forward(const Attention<float>& a, std::size_t batch, std::size_t head, std::size_t begin, std::size_t end,
                  const ForwardScratch<I>& at, float* scratch) {
  float *strip = scratch + at.strip, *inverse = scratch + at.inverse;
  const HeadRight k = pack_right<I>(scratch + at.k, a.k.at(batch, head), 1, a.k.row, a.channels, a.keys);
  const HeadRight v = rows_right<I>(scratch + at.v, a.v.at(batch, head), a.v.row, a.keys, a.channels);
  for (std::size_t i = begin; i < end;) {
    const std::size_t rows = next_block(end - i, at.block);
    const auto first = static_cast<std::ptrdiff_t>(i), row = static_cast<std::ptrdiff_t>(at.keys);
    const float* q = a.q.at(batch, head) + first * a.q.row;
    float* out = a.out.at(batch, head) + first * a.out.row;
    head_product<I>({rows, at.keys, a.channels, q, a.q.row, 1, k, strip, row});
    const ScoreStrip scores{strip, at.keys, rows, a.keys, a.scale, bias_at(a, head, i)};
    on<I>::template call<HeadSoftmax>(&scores, inverse, scratch + at.maxima, log_sum_exp_at(a, batch, head, i));
    head_product<I>({rows, a.channels, a.keys, strip, row, 1, v, out, a.out.row});
    on<I>::template call<HeadScaleRows>(out, a.out.row, rows, a.channels, static_cast<const float*>(inverse));
    i += rows;
  }
}

inline void attention_forward(const Workers& workers, const Attention<float>& a) {
  const std::size_t heads = a.batch * a.heads, work = heads * a.queries * a.keys * a.channels;
  if (work == 0) return;
  // Few heads are cut into ranges of queries too, each with its own packed keys and values (a few percent of the work).
  // The bits do not depend on the cut: every row is computed alone, in one order.
  const std::size_t threads = workers.threads;
  const std::size_t parts = heads < 4 * threads && heads % threads != 0 && a.queries >= 16 * threads ? threads : 1;
  const std::size_t tasks = heads * parts;
  const bool small = work < attention_serial_work;
  at_level(workers.level, [&]<isa I>() {
    const ForwardScratch<I> at(a);
    const Scratch scratch(workers.team_size(tasks, small) * at.size);
    workers.chunks(tasks, small, [&](std::size_t task, std::size_t thread) {
      const std::size_t part = task % parts, head = task / parts;
      head_forward<I>(a, head / a.heads, head % a.heads, a.queries * part / parts, a.queries * (part + 1) / parts, at,
                      scratch.data() + thread * at.size);
    });
  });
}

}  // namespace vitrail::inline VITRAIL_TU::kernels
