// custom_attention.cpp - an attention of one's own: gated, written out with patterns, without a line of backward.
// smoke: 256 1
#include <cstdio>
#include <cstdlib>
#include <vitrail/autodiff/gradient_check.hpp>
#include <vitrail/vitrail.hpp>
namespace vt = vitrail;

template <std::size_t D, std::size_t H, class P = vt::cpu>
struct GatedAttention : vt::Module<GatedAttention<D, H, P>> {
  vt::Linear<D, 3 * D, P, vt::site::qkv> qkv;
  vt::Linear<D, D, P, vt::site::proj> proj;
  vt::Linear<D, D, P> gate;
  static constexpr void visit(auto& self, auto&& f) { f("qkv", self.qkv), f("proj", self.proj), f("gate", self.gate); }
  constexpr auto forward(auto x) const {
    auto [q, k, v] = vt::heads<H>(qkv(x));
    vt::Var p = vt::softmax(vt::einsum<"h q d, h k d -> h q k">(q, k) * vt::rsqrt_of<D / H>);
    return proj(vt::merge_heads(vt::einsum<"h q k, h k d -> h q d">(p, v)) * vt::sigmoid(gate(x)));
  }
};

template <class P>  // the mean of 8x8 patches after one block of it
struct Gated : vt::Module<Gated<P>> {
  using policy = P;
  using input = vt::Shape<3, 32, 32>;
  static constexpr std::size_t features = 48;
  vt::PatchEmbedding<3, 8, 48, P> patches;
  vt::LayerNorm<48, P> norm;
  GatedAttention<48, 3, P> attn;
  static constexpr void visit(auto& s, auto&& f) { f("patches", s.patches), f("norm", s.norm), f("attn", s.attn); }
  constexpr auto forward(auto image) const {
    vt::Var x = patches(image);
    return vt::mean_tokens(vt::Var(x + attn(norm(x))));
  }
};
template <class P>
using Net = vt::Classifier<Gated<P>, 10>;

int main(int argc, char** argv) {  // [images] [epochs]
  const vt::ImageSet train = vt::drawn_shapes(1, argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 10000);
  const vt::ImageSet test = vt::drawn_shapes(2, train.size() / 5);
  const vt::Recipe recipe{.epochs = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 10};

  vt::Model<Net<vt::cpu_double>> precise(vt::seed{1});  // its gradients against differences
  vt::Batch<vt::Shape<3, 32, 32>, vt::cpu_double> images(2);
  for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = test.pixels[i] / 255.0;
  auto loss = [](const auto& net, const auto& x, const auto& y) { return vt::Step{vt::cross_entropy(net(x), y)}; };
  const double error = vt::gradient_check(precise, loss, images.view(), vt::Labels{3, 7}).worst();
  std::printf("gradient error %.1e\n", error);

  vt::Model<Net<vt::cpu>> model(vt::seed{1});
  vt::Batches<vt::Shape<3, 32, 32>, vt::cpu> batches(train, vt::normalisation_of(train), 64);
  const vt::Batches<vt::Shape<3, 32, 32>, vt::cpu> tests(test, batches.normalisation(), 256);
  vt::fit(model, batches, recipe);
  auto predict = vt::predictor(model);
  std::printf("test accuracy %.2f %%\n", 100 * vt::evaluate(predict, tests).top1_share());
  return error < 1e-6 ? 0 : 1;
}
