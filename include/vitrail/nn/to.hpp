// to.hpp - Tensors and Batches of another value type or on another backend: vt::to<double>(x), vt::to<vt::serial>(x).
#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <vector>

#include "../backend/values.hpp"
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
  using In = typename From::value;
  using Out = typename To::value;
  std::vector<In> room;
  const In* values = on_host<typename From::memory>(from.data(), from.size(), room);
  fill_from_host<typename To::memory>(to.data(), from.size(), [&](Out* host) {
    return std::transform(values, values + from.size(), host, [](In x) { return static_cast<Out>(x); }), true;
  });
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
