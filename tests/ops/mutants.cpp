// mutants.cpp - negative controls: wrong derivatives, one of each kind, that the gradient check must catch.
#include <vitrail/nn/policy_serial.hpp>
#include <vitrail/ops/attention.hpp>
#include <vitrail/ops/cross_entropy.hpp>
#include <vitrail/ops/dropout.hpp>
#include <vitrail/ops/layer_norm.hpp>
#include <vitrail/ops/linear.hpp>
#include <vitrail/ops/softmax.hpp>
#include <vitrail/ops/tokens.hpp>

#include "checks.hpp"

using namespace registry;
namespace vt = vitrail;

namespace {

// Op with a fault in its backward: spoil(arguments) runs after it. On the retaining tape gradients start at zero.
template <class Op, class Spoil>
struct Mutant : Op {
  template <class P, std::size_t N>
  void backward(const vt::Arguments<P, N>& a) const {
    Op::backward(a);
    Spoil{}(a);
  }
};
template <class Op, class Spoil, class First, class... V>
auto mutant(const Op& op, Spoil, const First& first, const V&... v) {
  return vt::apply(first.ctx, Mutant<Op, Spoil>{op}, first, v...);
}
template <class F, class... Inputs>
void must_be_caught(const std::string& name, const F& f, Inputs... inputs) {
  const auto c = op_case(name, {0}, f, nullptr, inputs...);
  const Problem problem = problem_of(c, 3);
  std::size_t at = 0;
  auto tensor = [&](const auto& in) {
    using In = std::remove_cvref_t<decltype(in)>;
    using S = typename In::shape;
    using P = vt::serial_double;
    return std::conditional_t<In::batched, vt::Batch<S, P>, vt::Tensor<S, P>>(
        std::span<const double>(problem.inputs[at++]));
  };
  std::tuple tensors{tensor(inputs)...};
  const auto check = std::apply([&](auto&... x) { return vt::gradient_check(f, x...); }, tensors);
  INFO(name << "\n" << check);
  CHECK(check.worst() > 1e-5);  // a hundred times what an operation is allowed
}

struct SquareWithSign {
  template <class L>
  VITRAIL_FUNCTION L value(const L& x) const {
    return x * x;
  }
  template <class L>
  VITRAIL_FUNCTION L derivative(const L& x, const L&) const {
    return -(x + x);
  }
};
struct SiluWithoutTerm : vt::function::Silu {
  template <class L>
  VITRAIL_FUNCTION L derivative(const L& x, const L&) const {
    return vt::sigmoid(x);
  }
};
struct GeluOfTanh : vt::function::Gelu {
  template <class L>
  VITRAIL_FUNCTION L derivative(const L& x, const L& y) const {
    return vt::function::GeluTanh{}.derivative(x, y);
  }
};
struct SigmoidWithoutRest : vt::function::Sigmoid {
  template <class L>
  VITRAIL_FUNCTION L derivative(const L&, const L& y) const {
    return y;
  }
};
struct TanhOfInput : vt::function::Tanh {
  template <class L>
  VITRAIL_FUNCTION L derivative(const L& x, const L&) const {
    return vt::constant<L>(1) - x * x;
  }
};
struct ReluEverywhere : vt::function::Relu {
  template <class L>
  VITRAIL_FUNCTION L derivative(const L&, const L&) const {
    return vt::constant<L>(1);
  }
};

// qkv of 4 tokens, 2 heads of 3.
constexpr vt::AttentionLayout two_heads = vt::detail::layout_of_columns(2, 4, 4, 6, 1, false, false);

}  // namespace

TEST_CASE("a wrong derivative of an elementwise function is caught") {
  must_be_caught(
      "sign", [](auto x) { return vt::map(SquareWithSign{}, x); }, each<7>());
  must_be_caught(
      "missing term", [](auto x) { return vt::map(SiluWithoutTerm{}, x); }, each<7>());
  must_be_caught(
      "derivative of the other gelu", [](auto x) { return vt::map(GeluOfTanh{}, x); }, each<7>({-3, 3}));
  must_be_caught(
      "missing factor", [](auto x) { return vt::map(SigmoidWithoutRest{}, x); }, each<7>());
  must_be_caught(
      "of x, not y", [](auto x) { return vt::map(TanhOfInput{}, x); }, each<7>());
  must_be_caught(
      "no kink", [](auto x) { return vt::map(ReluEverywhere{}, x); }, each<7>());
}

TEST_CASE("a wrong backward of an operation is caught") {
  using Square = vt::LinearOp<vt::Shape<3, 7>, 7, true, false>;
  must_be_caught(
      "linear: transposed weight gradient",
      [](auto x, auto w, auto b) {
        return mutant(
            Square{},
            [](const auto& a) {
              for (std::size_t i = 0; i < 7; ++i) {
                for (std::size_t j = 0; j < i; ++j) std::swap(a.gradient[1].at[i * 7 + j], a.gradient[1].at[j * 7 + i]);
              }
            },
            x, w, b);
      },
      each<3, 7>(), once<7, 7>(), once<7>());
  must_be_caught(
      "linear: no bias gradient",
      [](auto x, auto w, auto b) {
        return mutant(
            Square{}, [](const auto& a) { std::fill_n(a.gradient[2].at, 7, 0.0); }, x, w, b);
      },
      each<3, 7>(), once<7, 7>(), once<7>());
  must_be_caught(
      "linear: weight gradient of the last row is missing",
      [](auto x, auto w, auto b) {
        return mutant(
            Square{},
            [](const auto& a) {
              const std::size_t last = a.count * 3 - 1;
              for (std::size_t i = 0; i < 49; ++i)
                a.gradient[1].at[i] -= a.out_gradient[last * 7 + i / 7] * a.in[0][last * 7 + i % 7];
            },
            x, w, b);
      },
      each<3, 7>(), once<7, 7>(), once<7>());
  must_be_caught(
      "softmax: no dot product",
      [](auto x) {
        return mutant(
            vt::SoftmaxOp<vt::Shape<7>>{},
            [](const auto& a) {
              for (std::size_t i = 0; i < a.count * 7; ++i) a.gradient[0].at[i] = a.out[i] * a.out_gradient[i];
            },
            x);
      },
      each<7>());
  must_be_caught(
      "layer_norm: eps in backward only",
      [](auto x, auto w, auto b) {
        return mutant(
            vt::LayerNormOp<vt::Shape<7>>{1e-2},
            [](const auto& a) {
              for (std::size_t r = 0; r < a.count; ++r) {
                const double inverse = a.state.per_sample[2 * r + 1],
                             without = 1 / std::sqrt(1 / (inverse * inverse) - 1e-2);
                for (std::size_t i = 0; i < 7; ++i) a.gradient[0].at[r * 7 + i] *= without / inverse;
              }
            },
            x, w, b);
      },
      each<7>(), once<7>(), once<7>());
  must_be_caught(
      "mean_tokens: sum instead of mean",
      [](auto x) {
        return mutant(
            vt::MeanTokensOp<vt::Shape<5, 3>>{},
            [](const auto& a) {
              for (std::size_t i = 0; i < a.count * 15; ++i) a.gradient[0].at[i] *= 5;
            },
            x);
      },
      each<5, 3>());
  must_be_caught(
      "embed_tokens: no sum over the batch",
      [](auto x, auto token, auto position) {
        return mutant(
            vt::EmbedTokensOp<vt::Shape<4, 3>>{},
            [](const auto& a) {
              std::copy_n(a.out_gradient, 3, a.gradient[1].at);  // the first sample's alone
            },
            x, token, position);
      },
      each<4, 3>(), once<3>(), once<5, 3>());
  must_be_caught(
      "dropout: another mask in backward",
      [](auto x) {
        return mutant(
            vt::DropOp<vt::Shape<33>, false>{0.5},
            [](const auto& a) {
              for (std::size_t i = 0; i + 1 < a.count * 33; ++i) a.gradient[0].at[i] = a.gradient[0].at[i + 1];
            },
            x);
      },
      each<33>());
  must_be_caught(
      "attention: gradients of q and k exchanged",
      [](auto x) {
        return mutant(
            vt::AttentionOp<two_heads, 1>{vt::rsqrt_of<3>},
            [](const auto& a) {
              for (std::size_t r = 0; r < a.count * 4; ++r) {
                for (std::size_t c = 0; c < 6; ++c)
                  std::swap(a.gradient[0].at[r * 18 + c], a.gradient[0].at[r * 18 + 6 + c]);
              }
            },
            x);
      },
      each<4, 18>());
  must_be_caught(
      "attention: scale forgotten",
      [](auto x) {
        return mutant(
            vt::AttentionOp<two_heads, 1>{vt::rsqrt_of<3>},
            [](const auto& a) {
              for (std::size_t r = 0; r < a.count * 4; ++r) {
                for (std::size_t c = 0; c < 12; ++c) a.gradient[0].at[r * 18 + c] *= std::sqrt(3.0);
              }
            },
            x);
      },
      each<4, 18>());
  must_be_caught(
      "cross_entropy: not divided by the samples",
      [](auto z) {
        static const int labels[] = {2, 0, 1};
        return mutant(
            vt::CrossEntropyOp<vt::Shape<3>>{labels, {}},
            [](const auto& a) {
              for (std::size_t i = 0; i < a.count * 3; ++i) a.gradient[0].at[i] *= static_cast<double>(a.count);
            },
            z);
      },
      each<3>());
  must_be_caught(
      "written instead of added",
      [](auto x) {
        vt::Var y = mutant(
            vt::SoftmaxOp<vt::Shape<7>>{},
            [](const auto& a) {
              for (std::size_t i = 0; i < a.count * 7; ++i)
                a.gradient[0].at[i] -= a.out_gradient[i];  // what x + y had put there
            },
            x);
        return x + y;
      },
      each<7>());
}
