// custom_attention.cpp - an attention of one's own: gated, written out with patterns, without a line of backward.
// smoke: --smoke
#include <cstdio>
#include <cstring>
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

// The mean of 8x8 patches after one gated block, on the images that the library draws.
template <class P = vt::cpu>
struct Gated : vt::Module<Gated<P>> {
  using policy = P;
  using input = vt::Shape<3, 32, 32>;
  static constexpr std::size_t features = 48;
  vt::PatchEmbedding<3, 8, 48, P> patches;
  vt::LayerNorm<48, P> norm;
  GatedAttention<48, 3, P> attention;
  static constexpr void visit(auto& self, auto&& f) {
    f("patches", self.patches), f("norm", self.norm), f("attention", self.attention);
  }
  constexpr auto forward(auto image) const {
    vt::Var x = patches(image);
    vt::Var y = x + attention(norm(x));
    return vt::mean_tokens(y);
  }
};

// The largest relative error of a parameter's gradient against differences, in double.
double gradient_error(const vt::ImageSet& set) {
  vt::Model<vt::Classifier<Gated<vt::cpu_double>, 10>> model(vt::seed{1});
  vt::Batches<vt::Shape<3, 32, 32>, vt::cpu_double> batches(set, vt::normalisation_of(set), 2);
  vt::Batch<vt::Shape<3, 32, 32>, vt::cpu_double> images;
  vt::Labels labels;
  batches.load(0, images, labels);
  auto loss = [](const auto& net, const auto& x, const auto& y) { return vt::Step{vt::cross_entropy(net(x), y)}; };
  return vt::gradient_check(model, loss, images.view(), labels).worst();
}

int main(int argc, char** argv) {
  const bool smoke = argc > 1 && !std::strcmp(argv[1], "--smoke");
  const vt::ImageSet train = vt::drawn_shapes(1, smoke ? 256 : 10000), test = vt::drawn_shapes(2, smoke ? 256 : 2000);
  const double error = gradient_error(test);
  std::printf("gradient error %.1e\n", error);
  if (!(error < 1e-6)) return 1;
  vt::Model<vt::Classifier<Gated<>, 10>> model(vt::seed{1});
  vt::Batches<vt::Shape<3, 32, 32>, vt::cpu> batches(train, vt::normalisation_of(train), 64);
  vt::Batches<vt::Shape<3, 32, 32>, vt::cpu> tests(test, batches.normalisation(), 256);
  vt::fit(model, batches, {.epochs = smoke ? 1u : 10u, .on_epoch = [](const vt::Progress& p) {
            std::printf("epoch %zu loss %.4f\n", p.epoch + 1, p.loss);
          }});
  auto predict = vt::predictor(model);
  std::printf("test accuracy %.2f %%\n", 100 * vt::evaluate(predict, tests).top1_share());
}
