// fine_tuning.cpp - what the lecture states about parameter-efficient fine-tuning: only what is inserted is a variable
// of the optimiser, and it stands where the method says: low-rank matrices in Q, K, V, prompts among the token
// embeddings, adapters in the FFN. (That it starts as its base, and what stays as it was, is in tests/tune.)
#include "catch.hpp"
#include "tune/small_vit.hpp"

#include <map>
#include <type_traits>

#include <vitrail/nn/trainable.hpp>

namespace {

namespace site = vt::site;

// The optimiser's variables, as types. Adapters are in the FFN's width, [hidden, D] and back; prompts are [count, D]
// tokens.
template <auto... Methods>
using variables = vt::trainable_parameters<vt::tuned_module<Net, Methods...>>;
constexpr vt::lora in_q_and_v{.rank = 2, .on = vt::sites<site::q, site::v>};
constexpr vt::pfeiffer in_the_ffn{.reduction = 4};
constexpr vt::visual_prompts among_tokens{.count = 3};
static_assert(std::is_same_v<variables<in_q_and_v>,
                             vt::TypeList<vt::Trainable<"blocks.0.attn.qkv.lora_A.weight", vt::Shape<4, 16>>,
                                          vt::Trainable<"blocks.0.attn.qkv.lora_B.weight", vt::Shape<32, 2>>,
                                          vt::Trainable<"blocks.1.attn.qkv.lora_A.weight", vt::Shape<4, 16>>,
                                          vt::Trainable<"blocks.1.attn.qkv.lora_B.weight", vt::Shape<32, 2>>>>);
static_assert(variables<in_the_ffn>::size == 2 * 4);  // two layers with biases in each block
static_assert(vt::trainable_count<vt::tuned_module<Net, in_the_ffn>>() == 2 * (4 * 16 + 4 + 16 * 4 + 16));
static_assert(variables<among_tokens>::size == 1);
static_assert(vt::trainable_count<vt::tuned_module<Net, among_tokens>>() == 3 * 16);

template <class Model>
std::map<std::string, std::vector<float>> values_of(const Model& model) {
  std::map<std::string, std::vector<float>> values;
  model.each_parameter([&](const auto& info, const float* v, bool) { values[info.path].assign(v, v + info.size); });
  return values;
}

}  // namespace

TEST_CASE("low-rank matrices in Q and V: training changes their rows of qkv and nothing else, to the bit") {
  const vt::Model<Net> base(vt::seed{3});
  auto tuned = vt::tune<in_q_and_v>(base, vt::seed{1});
  train(tuned, some_images<Net::input>(6), some_labels(6, 3), 5);
  const auto plain = tuned.merged();
  const auto before = values_of(base), after = values_of(plain);
  REQUIRE(before.size() == after.size());
  for (const auto& [path, values] : before) {
    INFO(path);
    const auto& now = after.at(path);
    if (!path.ends_with("qkv.weight")) {
      CHECK((now == values));
      continue;
    }
    const auto same = [&](std::ptrdiff_t part) {  // 16 rows of 16 each: Q, K, V
      return std::equal(now.begin() + part * 256, now.begin() + (part + 1) * 256, values.begin() + part * 256);
    };
    CHECK(!same(0));
    CHECK(same(1));
    CHECK(!same(2));
  }
}
