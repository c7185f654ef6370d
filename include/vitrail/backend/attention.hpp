// attention.hpp - the arguments of a fused attention, softmax(scale Q K^T + bias) V per head, for backends that have
// one.
#pragma once

#include <cstddef>

#include "../config.hpp"

namespace vitrail::inline VITRAIL_TU::kernels {

// Where the heads of a query, key, value or output lie: element (batch, head, token, channel) is at
// data[batch * batch_stride + head * head_stride + token * row + channel]. A fused qkv is read in place, never split.
template <class T>
struct Heads {
  T* data = nullptr;
  std::ptrdiff_t row = 0, head = 0, batch = 0;
  constexpr T* at(std::size_t b, std::size_t h) const {
    return data + static_cast<std::ptrdiff_t>(b) * batch + static_cast<std::ptrdiff_t>(h) * head;
  }
};

template <class T>
struct Attention {
  std::size_t batch = 0, heads = 0, queries = 0, keys = 0, channels = 0;  // channels of one head
  Heads<const T> q, k, v;
  Heads<T> out;
  T* log_sum_exp = nullptr;  // [batch, heads, queries], kept for backward; null in inference
  T scale = 1;
  const T* bias = nullptr;  // [heads, queries, keys], added to the scaled scores; null: none
};

template <class T>
struct AttentionGradient {
  Attention<T> forward;  // as in forward, out and log_sum_exp filled
  Heads<const T> out_gradient;
  Heads<T> q, k, v;  // gradients
  bool add = false;  // added to q, k, v or written
};

}  // namespace vitrail::inline VITRAIL_TU::kernels
