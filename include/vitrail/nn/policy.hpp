// policy.hpp - a policy names, in one type, the value type, the backend and the tuning of everything that is built with
// it.
#pragma once

#include <cstddef>
#include <type_traits>

#include "../backend/openmp.hpp"
#include "tuning.hpp"

namespace vitrail::inline VITRAIL_TU {

// Own kernels, all cores. The default everywhere.
struct cpu {
  using value = float;
  using backend = OpenMP;
  using tune = train_all;
};
// For gradient checks: differences in float drown in rounding.
struct cpu_double : cpu {
  using value = double;
};
namespace detail {
template <class P, bool Host = P::backend::memory::host_readable>
struct HostPolicy {
  using type = P;
};
template <class P>
struct HostPolicy<P, false> {
  using type = std::conditional_t<std::is_same_v<typename P::value, double>, cpu_double, cpu>;
};
}  // namespace detail
// A policy of the same values in the host's memory: P itself, if it has them there.
template <class P>
using host_policy = typename detail::HostPolicy<P>::type;

// The same policy with another tuning: with_tuning<vt::cpu, vt::train_only<vt::site::head>>.
template <class P, class Tune>
struct with_tuning : P {
  using tune = Tune;
};
namespace detail {
template <class P, class T>
struct OtherValue : P {
  using value = T;
};
template <class P, class T>
struct WithValue {
  using type = std::conditional_t<std::is_same_v<typename P::value, T>, P, OtherValue<P, T>>;
};
template <class P, class Before, class T>
struct WithValue<OtherValue<P, Before>, T> : WithValue<P, T> {};
template <>
struct WithValue<cpu, double> {
  using type = cpu_double;
};
template <>
struct WithValue<cpu_double, float> {
  using type = cpu;
};
}  // namespace detail
// The same policy with another value type; with_value<vt::cpu, double> is vt::cpu_double.
template <class P, class T>
using with_value = typename detail::WithValue<P, T>::type;
// The policy of block I of Depth: P itself where its tuning treats all blocks alike, so that they have one type.
template <class P, std::size_t I, std::size_t Depth>
using block_policy = std::conditional_t<std::is_same_v<block_tuning<typename P::tune, I, Depth>, typename P::tune>, P,
                                        with_tuning<P, block_tuning<typename P::tune, I, Depth>>>;

}  // namespace vitrail::inline VITRAIL_TU
