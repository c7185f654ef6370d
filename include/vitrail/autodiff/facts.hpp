// facts.hpp - what an operation says about itself, from which steps are planned and costs are counted.
#pragma once

#include <cstddef>

#include "../config.hpp"

namespace vitrail::inline VITRAIL_TU {

inline constexpr std::size_t max_inputs = 8;
// In Facts::saves: backward reads the output.
inline constexpr unsigned output_bit = 1u << 15;

// How an operation's backward leaves the gradient of one input. Decided by the plan, read by kernels at run time: as
// types these would multiply the instantiations.
enum class Mode : unsigned char {
  none,             // nobody asks for it
  write,            // every element is written
  add,              // every contribution is added
  write_zero_rest,  // the operation writes a part and zeroes the rest
  alias,            // it *is* the gradient of the output, in the same memory: nothing to do
};

// Elements of the policy's value type, also where what there is of each sample is `stored` (stored.hpp): so many per
// sample, so many once.
struct Space {
  std::size_t per_sample = 0, fixed = 0;
};

// An element of a cheap operation takes about as long as so many FLOPs of a product: some 3e9 elements and 2.5e11 FLOPs
// per second and core, measured for GELU and for products from memory.
inline constexpr std::size_t elementwise_cost = 80;

// A constexpr function of the operation, `facts<P>(tracked)`, gives these for its target backend P::backend. FLOPs and
// per_sample space are of one sample.
struct Facts {
  std::size_t flops = 0, backward_flops = 0;
  bool is_product = false;  // flops are those of products: half of them are multiply-adds
  Space state;              // written by forward, read by backward
  Space forward_work;       // scratch of forward
  Space backward_work;      // scratch of backward
  unsigned saves = 0;       // bit i: backward reads input i; output_bit: the output
  unsigned alias = 0;       // bit i: the gradient of input i is the gradient of the output
  unsigned partial = 0;     // bit i: backward writes only a part of the gradient of input i
  unsigned in_place = 0;    // bit i: forward may write the output over input i
  // If forward may run again in backward instead of its result being kept: what that costs per sample, in FLOPs of a
  // product that would take as long. 0: it may not.
  std::size_t recompute_cost = 0;
};

}  // namespace vitrail::inline VITRAIL_TU
