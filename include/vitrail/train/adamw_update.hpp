// adamw_update.hpp - what AdamW does to each element.
#pragma once

#include "../backend/rows.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {
template <class T>
struct AdamWUpdate {
  using value = T;
  T *weight, *first, *second;
  const T* gradient;
  T beta1, beta2, keep, step, correction, eps;  // correction: 1 / sqrt(1 - beta2^t); step: rate / (1 - beta1^t)
  template <class L, class J>
  VITRAIL_FUNCTION void at(J j) const {
    const L g = get<L>(gradient, j);
    const L m = get<L>(first, j) * L(beta1) + g * L(T(1) - beta1);
    const L v = get<L>(second, j) * L(beta2) + g * g * L(T(1) - beta2);
    put<L>(first, j, m);
    put<L>(second, j, v);
    put<L>(weight, j, get<L>(weight, j) * L(keep) - m * L(step) / (sqrt(v) * L(correction) + L(eps)));
  }
};
}  // namespace detail

}  // namespace vitrail::inline VITRAIL_TU
