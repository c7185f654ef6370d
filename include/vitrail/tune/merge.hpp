// merge.hpp - a tuned model without its tuning: what was added is merged into the weights.
#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "../nn/model.hpp"
#include "methods.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// P with those of the methods that do not merge; P itself if there are none.
template <class P, class Kept, auto... Methods>
struct PolicyAfterMerge;
template <class P, auto... Kept>
struct PolicyAfterMerge<P, MethodList<Kept...>> {
  using type = std::conditional_t<sizeof...(Kept) == 0, P, tuned<P, Kept...>>;
};
template <class P, auto... Kept, auto First, auto... More>
struct PolicyAfterMerge<P, MethodList<Kept...>, First, More...>
    : std::conditional_t<method_type<First>::merges, PolicyAfterMerge<P, MethodList<Kept...>, More...>,
                         PolicyAfterMerge<P, MethodList<Kept..., First>, More...>> {};
template <class P>
struct MergedPolicy;
template <class P, auto... Methods>
struct MergedPolicy<tuned<P, Methods...>> : PolicyAfterMerge<P, MethodList<>, Methods...> {};

template <class Q>
concept merges_its_weight = requires(const Q& layer, const typename Q::P::backend& backend, typename Q::T* to) {
  layer.merge(backend, to);
};
// How the weight of a module is merged.
template <class Backend, class T>
struct WeightMerge {
  const void* module;
  void (*run)(const void* module, const Backend& backend, T* to);
};
// Modules that merge what they added into "weight", by the path of that, and the paths of what they added.
template <class Backend, class T, class M>
auto merges_of(const M& net, std::unordered_set<std::string>& added) {
  std::unordered_map<std::string, WeightMerge<Backend, T>> merges;
  each_named_member(net, "", [&](const std::string& path, const auto& member) {
    using Q = std::remove_cvref_t<decltype(member)>;
    if constexpr (merges_its_weight<Q>) {
      merges[join_path(path, "weight")] = {&member, [](const void* self, const Backend& backend, T* to) {
                                             static_cast<const Q*>(self)->merge(backend, to);
                                           }};
      Q::visit(member, [&](auto name, const auto& own) {
        if constexpr (is_parameter<std::remove_cvref_t<decltype(own)>>) added.insert(join_path(path, name));
      });
    }
  });
  return merges;
}

}  // namespace detail

// The plain model of a tuned one: Tuned::merged. Nothing is subtracted anywhere: who wants the base back has it.
template <class M>
auto merged(const Model<M>& model) {
  using From = Model<M>;
  using Plain = typename detail::Rebound<M, typename detail::MergedPolicy<typename M::policy>::type, 0>::type;
  using T = typename From::value;
  using Memory = typename From::Memory;
  std::unordered_set<std::string> added;
  const auto merges = detail::merges_of<typename From::Backend, T>(model.net(), added);
  auto values = std::make_shared<typename From::Store>();
  std::size_t size = 0;
  model.each_parameter([&](const ParameterInfo& info, const T*, bool) {
    if (added.contains(info.path)) return;
    values->table.push_back(info);
    values->table.back().offset = size;
    values->offsets.push_back(size);
    size += Memory::round_up(info.size * sizeof(T)) / sizeof(T);
  });
  detail::use_device(model.backend());
  detail::check_planned_on(model.backend(), "merged", {{"parameters", size * sizeof(T)}});
  values->values = Buffer<T, Memory>(size);
  auto place = values->offsets.begin();
  model.each_parameter([&](const ParameterInfo& info, const T* from, bool) {
    if (added.contains(info.path)) return;
    T* to = values->values.data() + *place++;
    if (const auto merge = merges.find(info.path); merge != merges.end()) {
      merge->second.run(merge->second.module, model.backend(), to);
    } else {
      Memory::copy(to, from, info.size * sizeof(T));
    }
  });
  return Model<Plain>(std::move(values), seed{model.random_seed()}, model.backend_options());
}

}  // namespace vitrail::inline VITRAIL_TU
