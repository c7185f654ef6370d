// swin.hpp - the Swin Transformer (Liu et al. 2021) and Swin v2 (2022) with timm's architecture, names and initial
// values.
#pragma once

#include "../nn/patch_embedding.hpp"
#include "../nn/run_block.hpp"
#include "../nn/stack.hpp"
#include "../nn/swin_block.hpp"
#include "../ops/tokens.hpp"
#include "classifier.hpp"
#include "pixel_statistics.hpp"

namespace vitrail::inline VITRAIL_TU {

struct SwinConfig {
  std::size_t image = 224, width = 0;  // of the image; a width of 0: a square
  std::size_t channels = 3, patch = 4, dim = 96, window = 7, mlp_ratio = 4;
  std::size_t depths[4] = {2, 2, 6, 2}, heads[4] = {3, 6, 12, 24};  // of the stages; a depth of 0: no more stages
  bool v2 = false;
  std::size_t trained_windows[4] = {0, 0, 0, 0};  // v2: those of a pretrained model, if others
  seam_mask mask = seam_mask::exact;
  double dropout = 0, drop_path = 0;  // rates while training; drop path grows linearly from 0 in the first block
  bool recompute = false;             // each block runs again in backward instead of keeping its values

  constexpr std::size_t stages() const {
    std::size_t count = 0;
    while (count < 4 && depths[count] > 0) ++count;
    return count;
  }
  constexpr std::size_t first_block(std::size_t stage) const {
    std::size_t first = 0;
    for (std::size_t s = 0; s < stage; ++s) first += depths[s];
    return first;
  }
  constexpr std::size_t blocks() const { return first_block(stages()); }
  // Of the map of a stage.
  constexpr std::size_t rows(std::size_t stage) const { return halved(image / patch, stage); }
  constexpr std::size_t columns(std::size_t stage) const { return halved((width ? width : image) / patch, stage); }
  constexpr std::size_t features(std::size_t stage) const { return dim << stage; }
  static constexpr std::size_t halved(std::size_t extent, std::size_t times) {
    for (; times > 0; --times) extent = (extent + 1) / 2;
    return extent;
  }
  constexpr WindowedMap map(std::size_t stage, bool shifted, std::size_t prompts = 0) const {
    WindowedMap map{rows(stage), columns(stage), window, shifted, mask, trained_windows[stage], prompts};
    map.shifted = map.windows().shifted();  // one window is not: the same type
    return map;
  }
};

namespace detail {

template <SwinConfig C, class P, class Indices = std::make_index_sequence<C.stages()>>
struct SwinPrompts;
template <SwinConfig C, class P, std::size_t... S>
struct SwinPrompts<C, P, std::index_sequence<S...>> {
  using Place = place::window_tokens<C.channels * C.patch * C.patch, C.depths[S]...>;
  using type = typename P::tune::template added<C.dim, P, Place>;
};
template <SwinConfig C, class P>
inline constexpr std::size_t swin_prompts = tokens_in_sequence<typename SwinPrompts<C, P>::type>();

// Block I of stage S: every other one is shifted. Tunings count blocks over all stages.
template <SwinConfig C, std::size_t S, class P, std::size_t I, bool V2 = C.v2>
struct SwinBlockAt {
  static constexpr std::size_t dim = C.features(S), heads = C.heads[S], hidden = dim * C.mlp_ratio;
  static constexpr std::size_t number = C.first_block(S) + I, blocks = C.blocks();
  static constexpr WindowedMap map = C.map(S, I % 2 == 1, swin_prompts<C, P>);
  using type = SwinBlock<dim, heads, hidden, map, block_policy<P, number, blocks>>;
};
template <SwinConfig C, std::size_t S, class P, std::size_t I>
struct SwinBlockAt<C, S, P, I, true> {
  using Like = SwinBlockAt<C, S, P, I, false>;
  using type =
      SwinV2Block<Like::dim, Like::heads, Like::hidden, Like::map, block_policy<P, Like::number, Like::blocks>>;
};
// Classes, since nvcc does not find the types of such functions.
template <SwinConfig C, std::size_t S, class P, class Indices = std::make_index_sequence<C.depths[S]>>
struct SwinBlocks;
template <SwinConfig C, std::size_t S, class P, std::size_t... I>
struct SwinBlocks<C, S, P, std::index_sequence<I...>> {
  using type = Stack<typename SwinBlockAt<C, S, P, I>::type...>;
};

}  // namespace detail

// Patches are merged in front of every stage but the first, as timm has it (the original at the end of the others).
template <SwinConfig C, std::size_t S, class P>
struct SwinStage : Module<SwinStage<C, S, P>> {
  static constexpr std::size_t first = C.first_block(S);
  PatchMerging<C.rows(S - 1), C.columns(S - 1), C.features(S - 1), P, C.v2, detail::swin_prompts<C, P>> downsample;
  typename detail::SwinBlocks<C, S, P>::type blocks;

  static constexpr void visit(auto& self, auto&& f) {
    f("downsample", self.downsample);
    f("blocks", self.blocks);
  }
  constexpr auto forward(const auto& x, const auto& run) const { return blocks.each(downsample(x), run); }
};
template <SwinConfig C, class P>
struct SwinStage<C, 0, P> : Module<SwinStage<C, 0, P>> {
  static constexpr std::size_t first = 0;
  typename detail::SwinBlocks<C, 0, P>::type blocks;

  static constexpr void visit(auto& self, auto&& f) { f("blocks", self.blocks); }
  constexpr auto forward(const auto& x, const auto& run) const { return blocks.each(x, run); }
};

namespace detail {
template <SwinConfig C, class P, class Indices = std::make_index_sequence<C.stages()>>
struct SwinStages;
template <SwinConfig C, class P, std::size_t... S>
struct SwinStages<C, P, std::index_sequence<S...>> {
  using type = Stack<SwinStage<C, S, P>...>;
};
}  // namespace detail

// image [channels, H, W] -> features [dim * 2^(stages - 1)]: everything but the head.
template <SwinConfig C, class P = cpu>
struct SwinBackbone : Module<SwinBackbone<C, P>> {
  static_assert(C.image % C.patch == 0 && C.width % C.patch == 0, "Swin: the image must be divisible by the patch");
  static_assert(C.stages() > 0, "Swin: at least one stage must have a block");
  static_assert(C.dim % C.heads[0] == 0, "Swin: dim must be divisible by heads");
  // What a tuning puts in front of the blocks: tokens that go with the others, or keys for each block (KeysOnly). They
  // are in all windows.
  using Prompts = typename detail::SwinPrompts<C, P>::type;
  static constexpr bool prompted = !std::is_same_v<Prompts, Absent>;
  static constexpr std::size_t prompts = detail::swin_prompts<C, P>;
  static constexpr bool gives_keys = prompted && prompts == 0;
  static constexpr BlockRunning running{C.blocks(), C.dropout, C.drop_path, C.recompute};
  static constexpr std::size_t absent_members = !prompted;
  using policy = P;
  using input = Shape<C.channels, C.image, C.width ? C.width : C.image>;
  template <class Q>
  using rebind = SwinBackbone<C, Q>;
  static constexpr std::size_t features = C.features(C.stages() - 1);
  static constexpr const char* head_name = "head.fc";
  static constexpr PixelStatistics pixels = imagenet_pixels;

  PatchEmbedding<C.channels, C.patch, C.dim, P> patch_embed;
  LayerNorm<C.dim, P, swin_eps> patch_norm;
  typename detail::SwinStages<C, P>::type layers;
  LayerNorm<features, P, swin_eps> norm;
  Prompts prompt;

  static constexpr void visit(auto& self, auto&& f) {
    f("patch_embed.proj", self.patch_embed);
    f("patch_embed.norm", self.patch_norm);
    f("layers", self.layers);
    f("norm", self.norm);
    if constexpr (prompted) f("", self.prompt);
  }
  constexpr auto forward(const auto& image) const {
    Var tokens = dropout(patch_norm(patch_embed(image)), running.dropout);
    Var y = layers.each(with_prompts(tokens), [this](const auto& stage, std::size_t, const auto& x) {
      return stage(x, Run<std::remove_cvref_t<decltype(stage)>::first>{&prompt});
    });
    return mean_tokens(norm(y), prompts);
  }

 private:
  constexpr auto with_prompts(const auto& tokens) const {
    if constexpr (prompts > 0) {
      return concat<0>(prompt.tokens(tokens), tokens);
    } else {
      return tokens;
    }
  }
  // Runs a block of the stage that begins with block First.
  template <std::size_t First>
  struct Run {
    const Prompts* prompt;
    template <std::size_t I>
    constexpr auto operator()(const auto& block, std::integral_constant<std::size_t, I>, const auto& x) const {
      if constexpr (gives_keys) {
        return run_block<running>(block, First + I, x, prompt->template keys<First + I>(x));
      } else {
        return run_block<running>(block, First + I, x);
      }
    }
  };
};

// The backbone with a head of `Classes`: image [C, H, W] -> logits [Classes].
template <SwinConfig C, std::size_t Classes, class P = cpu>
struct Swin : Classifier<SwinBackbone<C, P>, Classes> {
  template <class Q, std::size_t N = Classes>
  using rebind = Swin<C, N, Q>;
};

// The published variants, by timm's names: swin_tiny_patch4_window7_224 is Swin_T.
inline constexpr SwinConfig swin_tiny_patch4_window7_224{};
inline constexpr SwinConfig swin_small_patch4_window7_224{.depths = {2, 2, 18, 2}};
inline constexpr SwinConfig swin_base_patch4_window7_224{.dim = 128, .depths = {2, 2, 18, 2}, .heads = {4, 8, 16, 32}};
inline constexpr SwinConfig swin_base_patch4_window12_384{
    .image = 384, .dim = 128, .window = 12, .depths = {2, 2, 18, 2}, .heads = {4, 8, 16, 32}};
inline constexpr SwinConfig swin_large_patch4_window7_224{
    .dim = 192, .depths = {2, 2, 18, 2}, .heads = {6, 12, 24, 48}};
inline constexpr SwinConfig swin_large_patch4_window12_384{
    .image = 384, .dim = 192, .window = 12, .depths = {2, 2, 18, 2}, .heads = {6, 12, 24, 48}};
inline constexpr SwinConfig swinv2_tiny_window8_256{.image = 256, .window = 8, .v2 = true};
inline constexpr SwinConfig swinv2_small_window8_256{.image = 256, .window = 8, .depths = {2, 2, 18, 2}, .v2 = true};
inline constexpr SwinConfig swinv2_base_window8_256{
    .image = 256, .dim = 128, .window = 8, .depths = {2, 2, 18, 2}, .heads = {4, 8, 16, 32}, .v2 = true};
inline constexpr SwinConfig swinv2_tiny_window16_256{.image = 256, .window = 16, .v2 = true};
inline constexpr SwinConfig swinv2_small_window16_256{.image = 256, .window = 16, .depths = {2, 2, 18, 2}, .v2 = true};
inline constexpr SwinConfig swinv2_base_window16_256{
    .image = 256, .dim = 128, .window = 16, .depths = {2, 2, 18, 2}, .heads = {4, 8, 16, 32}, .v2 = true};
// Trained on 192 x 192 with windows of 12, and then on larger images with larger windows.
inline constexpr SwinConfig swinv2_base_window12_192{
    .image = 192, .dim = 128, .window = 12, .depths = {2, 2, 18, 2}, .heads = {4, 8, 16, 32}, .v2 = true};
inline constexpr SwinConfig swinv2_large_window12_192{
    .image = 192, .dim = 192, .window = 12, .depths = {2, 2, 18, 2}, .heads = {6, 12, 24, 48}, .v2 = true};
inline constexpr SwinConfig swinv2_base_window12to16_192to256{.image = 256,
                                                              .dim = 128,
                                                              .window = 16,
                                                              .depths = {2, 2, 18, 2},
                                                              .heads = {4, 8, 16, 32},
                                                              .v2 = true,
                                                              .trained_windows = {12, 12, 12, 6}};
inline constexpr SwinConfig swinv2_base_window12to24_192to384{.image = 384,
                                                              .dim = 128,
                                                              .window = 24,
                                                              .depths = {2, 2, 18, 2},
                                                              .heads = {4, 8, 16, 32},
                                                              .v2 = true,
                                                              .trained_windows = {12, 12, 12, 6}};
inline constexpr SwinConfig swinv2_large_window12to16_192to256{.image = 256,
                                                               .dim = 192,
                                                               .window = 16,
                                                               .depths = {2, 2, 18, 2},
                                                               .heads = {6, 12, 24, 48},
                                                               .v2 = true,
                                                               .trained_windows = {12, 12, 12, 6}};
inline constexpr SwinConfig swinv2_large_window12to24_192to384{.image = 384,
                                                               .dim = 192,
                                                               .window = 24,
                                                               .depths = {2, 2, 18, 2},
                                                               .heads = {6, 12, 24, 48},
                                                               .v2 = true,
                                                               .trained_windows = {12, 12, 12, 6}};
// Small ones, for images of 28 x 28 and 32 x 32: maps of 14 x 14 and 7 x 7 (16 x 16 and 8 x 8) with windows of 7 (4),
// so that the first stage's are shifted.
inline constexpr SwinConfig swin_28{.image = 28,
                                    .channels = 1,
                                    .patch = 2,
                                    .dim = 48,
                                    .window = 7,
                                    .mlp_ratio = 2,
                                    .depths = {2, 2, 0, 0},
                                    .heads = {3, 6, 0, 0}};
inline constexpr SwinConfig swin_32{
    .image = 32, .patch = 2, .dim = 48, .window = 4, .mlp_ratio = 2, .depths = {2, 4, 0, 0}, .heads = {3, 6, 0, 0}};

template <class P = cpu, std::size_t Classes = 1000>
using Swin_T = Swin<swin_tiny_patch4_window7_224, Classes, P>;
template <class P = cpu, std::size_t Classes = 1000>
using Swin_S = Swin<swin_small_patch4_window7_224, Classes, P>;
template <class P = cpu, std::size_t Classes = 1000>
using Swin_B = Swin<swin_base_patch4_window7_224, Classes, P>;
template <class P = cpu, std::size_t Classes = 1000>
using Swin_B_384 = Swin<swin_base_patch4_window12_384, Classes, P>;
template <class P = cpu, std::size_t Classes = 1000>
using Swin_L = Swin<swin_large_patch4_window7_224, Classes, P>;
template <class P = cpu, std::size_t Classes = 1000>
using Swin_L_384 = Swin<swin_large_patch4_window12_384, Classes, P>;
template <class P = cpu, std::size_t Classes = 1000>
using SwinV2_T = Swin<swinv2_tiny_window8_256, Classes, P>;
template <class P = cpu, std::size_t Classes = 1000>
using SwinV2_S = Swin<swinv2_small_window8_256, Classes, P>;
template <class P = cpu, std::size_t Classes = 1000>
using SwinV2_B = Swin<swinv2_base_window8_256, Classes, P>;
template <class P = cpu, std::size_t Classes = 1000>
using SwinV2_B_384 = Swin<swinv2_base_window12to24_192to384, Classes, P>;
template <class P = cpu, std::size_t Classes = 1000>
using SwinV2_L = Swin<swinv2_large_window12to16_192to256, Classes, P>;  // published with these windows only
template <class P = cpu, std::size_t Classes = 1000>
using SwinV2_L_384 = Swin<swinv2_large_window12to24_192to384, Classes, P>;

}  // namespace vitrail::inline VITRAIL_TU
