// patch_embedding.hpp - an image cut into square patches, each projected linearly. torch.nn.Conv2d with stride = kernel
// size, flattened and transposed: "c (h p) (w q) -> (h w) (c p q)", then a product.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>

#include "linear.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// Between an image [C, H, W] and its patches [H W / p^2, C p p]; a row of the program is one row of p pixels. Each
// pixel belongs to one patch, so the way back writes every pixel once.
template <class T>
struct MovePatches {
  using value = computed<T>;
  static constexpr bool is_minor = true;
  std::size_t channels, height, width, patch;
  const T* from;
  T* to;
  bool to_patches, adds;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const std::size_t across = width / patch, down = height / patch;
    const std::size_t p = r % patch, c = r / patch % channels, token = r / (patch * channels);
    const std::size_t sample = token / (across * down), y = token / across % down, x = token % across;
    const std::size_t in_image = ((sample * channels + c) * height + y * patch + p) * width + x * patch;
    const T* source = from + (to_patches ? in_image : r * patch);
    T* target = to + (to_patches ? r * patch : in_image);
    row.each(patch, [&](auto j) VITRAIL_LAMBDA { put<L>(target, j, get<L>(source, j), adds); });
  }
};

}  // namespace detail

// Inputs: image [C, H, W], weight [D, C, p, p], bias [D]; output [H W / p^2, D]. The patches exist in scratch memory
// only.
template <class S, std::size_t Patch, std::size_t D>
struct PatchEmbeddingOp {
  static constexpr std::size_t C = S::dims[0], H = S::dims[1], W = S::dims[2];
  static constexpr std::size_t tokens = (H / Patch) * (W / Patch), features = C * Patch * Patch;
  using shape = Shape<tokens, D>;
  static constexpr const char* name = "patch_embedding";
  using Projection = LinearOp<Shape<tokens, features>, D, true, false>;
  static constexpr unsigned packed_inputs = Projection::packed_inputs;

  template <class P>
  static constexpr Facts facts(std::array<bool, 3> tracked) {
    Facts f = Projection::template facts<P>(tracked);
    f.forward_work.per_sample = tokens * features;
    f.backward_work.per_sample = tokens * features;
    return f;
  }
  template <class P, unsigned Stored>
  void forward(const Arguments<P, 3, Stored>& a) const {
    auto* const patches = scratch(a);
    move_patches(a, input_at<0>(a), patches, true, false);
    auto b = a;
    b.in[0] = patches;
    Projection{}.forward(b);
  }
  template <class P, unsigned Stored>
  void backward(const Arguments<P, 3, Stored>& a) const {
    auto* const patches = scratch(a);
    auto b = a;
    b.in[0] = patches;
    b.gradient[0].mode = Mode::none;
    if (a.gradient[1].wanted()) move_patches(a, input_at<0>(a), patches, true, false);
    Projection{}.backward(b);
    if (a.gradient[0].wanted()) {
      b.gradient[0] = {patches, Mode::write};
      b.gradient[1].mode = b.gradient[2].mode = Mode::none;
      Projection{}.backward(b);
      move_patches(a, patches, gradient_at<0>(a), false, a.gradient[0].adds());
    }
  }

 private:
  // The patches lie as the image does, in room for values.
  template <class A>
  static auto scratch(const A& a) {
    using X = stored_input<0, A>;
    if constexpr (std::is_same_v<X, typename A::value>) {
      return a.work.per_sample;
    } else {
      return reinterpret_cast<X*>(a.work.per_sample);
    }
  }
  template <class A, class T>
  static void move_patches(const A& a, const T* from, T* to, bool to_patches, bool adds) {
    a.backend->rows(a.count * tokens * C * Patch, Patch,
                    detail::MovePatches<T>{C, H, W, Patch, from, to, to_patches, adds});
  }
};

template <std::size_t Rank>
struct error_patch_embedding_image_is_not_of_rank_3;
template <std::size_t Rank>
struct error_patch_embedding_weight_is_not_of_rank_4;
template <std::size_t Height, std::size_t Width>
struct error_patch_embedding_patches_are_not_square;
template <std::size_t Extent, std::size_t Patch>
struct error_patch_embedding_image_is_not_divisible_by_the_patch;
template <std::size_t Given, std::size_t Expected>
struct error_patch_embedding_image_has_another_number_of_channels;
template <std::size_t Given, std::size_t Expected>
struct error_patch_embedding_bias_has_another_size_than_the_tokens;
template <std::size_t D, std::size_t C, std::size_t Patch>
struct error_patch_embedding_weight_is_not_one_for_the_whole_batch;
template <std::size_t Size>
struct error_patch_embedding_bias_is_not_one_for_the_whole_batch;

namespace detail {
template <class X, class Weight, class B>
constexpr auto patch_embedding(const X& image, const Weight& weight, const B& bias) {
  using S = typename X::shape;
  using V = typename Weight::shape;
  if constexpr (S::rank != 3) {
    return refuse<error_patch_embedding_image_is_not_of_rank_3<S::rank>>(image, weight, bias);
  } else if constexpr (V::rank != 4) {
    return refuse<error_patch_embedding_weight_is_not_of_rank_4<V::rank>>(image, weight, bias);
  } else if constexpr (V::dims[2] != V::dims[3]) {
    return refuse<error_patch_embedding_patches_are_not_square<V::dims[2], V::dims[3]>>(image, weight, bias);
  } else if constexpr (V::dims[2] == 0 || S::dims[1] % V::dims[2] != 0 || S::dims[2] % V::dims[2] != 0) {
    constexpr std::size_t patch = V::dims[2], extent = !patch || S::dims[1] % patch ? S::dims[1] : S::dims[2];
    return refuse<error_patch_embedding_image_is_not_divisible_by_the_patch<extent, patch>>(image, weight, bias);
  } else if constexpr (S::dims[0] != V::dims[1]) {
    return refuse<error_patch_embedding_image_has_another_number_of_channels<S::dims[0], V::dims[1]>>(image, weight,
                                                                                                      bias);
  } else if constexpr (B::shape::size != V::dims[0]) {
    return refuse<error_patch_embedding_bias_has_another_size_than_the_tokens<B::shape::size, V::dims[0]>>(
        image, weight, bias);
  } else if constexpr (!is_one_for_all<Weight>()) {
    return refuse<error_patch_embedding_weight_is_not_one_for_the_whole_batch<V::dims[0], V::dims[1], V::dims[2]>>(
        image, weight, bias);
  } else if constexpr (!is_one_for_all<B>()) {
    return refuse<error_patch_embedding_bias_is_not_one_for_the_whole_batch<B::shape::size>>(image, weight, bias);
  } else {
    return apply(PatchEmbeddingOp<S, V::dims[2], V::dims[0]>{}, image, weight, bias);
  }
}
}  // namespace detail

// image [C, H, W], weight [D, C, p, p], bias [D] -> [H W / p^2, D], tokens row by row.
template <class X, class Weight, class B>
constexpr auto patch_embedding(X&& image, Weight&& weight, B&& bias) {
  return detail::patch_embedding(evaluate(static_cast<X&&>(image)), evaluate(static_cast<Weight&&>(weight)),
                                 evaluate(static_cast<B&&>(bias)));
}

}  // namespace vitrail::inline VITRAIL_TU
