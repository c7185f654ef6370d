// looking.hpp - the context of an inference that is looked at: it runs each operation at once, and notes what modules
// return and the probabilities of attentions. No other context asks for them, so that they cost nothing elsewhere.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

#include "../autodiff/driver.hpp"
#include "../autodiff/scopes.hpp"
#include "../backend/memory.hpp"
#include "../backend/values.hpp"

namespace vitrail::inline VITRAIL_TU {

// What was seen, before it has a name: `call` is the module's forward that it happened in.
template <class T>
struct Sighting {
  int call;
  std::vector<std::size_t> shape;  // of a sample
  std::vector<T> values;           // sample by sample
};

template <class P>
class Looking {
 public:
  using policy = unmixed<P>;  // what is seen is not rounded to lie in less memory
  using value = typename P::value;
  using Backend = typename P::backend;
  using Memory = typename Backend::memory;
  static constexpr bool gradients = false, training = false;
  static constexpr bool sees_all_tokens = true;  // a last block that is to compute the class token alone does not

  Looking(const Backend& backend, std::size_t count) : scopes(&scopes_), backend_(&backend), count_(count) {}
  Looking(const Looking&) = delete;
  Looking& operator=(const Looking&) = delete;

  Scopes* scopes;  // Module opens them

  // Values in the backend's memory or in the host's.
  template <class S>
  auto input(const value* data) {
    if constexpr (!Memory::host_readable) {
      value* const copy = keep(count_ * S::size);
      detail::copy_values(*backend_, copy, data, count_ * S::size);
      data = copy;
    }
    return Var<S, true, false, Looking>(this, -1, const_cast<value*>(data));
  }
  template <class Op, class... V>
  auto run(const Op& op, const V&... v) {
    using Call = Signature<Op, policy, V...>;
    (void)Call::check();
    constexpr Space state = Call::facts.state, work = Call::facts.forward_work;
    Arguments<policy, sizeof...(V)> a;
    a.backend = backend_;
    a.count = Call::any_batched ? count_ : 1;
    std::size_t i = 0;
    ((a.in[i++] = v.data), ...);
    a.out = keep(Op::shape::size * (Call::batched ? count_ : 1));
    a.state = {keep(state.per_sample * a.count), keep(state.fixed)};
    a.work = {keep(work.per_sample * a.count), keep(work.fixed)};
    op.forward(a);
    if constexpr (requires { op.attention_map(a, count_, a.out); }) {
      detail::HostCopies<Memory, value> copies;  // the map is made on the host
      i = 0;
      ((a.in[i++] = copies.of(v.data, elements_of<V>())), ...);
      const std::size_t size = Op::map_shape[0] * Op::map_shape[1] * Op::map_shape[2];
      Sighting<value> map{
          scopes_.open, {Op::map_shape.begin(), Op::map_shape.end()}, std::vector<value>(size * count_)};
      for (std::size_t b = 0; b < count_; ++b) op.attention_map(a, b, map.values.data() + b * size);
      attentions_.push_back(std::move(map));
    }
    return typename Call::template result<Looking>(this, -1, a.out);
  }
  // Called by Module.
  template <class Y>
  void see_output(const Y& y) {
    if constexpr (is_var<Y>) outputs_.push_back(sighting_of(y));
  }
  // Called by attention that is written with several operations (ops/attend.hpp).
  template <class V>
  void see_attention(const V& probabilities) {
    attentions_.push_back(sighting_of(probabilities));
  }

  const std::vector<Sighting<value>>& outputs() const { return outputs_; }
  const std::vector<Sighting<value>>& attentions() const { return attentions_; }
  template <class V>
  Sighting<value> sighting_of(const V& v) const {
    Sighting<value> seen{scopes_.open, {V::shape::dims.begin(), V::shape::dims.end()}, {}};
    std::vector<value> room;
    const value* const values = detail::on_host<Memory>(v.data, elements_of<V>(), room);
    for (std::size_t b = 0; b < count_; ++b) {
      const value* from = values + (V::batched ? b * V::shape::size : 0);
      seen.values.insert(seen.values.end(), from, from + V::shape::size);
    }
    return seen;
  }

 private:
  template <class V>
  std::size_t elements_of() const {
    return V::shape::size * (V::batched ? count_ : 1);
  }
  value* keep(std::size_t elements) { return elements ? kept_.emplace_back(elements).data() : nullptr; }

  Scopes scopes_;
  const Backend* backend_;
  std::size_t count_;
  std::vector<Buffer<value, Memory>> kept_;
  std::vector<Sighting<value>> outputs_, attentions_;
};

}  // namespace vitrail::inline VITRAIL_TU
