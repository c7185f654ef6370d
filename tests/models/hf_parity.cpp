// hf_parity.cpp - a ViT with the weights and the eps of Hugging Face's gives its logits; fixtures/make_vit_hf.py made
// the expected values.
#include "parity.hpp"

namespace vt = vitrail;

namespace {

template <class Net>
double error(const std::string& expected) {
  auto model = vt::load<Net>(parity::fixture("vit_hf"), {.keys = vt::hf});
  const auto file = vt::Safetensors::open(parity::fixture("vit_hf_expected"));
  const vt::Batch<typename Net::input, vt::cpu_double> images(std::span<const double>(file.read<double>("images")));
  auto predict = vt::predictor(model);
  return relative_error(predict(images).data(), file.read<double>(expected));
}

// It reaches the norms of every option.
template <vt::ViTConfig C>
using Backbone = vt::ViTBackbone<C.with_eps(0.5)>;
template <std::size_t D>
using Norm = vt::LayerNorm<D, vt::cpu, 0.5>;
using WithPool = Backbone<options::map>;
static_assert(std::is_same_v<decltype(WithPool::attn_pool.norm), Norm<12>>);
static_assert(std::is_same_v<decltype(WithPool::norm), Norm<12>>);
static_assert(std::is_same_v<decltype(Backbone<options::pre_norm>::norm_pre), Norm<12>>);
static_assert(std::is_same_v<decltype(WithPool::block_with<vt::cpu>::norm2), Norm<12>>);
using WithQkNorm = Backbone<options::registers>::block_with<vt::cpu>;
static_assert(std::is_same_v<decltype(decltype(WithQkNorm::attn)::k_norm), Norm<6>>);

}  // namespace

TEST_CASE("a ViT with the eps of Hugging Face's equals it") {
  using Like = vt::ViT<options::base.with_eps(vt::hf_eps), 5, vt::cpu_double>;
  CHECK(error<Like>("logits") < 1e-12);
}
TEST_CASE("another eps gives other logits, the same as there") {
  using Other = vt::ViT<options::base, 5, vt::cpu_double>;
  CHECK(error<Other>("logits") > 1e-8);
  CHECK(error<Other>("logits with timm's eps") < 1e-12);
}
