// module.hpp - the base of everything with a forward function, and the walk over its parameters.
//
// A module is an aggregate of modules and Params with `static constexpr void visit(auto& self, auto&& f)`, which calls
// f(name, member) for each, and `constexpr auto forward(auto x) const`.
#pragma once

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "../autodiff/param.hpp"
#include "../autodiff/refuse.hpp"
#include "../autodiff/scopes.hpp"
#include "../expr/expression.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// How many members has an aggregate? A forgotten one would neither be trained nor saved.
struct Anything {
  template <class T>
  constexpr operator T() const;
};
template <class M, std::size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
  return requires { M{{}, (void(I), Anything{})...}; };  // {}: the base, Module
}
inline constexpr std::size_t max_members = 24;
template <class M, std::size_t N = max_members>
constexpr std::size_t member_count() {
  if constexpr (N == 0) {
    return 0;
  } else if constexpr (takes<M>(std::make_index_sequence<N>{})) {
    return N;
  } else {
    return member_count<M, N - 1>();
  }
}
template <class Y>
std::vector<std::size_t> shape_of(const Y&) {
  if constexpr (is_var<Y>) {
    return {Y::shape::dims.begin(), Y::shape::dims.end()};
  } else {
    return {};
  }
}

template <class M>
constexpr std::size_t visited_count() {
  M module{};
  std::size_t count = 0;
  M::visit(module, [&](auto&&, auto&) { ++count; });
  return count;
}

}  // namespace detail

template <class M, std::size_t Members, std::size_t Visited>
struct error_visit_does_not_list_every_member;
// Stands where an option leaves a member out: `std::conditional_t<scaled, LayerScale<D, P>, Absent> ls1;`. It is not
// visited, and M::absent_members says how many there are.
struct Absent {};
template <class M>
constexpr std::size_t absent_members() {
  if constexpr (requires { M::absent_members; }) {
    return M::absent_members;
  } else {
    return 0;
  }
}
template <class M>
constexpr void check_visit() {
#ifndef __CUDACC__  // nvcc cannot count members
  if constexpr (!requires { M::has_uncounted_members; }) {
    constexpr std::size_t members = detail::member_count<M>() - absent_members<M>(), visited = detail::visited_count<M>();
    if constexpr (members != visited) {
      (void)sizeof(error_visit_does_not_list_every_member<M, members, visited>);
      static_assert(members == visited,
                    "visit must call f for every member: a forgotten one is neither trained nor saved");
    }
  }
#endif
}

template <class M>
struct error_forward_returns_nothing;

// Users write `forward`; calling the module evaluates expressions on the way in and on the way out, so that a body sees
// Vars only and a result can be used more than once.
template <class Derived>
struct Module {
  template <class... X>
  constexpr auto operator()(X&&... x) const {
    check_visit<Derived>();
    return call(argument(static_cast<X&&>(x))...);
  }

 private:
  // Opens a scope for everything in forward, where the context notes them.
  template <class... X>
  constexpr auto call(const X&... x) const {
    const auto& self = static_cast<const Derived&>(*this);
    if constexpr (std::is_void_v<decltype(self.forward(x...))>) {
      return refuse<error_forward_returns_nothing<Derived>>(x...);
    } else if constexpr (requires { detail::context_of(x...)->scopes; }) {
      auto* ctx = detail::context_of(x...);
      if (ctx->scopes) ctx->scopes->enter(id_of(self));
      auto y = evaluate(self.forward(x...));
      if constexpr (requires { ctx->see_output(y); }) ctx->see_output(y);
      if (ctx->scopes) ctx->scopes->leave(detail::shape_of(y));
      return y;
    } else {
      return evaluate(self.forward(x...));
    }
  }
  template <class X>
  static constexpr auto argument(X&& x) {
    if constexpr (Operand<X>) {
      return evaluate(static_cast<X&&>(x));
    } else {
      return std::remove_cvref_t<X>(x);
    }
  }
};

// Calls f(parameter) for every parameter and running statistic of a module, in the order of visit.
template <class M>
constexpr void each_parameter(M& module, auto&& f) {
  std::remove_const_t<M>::visit(module, [&](auto&&, auto& member) {
    if constexpr (is_parameter<std::remove_cvref_t<decltype(member)>>) {
      f(member);
    } else {
      each_parameter(member, f);
    }
  });
}
namespace detail {
// Out of line: names are joined for every member of every module type.
[[gnu::noinline]] inline std::string join_path(const std::string& path, const char* name) {
  return path.empty() || !*name ? path + name : path + "." + name;
}
[[gnu::noinline]] inline std::string join_path(const std::string& path, std::size_t number) {
  return path.empty() ? std::to_string(number) : path + "." + std::to_string(number);
}
}  // namespace detail

// Calls f(path, member) for every parameter and every module below, "blocks.3.attn.qkv.weight"; a member visited under
// the empty name adds nothing to the path.
template <class M>
void each_named_member(M& module, const std::string& path, auto&& f) {
  std::remove_const_t<M>::visit(module, [&](auto name, auto& member) {
    const std::string full = detail::join_path(path, name);
    f(full, member);
    if constexpr (!is_parameter<std::remove_cvref_t<decltype(member)>>) each_named_member(member, full, f);
  });
}
template <class M>
void each_named_parameter(M& module, const std::string& path, auto&& f) {
  each_named_member(module, path, [&](const std::string& full, auto& member) {
    if constexpr (is_parameter<std::remove_cvref_t<decltype(member)>>) f(full, member);
  });
}
// Numbers the trainable parameters; in constants too, so that one parameter used twice is one value of a trace.
template <class M>
constexpr std::size_t number_slots(M& module) {
  int count = 0;
  each_parameter(module, [&](auto& parameter) {
    if constexpr (std::remove_cvref_t<decltype(parameter)>::trainable) parameter.slot = count++;
  });
  return static_cast<std::size_t>(count);
}

// How many parameters a module has, running statistics not counted, and how many of them train. Constants; nothing is
// allocated.
template <class M>
constexpr std::size_t parameter_count() {
  M module{};
  std::size_t count = 0;
  each_parameter(module, [&](auto& parameter) {
    using Q = std::remove_cvref_t<decltype(parameter)>;
    count += is_statistic<Q> ? 0 : Q::shape::size;
  });
  return count;
}
template <class M>
constexpr std::size_t trainable_count() {
  M module{};
  std::size_t count = 0;
  each_parameter(module, [&](auto& parameter) {
    using Q = std::remove_cvref_t<decltype(parameter)>;
    count += Q::trainable ? Q::shape::size : 0;
  });
  return count;
}

}  // namespace vitrail::inline VITRAIL_TU
