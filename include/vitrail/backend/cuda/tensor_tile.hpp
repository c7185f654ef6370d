// tensor_tile.hpp - products of bf16 tiles on tensor cores: what a warp holds of a tile, and how it gets there from
// shared memory. PTX ISA, mma.m16n8k16 and ldmatrix; on the emulated device the same, lane by lane.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "../bf16.hpp"
#include "thread.hpp"

namespace vitrail::inline VITRAIL_TU::cuda {

// Of 16 rows and 16 columns, the left factor: a lane holds, in pairs of columns 2 q, 2 q + 1 with q = lane % 4, rows
// g = lane / 4 and g + 8 of columns 0 to 7, then both of columns 8 to 15.
struct LeftFactor {
  std::uint32_t pairs[4];
};
// Of 16 rows (the summed axis) and 8 columns, the right factor: rows 2 q, 2 q + 1 and those 8 further of column g.
struct RightFactor {
  std::uint32_t pairs[2];
};
// Of 16 rows and 8 columns, the sum: columns 2 q, 2 q + 1 of row g, then of row g + 8.
struct TensorSum {
  float at[4];
};
// Two neighbouring elements, the first one in the lower half.
VITRAIL_HOST_DEVICE inline std::uint32_t pair_of(float first, float second) {
  return bf16(first).bits | std::uint32_t{bf16(second).bits} << 16;
}

// sum += left * right, by all threads of a warp together.
template <class Thread>
VITRAIL_HOST_DEVICE void multiply_add(const Thread& thread, const LeftFactor& left, const RightFactor& right,
                                      TensorSum& sum) {
#ifdef __CUDA_ARCH__
  (void)thread;
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(sum.at[0]), "+f"(sum.at[1]), "+f"(sum.at[2]), "+f"(sum.at[3])
      : "r"(left.pairs[0]), "r"(left.pairs[1]), "r"(left.pairs[2]), "r"(left.pairs[3]), "r"(right.pairs[0]),
        "r"(right.pairs[1]));
#else
  struct Factors {
    LeftFactor left;
    RightFactor right;
  };
  const unsigned g = thread.index() % warp_size / 4, q = thread.index() % 4;
  const auto lower = [](std::uint32_t pair) { return std::bit_cast<float>(pair << 16); };
  const auto upper = [](std::uint32_t pair) { return std::bit_cast<float>(pair & 0xffff0000u); };
  thread.share(Factors{left, right}, [&](const auto& of_lane) {
    for (unsigned k = 0; k < 16; k += 2) {
      const unsigned holder = k % 8 / 2;  // of these two of the summed axis, in each group of four lanes
      for (unsigned row = 0; row < 2; ++row) {
        const std::uint32_t a = of_lane(g * 4 + holder).left.pairs[row + k / 8 * 2];
        for (unsigned column = 0; column < 2; ++column) {
          const std::uint32_t b = of_lane((2 * q + column) * 4 + holder).right.pairs[k / 8];
          sum.at[2 * row + column] += lower(a) * lower(b) + upper(a) * upper(b);
        }
      }
    }
  });
#endif
}

// Four squares of 8 x 8 elements, of which lanes 8 i to 8 i + 7 give the addresses of the rows of square i, aligned to
// 16 bytes: to[i] is columns 2 q, 2 q + 1 of its row g, or, transposed, rows 2 q, 2 q + 1 of its column g.
template <bool Transposed, class Thread>
VITRAIL_HOST_DEVICE void load_squares(const Thread& thread, const bf16* row, std::uint32_t (&to)[4]) {
#ifdef __CUDA_ARCH__
  (void)thread;
  const auto address = static_cast<std::uint32_t>(__cvta_generic_to_shared(row));
  if constexpr (Transposed) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(address)
                 : "memory");
  } else {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(address)
                 : "memory");
  }
#else
  const unsigned g = thread.index() % warp_size / 4, q = thread.index() % 4;
  const auto pair = [](bf16 first, bf16 second) { return first.bits | std::uint32_t{second.bits} << 16; };
  thread.share(row, [&](const auto& row_of) {
    for (unsigned i = 0; i < 4; ++i) {
      to[i] = Transposed ? pair(row_of(8 * i + 2 * q)[g], row_of(8 * i + 2 * q + 1)[g])
                         : pair(row_of(8 * i + g)[2 * q], row_of(8 * i + g)[2 * q + 1]);
    }
  });
#endif
}

// A tile in shared memory: rows of Width elements, `stride` apart. The 8 put the rows of a square on different banks.
template <unsigned Width>
struct SharedTile {
  static constexpr unsigned stride = Width + 8;
  static constexpr std::size_t elements(unsigned rows) { return std::size_t(rows) * stride; }
  bf16* data;

  // 16 rows from `row`, 16 columns from `column`.
  template <class Thread>
  VITRAIL_HOST_DEVICE LeftFactor left(const Thread& thread, unsigned row, unsigned column) const {
    const unsigned lane = thread.index() % warp_size;
    LeftFactor factor;
    load_squares<false>(thread, data + (row + lane % 16) * stride + column + lane / 16 * 8, factor.pairs);
    return factor;
  }
  // The transposes of 8 rows from `row`, and of the 8 behind them, 16 columns from `column`: columns are summed over.
  template <class Thread>
  VITRAIL_HOST_DEVICE void right_transposed(const Thread& thread, unsigned row, unsigned column,
                                            RightFactor (&factors)[2]) const {
    const unsigned lane = thread.index() % warp_size;
    std::uint32_t pairs[4];
    load_squares<false>(thread, data + (row + lane / 16 * 8 + lane % 8) * stride + column + lane / 8 % 2 * 8, pairs);
    factors[0] = {{pairs[0], pairs[1]}}, factors[1] = {{pairs[2], pairs[3]}};
  }
  // 16 rows from `row`, which are summed over, 8 columns from `column`, and the 8 behind them.
  template <class Thread>
  VITRAIL_HOST_DEVICE void right(const Thread& thread, unsigned row, unsigned column, RightFactor (&factors)[2]) const {
    const unsigned lane = thread.index() % warp_size;
    std::uint32_t pairs[4];
    load_squares<true>(thread, data + (row + lane % 16) * stride + column + lane / 16 * 8, pairs);
    factors[0] = {{pairs[0], pairs[1]}}, factors[1] = {{pairs[2], pairs[3]}};
  }
};

}  // namespace vitrail::inline VITRAIL_TU::cuda
