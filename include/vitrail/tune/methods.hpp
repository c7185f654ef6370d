// methods.hpp - methods of parameter-efficient fine-tuning as values, and the module types that they make of a base.
//
// A method is a value of a structural type: vt::lora{.rank = 8}, vt::head<37>. A user adds his own by a type with
//   template <auto Self> using tuning    a tuning (nn/tuning.hpp) of the value Self: what trains, and what stands where
//   bool merges                          can what it adds be merged into the base's weights? (tuned.merged())
//   double rate, weight_decay            what suits it, if it knows (train/recipe_of.hpp)
// and, if it replaces the head, `std::size_t classes`. All are static constants. What one method trains, trains; but
// only one may put something of its own at a place, or at a linear layer.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <type_traits>

#include "../nn/policy.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {
template <std::size_t Classes>
struct TuneHead : freeze_all {
  template <class Site>
  static constexpr bool trains = site::covers<site::head, Site>;
  template <class Site>
  static constexpr bool starts_anew = Classes > 0 && trains<Site>;
};
// (nvcc makes a reference to it of a named value.)
template <auto Method>
using method_type = std::remove_cvref_t<decltype(Method)>;
// The number of classes that the last method to replace the head asks for; 0: none does.
template <auto Method>
constexpr std::size_t classes_of() {
  if constexpr (requires { method_type<Method>::classes; }) {
    return method_type<Method>::classes;
  } else {
    return 0;
  }
}
constexpr std::size_t last_not_zero(std::initializer_list<std::size_t> numbers) {
  std::size_t last = 0;
  for (const std::size_t n : numbers) last = n ? n : last;
  return last;
}
}  // namespace detail

// The head trains: with Classes > 0 it is a new one of so many, from the seed; with 0 the base's own goes on.
template <std::size_t Classes>
struct HeadMethod {
  template <auto>
  using tuning = detail::TuneHead<Classes>;
  static constexpr std::size_t classes = Classes;
  static constexpr bool merges = true;
  static constexpr double rate = 1e-3;
};
template <std::size_t Classes = 0>
inline constexpr HeadMethod<Classes> head{};

// Parameters at these sites train, from the base's values: vt::train<vt::site::bias> is BitFit,
// vt::train<vt::site::norm> tunes the norms.
template <class... Sites>
struct TrainMethod {
  template <auto>
  using tuning = train_only<Sites...>;
  static constexpr bool merges = true;
  static constexpr double rate = 1e-3;
};
template <class... Sites>
inline constexpr TrainMethod<Sites...> train{};

// What a tuning of nn/tuning.hpp trains, from the base's values: vt::train_by<vt::train_all> is full fine-tuning,
// vt::train_by<vt::train_last<2>> that of the last two blocks and what follows them.
template <class Tuning>
struct TuningMethod {
  template <auto>
  using tuning = Tuning;
  static constexpr bool merges = true;
};
template <class Tuning>
inline constexpr TuningMethod<Tuning> train_by{};

template <auto... Methods>
struct MethodList {};

// P with the base frozen and these methods on it. `untuned` is what P was; `methods` lists what was added.
template <class P, auto... Methods>
struct tuned : P {
  using untuned = P;
  using methods = MethodList<Methods...>;
  using tune = train_any<typename detail::method_type<Methods>::template tuning<Methods>...>;
};

template <class M>
struct error_tune_module_has_no_rebind_to_another_policy;
template <class M, std::size_t Classes>
struct error_tune_module_has_no_rebind_to_another_number_of_classes;

namespace detail {
// M with the policy Q, and with Classes unless that is 0.
template <class M, class Q, std::size_t Classes>
struct Rebound {
  using check = std::conditional_t<Classes == 0, error_tune_module_has_no_rebind_to_another_policy<M>,
                                   error_tune_module_has_no_rebind_to_another_number_of_classes<M, Classes>>;
  static_assert(sizeof(check) > 0);
};
template <class M, class Q, std::size_t Classes>
requires(Classes > 0 && requires { typename M::template rebind<Q, Classes>; }) struct Rebound<M, Q, Classes> {
  using type = typename M::template rebind<Q, Classes>;
};
template <class M, class Q>
requires requires { typename M::template rebind<Q>; }
struct Rebound<M, Q, 0> {
  using type = typename M::template rebind<Q>;
};
// A template of types only, one of them its policy.
template <class Old, class New, class A>
using replaced = std::conditional_t<std::is_same_v<A, Old>, New, A>;
template <template <class...> class M, class... A, class Q>
requires(!requires { typename M<A...>::template rebind<Q>; } &&
         (std::is_same_v<A, typename M<A...>::policy> || ...)) struct Rebound<M<A...>, Q, 0> {
  using type = M<replaced<typename M<A...>::policy, Q, A>...>;
};

template <class M, auto... Methods>
struct TunedModule {
  static constexpr std::size_t classes = last_not_zero({0, classes_of<Methods>()...});
  using type = typename Rebound<M, tuned<typename M::policy, Methods...>, classes>::type;
};
}  // namespace detail

// The module M with these methods: vt::tuned_module<vt::ViT_B16<>, vt::lora{.rank = 8}>, for constants. M has
// `template <class Q> using rebind` (with `std::size_t Classes` if its head can be replaced), the same module with the
// policy Q; a template of types only, one of them its policy, needs none.
template <class M, auto... Methods>
using tuned_module = typename detail::TunedModule<M, Methods...>::type;

}  // namespace vitrail::inline VITRAIL_TU
