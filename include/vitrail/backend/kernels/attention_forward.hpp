// attention_forward.hpp - fused attention: softmax(scale Q K^T + bias) V, head by head.
//
// A head packs K^T and V once; those of a window are copied together first (a fiftieth of its work). Then blocks of
// query rows: their whole strip of scores stays in the cache, takes an exact softmax, and is the left side of the
// second product. Scores never reach memory.
#pragma once

#include <algorithm>
#include <cstddef>

#include "../attention.hpp"
#include "../workers.hpp"
#include "attention_product.hpp"
#include "attention_rows.hpp"
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

// Where a thread keeps what, in floats from the start of its scratch.
template <isa I>
struct ForwardScratch {
  std::size_t keys, channels, block, most;  // padded to whole registers; rows of a block, usual and most
  std::size_t k, v, strip, inverse, maxima, q_rows, k_rows, v_rows, out_rows, size;
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
    const std::size_t queries = a.windows ? a.queries * a.channels : 0, all = a.windows ? a.keys * a.channels : 0;
    q_rows = maxima + whole_lanes<I>(most);
    k_rows = q_rows + queries;
    v_rows = k_rows + all;
    out_rows = v_rows + all;
    size = (out_rows + queries + 15) / 16 * 16;
  }
};

// Query rows [begin, end) of one head.
template <isa I>
void head_forward(const HeadPlace& place, const float* masks, std::size_t begin, std::size_t end,
                  const ForwardScratch<I>& at, float* scratch) {
  const Attention<float>& a = place.a;
  float *strip = scratch + at.strip, *inverse = scratch + at.inverse;
  const HeadRows<const float> k_rows = place.template read_keys<I>(a.k, a.extra_k, scratch + at.k_rows);
  const HeadRows<const float> v_rows = place.template read_keys<I>(a.v, a.extra_v, scratch + at.v_rows);
  const HeadRows<const float> q = place.template read<I>(a.q, scratch + at.q_rows);
  const HeadRows<float> out = place.write(a.out, scratch + at.out_rows);
  const HeadRight k = pack_right<I>(scratch + at.k, k_rows.data, 1, k_rows.row, a.channels, a.keys);
  const HeadRight v = rows_right<I>(scratch + at.v, v_rows.data, v_rows.row, a.keys, a.channels);
  for (std::size_t i = begin; i < end;) {
    const std::size_t rows = next_block(end - i, at.block);
    const auto row = static_cast<std::ptrdiff_t>(at.keys);
    head_product<I>({rows, at.keys, a.channels, q.at(i), q.row, 1, k, strip, row});
    const ScoreStrip scores{
        strip, at.keys, rows, a.keys, a.scale, bias_at(a, place.head, i), mask_at(a, masks, place.group, i)};
    float* log_sum_exp = log_sum_exp_at(a, place.group, place.head, i);
    on<I>::template call<HeadSoftmax>(&scores, inverse, scratch + at.maxima, log_sum_exp);
    head_product<I>({rows, a.channels, a.keys, strip, row, 1, v, out.at(i), out.row});
    on<I>::template call<HeadScaleRows>(out.at(i), out.row, rows, a.channels, static_cast<const float*>(inverse));
    i += rows;
  }
  place.template written<I>(a.out, out.data);
}

inline void attention_forward(const Workers& workers, const Attention<float>& a) {
  const std::size_t heads = a.groups() * a.heads, work = heads * a.queries * a.keys * a.channels;
  if (work == 0) return;
  // Few heads are cut into ranges of queries too, each with its own packed keys and values (a few percent of the work).
  // The bits do not depend on the cut: every row is computed alone, in one order.
  const std::size_t threads = workers.threads;
  const bool cut = heads < 4 * threads && heads % threads != 0 && a.queries >= 16 * threads && !a.windows;
  const std::size_t parts = cut ? threads : 1, tasks = heads * parts;
  const bool small = work < attention_serial_work;
  const Scratch masks(mask_floats(a));
  fill_masks(a, masks.data());
  at_level(workers.level, [&]<isa I>() {
    const ForwardScratch<I> at(a);
    const Scratch scratch(workers.team_size(tasks, small) * at.size);
    workers.chunks(tasks, small, [&](std::size_t task, std::size_t thread) {
      const std::size_t part = task % parts, head = task / parts;
      head_forward<I>({a, head / a.heads, head % a.heads}, masks.data(), a.queries * part / parts,
                      a.queries * (part + 1) / parts, at, scratch.data() + thread * at.size);
    });
  });
}

}  // namespace vitrail::inline VITRAIL_TU::kernels
