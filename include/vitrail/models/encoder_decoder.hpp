// encoder_decoder.hpp - from an image to a sequence: a ViT encodes the image, a decoder reads it with cross-attention.
#pragma once

#include "../nn/cross_attention.hpp"
#include "../nn/patch_embedding.hpp"
#include "../nn/stack.hpp"
#include "../ops/concat.hpp"
#include "../ops/embedding.hpp"
#include "../ops/slice.hpp"

namespace vitrail::inline VITRAIL_TU {

struct EncoderDecoderConfig {
  std::size_t height = 32, width = 32, channels = 3, patch = 4;                       // of the image
  std::size_t dim = 64, depth = 4, heads = 4, mlp = 128;                              // of the encoder
  std::size_t length = 8, vocabulary = 16;                                            // of the sequence
  std::size_t target_dim = 64, target_depth = 2, target_heads = 4, target_mlp = 128;  // of the decoder
};

// image [C, H, W] -> its tokens [H / p * W / p, dim], after the last norm. There is no class token.
template <EncoderDecoderConfig C, class P = cpu>
struct ImageEncoder : Module<ImageEncoder<C, P>> {
  static constexpr std::size_t patches = (C.height / C.patch) * (C.width / C.patch);
  template <class Q>
  using block_with = Block<C.dim, C.heads, C.mlp, Q>;

  PatchEmbedding<C.channels, C.patch, C.dim, P> patch_embed;
  Param<Shape<patches, C.dim>, P, site::embedding, initial::normal<std::ratio<2, 100>>> pos_embed;
  Blocks<C.depth, block_with, P> blocks;
  LayerNorm<C.dim, P> norm;

  static constexpr void visit(auto& self, auto&& f) {
    f("patch_embed.proj", self.patch_embed);
    f("pos_embed", self.pos_embed);
    f("blocks", self.blocks);
    f("norm", self.norm);
  }
  constexpr auto forward(const auto& image) const { return norm(blocks(patch_embed(image) + pos_embed)); }
};

// (tokens so far, source [M, C.dim]) -> logits [length, vocabulary]: of token i from the tokens before it alone. Labels
// are moved back by one, with a learned token in front, so the same numbers are what the decoder is told and what it is
// to say (teacher forcing).
template <EncoderDecoderConfig C, class P = cpu>
struct SequenceDecoder : Module<SequenceDecoder<C, P>> {
  static constexpr std::size_t D = C.target_dim;
  template <class Q>
  using block_with = DecoderBlock<D, C.dim, C.target_heads, C.target_mlp, Q>;

  Param<Shape<C.vocabulary, D>, P, site::embedding, initial::normal<std::ratio<2, 100>>> token_embed;
  Param<Shape<1, D>, P, site::embedding, initial::normal<std::ratio<2, 100>>> begin;
  Param<Shape<C.length, D>, P, site::embedding, initial::normal<std::ratio<2, 100>>> pos_embed;
  Blocks<C.target_depth, block_with, P> blocks;
  LayerNorm<D, P> norm;
  Linear<D, C.vocabulary, P, site::head> head;

  static constexpr void visit(auto& self, auto&& f) {
    f("token_embed", self.token_embed);
    f("begin", self.begin);
    f("pos_embed", self.pos_embed);
    f("blocks", self.blocks);
    f("norm", self.norm);
    f("head", self.head);
  }
  constexpr auto forward(const auto& labels, const auto& source) const {
    Var told = embedding(labels, token_embed);
    Var tokens = concat<0>(begin, slice<0, 0, C.length - 1>(told)) + pos_embed;
    return head(
        norm(blocks.each(tokens, [&](const auto& block, std::size_t, const auto& x) { return block(x, source); })));
  }
};

// (image [C, H, W], labels of `length` tokens) -> logits [length, vocabulary].
template <EncoderDecoderConfig C, class P = cpu>
struct EncoderDecoder : Module<EncoderDecoder<C, P>> {
  static_assert(C.height % C.patch == 0 && C.width % C.patch == 0,
                "EncoderDecoder: the image must be divisible by the patch");
  static_assert(C.length > 1, "EncoderDecoder: a sequence has at least two tokens; for one, take a Classifier");
  using policy = P;
  using input = Shape<C.channels, C.height, C.width>;
  static constexpr std::size_t labels_per_sample = C.length;

  ImageEncoder<C, P> encoder;
  SequenceDecoder<C, P> decoder;

  static constexpr void visit(auto& self, auto&& f) {
    f("encoder", self.encoder);
    f("decoder", self.decoder);
  }
  constexpr auto forward(const auto& image, const auto& labels) const { return decoder(labels, encoder(image)); }
};

}  // namespace vitrail::inline VITRAIL_TU
