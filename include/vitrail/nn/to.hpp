// to.hpp - Tensors and Batches of another value type or on another backend: vt::to<double>(x), vt::to<vt::serial>(x).
#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "../tensor/tensor.hpp"
#include "policy.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {
// The policy that `to<T>` means for a tensor of P: T itself, or P with values of type T.
template <class T, class P>
struct PolicyFor {
  using type = T;
};
template <class T, class P>
requires std::is_floating_point_v<T>
struct PolicyFor<T, P> {
  using type = with_value<P, T>;
};
template <class From, class To>
void convert_values(const From& from, To& to) {
  static_assert(From::memory::host_readable && To::memory::host_readable, "to: both memories must be the host's");
  std::transform(from.data(), from.data() + from.size(), to.data(),
                 [](auto x) { return static_cast<typename To::value>(x); });
}
}  // namespace detail

// A copy with the values converted; T is float, double or a policy.
template <class T, class S, class P>
auto to(const Tensor<S, P>& tensor) {
  Tensor<S, typename detail::PolicyFor<T, P>::type> result;
  detail::convert_values(tensor, result);
  return result;
}
template <class T, class S, class P>
auto to(const Batch<S, P>& batch) {
  Batch<S, typename detail::PolicyFor<T, P>::type> result(batch.count());
  detail::convert_values(batch, result);
  return result;
}

}  // namespace vitrail::inline VITRAIL_TU
