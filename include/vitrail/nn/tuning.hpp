// tuning.hpp - which parameters train, and what stands at the place of a linear layer: the `tune` part of a policy.
//
// A tuning is a struct with
//   trains<Site>               does the parameter at this site train? (bool; biases stand at site::bias_of<Site>)
//   linear<In, Out, P, Site>   the linear layer of this site
//   unbiased<In, Out, P, Site> the same of a layer without a bias
//   added<D, P, Place>         a module on tokens [N, D] at this place, or Absent
//   starts_anew<Site>          does the parameter at this site start anew, whatever a base has there? (bool)
//   at_block<I, Depth>         if blocks differ: the tuning of block I of Depth, in place of itself
// Derive from train_all and hide what is different. Which parameters train is then a part of the model's type: a frozen
// one has no gradient and no moments, and no backward is compiled for what only frozen ones feed.
#pragma once

#include <cstddef>
#include <type_traits>

#include "site.hpp"

namespace vitrail::inline VITRAIL_TU {

template <std::size_t In, std::size_t Out, class P, class Site>
struct PlainLinear;
template <std::size_t In, std::size_t Out, class P, class Site>
struct PlainUnbiased;
struct Absent;

// Everything trains (or, with false, nothing).
template <bool Trains>
struct train_everything {
  template <class Site>
  static constexpr bool trains = Trains;
  template <class Site>
  static constexpr bool starts_anew = false;
  template <std::size_t In, std::size_t Out, class P, class Site>
  using linear = PlainLinear<In, Out, P, Site>;
  template <std::size_t In, std::size_t Out, class P, class Site>
  using unbiased = PlainUnbiased<In, Out, P, Site>;
  template <std::size_t D, class P, class Place>
  using added = Absent;
};
using train_all = train_everything<true>;
using freeze_all = train_everything<false>;

// Only parameters at these sites train. train_only<site::head> is a linear probe; train_only<site::qkv, site::proj,
// site::head> fine-tunes attention alone (Touvron et al. 2022, "Three things everyone should know about Vision
// Transformers").
template <class... Sites>
struct train_only : train_all {
  template <class Site>
  static constexpr bool trains = (site::covers<Sites, Site> || ...);
};
// All but those at these sites train. freeze_only<site::patch> leaves the patch projection as it starts, against
// instability (Chen, Xie and He 2021, "An Empirical Study of Training Self-Supervised Vision Transformers").
template <class... Sites>
struct freeze_only : train_all {
  template <class Site>
  static constexpr bool trains = !(site::covers<Sites, Site> || ...);
};
// Biases and the head (Ben Zaken, Goldberg and Ravfogel 2022, "BitFit").
using train_biases = train_only<site::bias, site::head>;

template <std::size_t Named, std::size_t Depth>
struct error_tuning_names_more_blocks_than_there_are;

namespace detail {
template <std::size_t Named, std::size_t Depth, bool Trains>
struct BlockOf {
  using check =
      std::conditional_t<(Named > Depth), error_tuning_names_more_blocks_than_there_are<Named, Depth>, train_all>;
  static_assert(sizeof(check) > 0);
  using tune = train_everything<Trains>;
};
}  // namespace detail

// Patch embedding, class token, positions and the first K blocks are frozen (Yosinski et al. 2014, "How transferable
// are features in deep neural networks?"). Blocks are those of a vt::Blocks. K = 0 still freezes what is before them;
// with K = the depth the last norm and the head train. A K above the depth does not compile.
template <std::size_t K>
struct freeze_first : freeze_only<site::patch, site::embedding> {
  template <std::size_t I, std::size_t Depth>
  using at_block = typename detail::BlockOf<K, Depth, (I >= K)>::tune;
};
// The same from the other end: the last K blocks train, and what comes after them ("partial fine-tuning" of He et al.
// 2022, "Masked Autoencoders Are Scalable Vision Learners").
template <std::size_t K>
struct train_last : freeze_only<site::patch, site::embedding> {
  template <std::size_t I, std::size_t Depth>
  using at_block = typename detail::BlockOf<K, Depth, (I + K >= Depth)>::tune;
};

template <class At>
struct error_tuning_two_methods_claim_one_place;

namespace detail {
template <class Tune, std::size_t I, std::size_t Depth>
struct TuningOfBlock {
  using type = Tune;
};
template <class Tune, std::size_t I, std::size_t Depth>
requires requires { typename Tune::template at_block<I, Depth>; }
struct TuningOfBlock<Tune, I, Depth> {
  using type = typename Tune::template at_block<I, Depth>;
};
// The one of the modules that is not the plain one, if any.
template <class At, class Plain, class... Others>
struct OnlyOther {
  using type = Plain;
};
template <class At, class Plain, class First, class... Others>
struct OnlyOther<At, Plain, First, Others...> {
  using check = std::conditional_t<(std::is_same_v<Plain, Others> && ...), train_all,
                                   error_tuning_two_methods_claim_one_place<At>>;
  static_assert(sizeof(check) > 0);
  using type = First;
};
template <class At, class Plain, class... Others>
struct OnlyOther<At, Plain, Plain, Others...> : OnlyOther<At, Plain, Others...> {};

template <class... Tunes>
struct Combined {
  template <class Site>
  static constexpr bool starts_anew = (Tunes::template starts_anew<Site> || ...);
  template <std::size_t In, std::size_t Out, class P, class Site>
  using linear = typename OnlyOther<Site, PlainLinear<In, Out, P, Site>,
                                    typename Tunes::template linear<In, Out, P, Site>...>::type;
  template <std::size_t In, std::size_t Out, class P, class Site>
  using unbiased = typename OnlyOther<Site, PlainUnbiased<In, Out, P, Site>,
                                      typename Tunes::template unbiased<In, Out, P, Site>...>::type;
  template <std::size_t D, class P, class Place>
  using added = typename OnlyOther<Place, Absent, typename Tunes::template added<D, P, Place>...>::type;
};
}  // namespace detail

// The tuning of block I of Depth: Tune itself, unless it says otherwise.
template <class Tune, std::size_t I, std::size_t Depth>
using block_tuning = typename detail::TuningOfBlock<Tune, I, Depth>::type;

// What any of these trains: train_any<train_last<2>, train_only<site::norm>>. Of a linear layer,
// or a place for a module, only one tuning may have its own.
template <class... Tunes>
struct train_any : detail::Combined<Tunes...> {
  template <class Site>
  static constexpr bool trains = (Tunes::template trains<Site> || ...);
  template <std::size_t I, std::size_t Depth>
  using at_block = train_any<block_tuning<Tunes, I, Depth>...>;
};
// What each of these trains: train_both<train_last<2>, freeze_only<site::fc1, site::fc2>>.
template <class... Tunes>
struct train_both : detail::Combined<Tunes...> {
  template <class Site>
  static constexpr bool trains = (Tunes::template trains<Site> && ...);
  template <std::size_t I, std::size_t Depth>
  using at_block = train_both<block_tuning<Tunes, I, Depth>...>;
};

}  // namespace vitrail::inline VITRAIL_TU
