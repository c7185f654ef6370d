// inputs.hpp - values to call operations with, in a context that only counts: no kernel is instantiated.
#pragma once

#include <vitrail/autodiff/meta.hpp>
#include <vitrail/nn/policy.hpp>


namespace vt = vitrail;

inline vt::Trace trace;
inline vt::Meta<vt::cpu, true> context{&trace};

// One for each sample, and a trainable parameter.
template <std::size_t... E>
auto input() {
  return context.input<vt::Shape<E...>, true>();
}
template <std::size_t... E>
vt::Parameter<vt::Shape<E...>, float, true, true, void> parameter() {
  return {};
}
