// eager.hpp - operations on Tensors and Batches themselves, outside of any step: each runs at once and allocates its
// result. Nothing is tracked.
//
//   vt::Tensor<vt::Shape<4, 8>> y = vt::softmax(x * 2.0 + bias);
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "../backend/backend.hpp"
#include "../error.hpp"
#include "../tensor/tensor.hpp"
#include "driver.hpp"

namespace vitrail::inline VITRAIL_TU {

// The context of such operations: there is nothing to remember, so its one object has no members. They run on a backend
// with default options; dropout is off.
template <class P>
struct Eager {
  using policy = P;
  using value = typename P::value;
  static constexpr bool gradients = false, training = false;
  static constexpr bool stores_values = true;  // tensors and batches are of P::value, whatever a step stores

  template <class Op, class... V>
  auto run(const Op& op, const V&... v) const;
};
namespace detail {
template <class P>
inline Eager<P> eager_context{};

template <class E, class P>
inline constexpr bool holds_result = false;  // can a P hold the value of an expression or Var E?
template <class E, class S, class Q>
inline constexpr bool holds_result<E, Tensor<S, Q>> =
    !E::batched && std::is_same_v<S, typename E::shape> && SameMemoryAs<Q, typename E::context::policy>;
template <class E, class S, class Q>
inline constexpr bool holds_result<E, Batch<S, Q>> =
    E::batched&& std::is_same_v<S, typename E::shape>&& SameMemoryAs<Q, typename E::context::policy>;

// The base of what becomes a Tensor or Batch when it is assigned to one. In a step: nothing.
template <class E, class Context>
struct EagerResult {};
template <class E, class P>
struct EagerResult<E, Eager<P>> {
  template <class Owner>
  requires holds_result<E, Owner>
  operator Owner() && { return evaluate(static_cast<E&&>(*this)).template take<Owner>(); }
};
}  // namespace detail

// A value outside of a step. It shares the memory of the Tensor that it was made from.
template <class S, bool Batched, class P>
struct Var<S, Batched, false, Eager<P>> {
  using shape = S;
  using context = Eager<P>;
  using value = typename P::value;
  using Storage = Buffer<value, typename P::backend::memory>;
  static constexpr bool batched = Batched, tracked = false;

  Eager<P>* ctx = &detail::eager_context<P>;
  int id = -1;
  value* data = nullptr;
  std::size_t count = 1;
  std::shared_ptr<Storage> storage;

  Var(Eager<P>*, int, value* parameter) : data(parameter) {}  // one of a model, which keeps it alive
  Var(std::shared_ptr<Storage> values, std::size_t samples)
      : data(values->data()), count(samples), storage(std::move(values)) {}
  template <class E>
  requires is_expression<std::remove_cvref_t<E>> Var(E&& e) : Var(evaluate(static_cast<E&&>(e))) {}

  template <class Owner>
  requires detail::holds_result<Var, Owner>
  operator Owner() && { return take<Owner>(); }
  template <class Owner>
  requires detail::holds_result<Var, Owner>
  operator Owner() const& { return Var(*this).template take<Owner>(); }

  // Its memory, or a copy if others have it too.
  template <class Owner>
  Owner take() {
    if (!storage || storage.use_count() > 1) {
      auto own = std::make_shared<Storage>(S::size * count);
      Storage::memory::copy(own->data(), data, S::size * count * sizeof(value));
      storage = std::move(own);
    }
    if constexpr (Batched) {
      return Owner(std::move(storage), count);
    } else {
      return Owner(std::move(storage));
    }
  }
};

// It keeps its memory.
template <class S, bool Tracked, class Old, bool Batched, class P>
Var<S, Batched, false, Eager<P>> same_value(const Var<Old, Batched, false, Eager<P>>& v) {
  Var<S, Batched, false, Eager<P>> result(nullptr, -1, v.data);
  result.count = v.count;
  result.storage = v.storage;
  return result;
}

// `vt::Tensor y = a + b;`, `vt::Batch y = images * 2.0;`
template <class E>
concept EagerValue = requires {
  typename E::context::policy;
  requires std::is_same_v<typename E::context, Eager<typename E::context::policy>>;
};
template <EagerValue E>
Tensor(const E&) -> Tensor<typename E::shape, typename E::context::policy>;
template <EagerValue E>
Batch(const E&) -> Batch<typename E::shape, typename E::context::policy>;

template <class S, class P>
Var<S, false, false, Eager<P>> as_leaf(const Tensor<S, P>& tensor) {
  return {tensor.storage(), 1};
}
// Throws shape_error for a batch without samples.
template <class S, class P>
Var<S, true, false, Eager<P>> as_leaf(const Batch<S, P>& batch) {
  if (batch.count() == 0) throw shape_error("an expression or operation on a batch that has no samples");
  return {batch.storage(), batch.count()};
}

namespace detail {
[[noreturn, gnu::noinline]] inline void refuse_counts(const char* name, std::size_t one, std::size_t other) {
  throw shape_error(std::string(name) + ": batches of " + std::to_string(one) + " and " + std::to_string(other) +
                    " samples");
}
}  // namespace detail

template <class P>
template <class Op, class... V>
auto Eager<P>::run(const Op& op, const V&... v) const {
  using Call = Signature<Op, unmixed<P>, V...>;
  using Result = typename Call::template result<Eager>;
  using Storage = typename Result::Storage;
  (void)Call::check();
  const typename P::backend backend{vitrail::backend{}};
  std::size_t count = 0;
  ((V::batched
        ? void(count && count != v.count ? detail::refuse_counts(Op::name, count, v.count) : void(count = v.count))
        : void()),
   ...);
  if (!Call::any_batched) count = 1;
  auto out = std::make_shared<Storage>(Op::shape::size * (Call::batched ? count : 1));
  constexpr Space state = Call::facts.state, work = Call::facts.forward_work;
  Storage rooms[] = {Storage(state.per_sample * count), Storage(state.fixed), Storage(work.per_sample * count),
                     Storage(work.fixed)};
  auto room = [&rooms](std::size_t i) { return rooms[i].size() ? rooms[i].data() : nullptr; };
  Arguments<unmixed<P>, sizeof...(V)> a;
  a.backend = &backend;
  a.count = count;
  std::size_t i = 0;
  ((a.in[i++] = v.data), ...);
  a.out = out->data();
  a.state = {room(0), room(1)};
  a.work = {room(2), room(3)};
  op.forward(a);
  return Result(std::move(out), Call::batched ? count : 1);
}

}  // namespace vitrail::inline VITRAIL_TU
