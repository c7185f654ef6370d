// accepting_modules.hpp - modules of a user and what they accept, as constants: for g++, clang and nvcc.
#pragma once

#include <vitrail/autodiff/keep.hpp>
#include <vitrail/models/vit.hpp>
#include <vitrail/nn/accepts.hpp>
#include <vitrail/ops/einsum.hpp>
#include <vitrail/ops/heads.hpp>
#include <vitrail/ops/softmax.hpp>
#include <vitrail/ops/tokens.hpp>

#include <cstddef>
#include <tuple>
#include <type_traits>

namespace accepting {

namespace vt = vitrail;
using vt::accepts;
using vt::output_shape;
using vt::Shape;

// Queries [N, D] look at keys and values [M, D]. Not constexpr: nothing is run.
template <std::size_t D, std::size_t H, class P = vt::cpu>
struct CrossAttention : vt::Module<CrossAttention<D, H, P>> {
  vt::Linear<D, D, P> query;
  vt::Linear<D, 2 * D, P> key_value;

  static constexpr void visit(auto& self, auto&& f) {
    f("query", self.query);
    f("key_value", self.key_value);
  }
  auto forward(const auto& x, const auto& memory) const {
    auto [q] = vt::heads<H, 1>(query(x));
    auto [k, v] = vt::heads<H, 2>(key_value(memory));
    vt::Var p = vt::softmax(vt::einsum<"h q d, h k d -> h q k">(q, k) * 0.125);
    return vt::merge_heads(vt::einsum<"h q k, h k d -> h q d">(p, v));
  }
};
// Two results.
template <class P = vt::cpu>
struct Split : vt::Module<Split<P>> {
  vt::Linear<8, 8, P> proj;
  static constexpr void visit(auto& self, auto&& f) { f("proj", self.proj); }
  constexpr auto forward(const auto& x) const { return vt::heads<2, 2>(proj(x)); }
};
// A stem that fails early, with everything that follows on a result that is none.
template <class P = vt::cpu>
struct Deep : vt::Module<Deep<P>> {
  vt::Linear<8, 16, P> stem;
  vt::Block<16, 2, 32, P> block;
  vt::Param<Shape<16>, P> scale;
  static constexpr void visit(auto& self, auto&& f) {
    f("stem", self.stem);
    f("block", self.block);
    f("scale", self.scale);
  }
  constexpr auto forward(const auto& x) const {
    vt::Var h = stem(x);
    vt::Var y = vt::recompute(block, h) * scale + h;
    return vt::mean_tokens(vt::dropout(vt::keep(y), 0.1));
  }
};
struct Constrained : vt::Module<Constrained> {
  static constexpr void visit(auto&, auto&&) {}
  template <class X>
  requires(X::shape::rank == 2) constexpr auto forward(const X& x) const { return vt::softmax(x); }
};

// One expression with both inputs.
struct Scaled : vt::Module<Scaled> {
  static constexpr void visit(auto&, auto&&) {}
  constexpr auto forward(const auto& x, const auto& by) const { return vt::softmax(x * by + 1); }
};

inline constexpr vt::ViTConfig small{
    .image = 12, .channels = 1, .patch = 4, .dim = 16, .depth = 2, .heads = 2, .mlp = 32};
using Net = vt::ViT<small, 3>;
static_assert(accepts<Net, Shape<1, 12, 12>>);
static_assert(std::is_same_v<output_shape<Net, Shape<1, 12, 12>>, Shape<3>>);
static_assert(!accepts<Net, Shape<1, 12, 13>> && !accepts<Net, Shape<3, 12, 12>> && !accepts<Net, Shape<144>>);
static_assert(!accepts<Net, Shape<1, 16, 16>>, "other positions than patches");
static_assert(!accepts<Net> && !accepts<Net, Shape<1, 12, 12>, Shape<3>>, "another number of inputs");

using Linear = vt::Linear<4, 5>;
static_assert(accepts<Linear, Shape<4>> && accepts<Linear, Shape<2, 7, 4>>);
static_assert(!accepts<Linear, Shape<>> && !accepts<Linear, Shape<5>> && !accepts<Linear, Shape<4, 1>>);
static_assert(accepts<Linear, Shape<7, 4>, Shape<7, 5>> && !accepts<Linear, Shape<7, 4>, Shape<6, 5>>);
static_assert(std::is_same_v<output_shape<Linear, Shape<2, 7, 4>>, Shape<2, 7, 5>>);

using Block = vt::Block<16, 2, 32>;
static_assert(accepts<Block, Shape<7, 16>> && std::is_same_v<output_shape<Block, Shape<7, 16>>, Shape<7, 16>>);
static_assert(!accepts<Block, Shape<16>> && !accepts<Block, Shape<7, 15>> && !accepts<Block, Shape<2, 7, 16>>);

using Cross = CrossAttention<12, 3>;
static_assert(accepts<Cross, Shape<5, 12>, Shape<9, 12>>);
static_assert(std::is_same_v<output_shape<Cross, Shape<5, 12>, Shape<9, 12>>, Shape<5, 12>>);
static_assert(!accepts<Cross, Shape<5, 12>, Shape<9, 11>> && !accepts<Cross, Shape<12>, Shape<9, 12>>);
static_assert(!accepts<Cross, Shape<5, 12>>);
static_assert(!accepts<CrossAttention<12, 5>, Shape<5, 12>, Shape<9, 12>>, "12 columns in 5 heads");

static_assert(accepts<Split<>, Shape<5, 8>> && !accepts<Split<>, Shape<5, 7>>);
static_assert(accepts<Deep<>, Shape<5, 8>> && std::is_same_v<output_shape<Deep<>, Shape<5, 8>>, Shape<16>>);
static_assert(!accepts<Deep<>, Shape<5, 9>> && !accepts<Deep<>, Shape<8>>);
static_assert(accepts<Scaled, Shape<5, 8>, Shape<5, 8>> && !accepts<Scaled, Shape<5, 8>, Shape<5>>);
static_assert(accepts<Constrained, Shape<5, 8>> && !accepts<Constrained, Shape<8>>);

}  // namespace accepting
