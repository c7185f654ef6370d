// cross_attention.cpp - cross-attention between sequences of other lengths and widths, and of a sequence with itself.
#include "catch.hpp"

#include <vitrail/autodiff/predict.hpp>
#include <vitrail/nn/accepts.hpp>
#include <vitrail/nn/cross_attention.hpp>
#include <vitrail/nn/model.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace vt = vitrail;

namespace {

// Q from the target, K and V from the source: 5 tokens of 12 to 7 of 20. The other way round is no such module.
using Cross = vt::CrossAttention<12, 20, 3>;
static_assert(std::is_same_v<vt::output_shape<Cross, vt::Shape<5, 12>, vt::Shape<7, 20>>, vt::Shape<5, 12>>);
static_assert(!vt::accepts<Cross, vt::Shape<7, 20>, vt::Shape<5, 12>>);
static_assert(!vt::accepts<Cross, vt::Shape<5, 12>>);

// One input, so that a Model can hold them: target and source are the same.
struct CrossOfOne : vt::Module<CrossOfOne> {
  using policy = vt::cpu;
  using input = vt::Shape<9, 12>;
  vt::CrossAttention<12, 12, 3> attn;
  static constexpr void visit(auto& self, auto&& f) { f("attn", self.attn); }
  constexpr auto forward(const auto& x) const { return attn(x, x); }
};
struct SelfOfOne : vt::Module<SelfOfOne> {
  using policy = vt::cpu;
  using input = vt::Shape<9, 12>;
  vt::Attention<12, 3> attn;
  static constexpr void visit(auto& self, auto&& f) { f("attn", self.attn); }
  constexpr auto forward(const auto& x) const { return attn(x); }
};

}  // namespace

TEST_CASE("cross-attention of a sequence with itself is self-attention, to the bit") {
  const vt::Model<SelfOfOne> self(vt::seed{3});
  vt::Model<CrossOfOne> cross;
  std::map<std::string, std::vector<float>> values;
  self.each_parameter([&](const auto& info, const float* v, bool) { values[info.path].assign(v, v + info.size); });
  // The rows of qkv are those of q, k and v.
  cross.assign([&](const auto& info, float* to) {
    std::string name = info.path;
    std::size_t first = 0;
    if (name.find(".q.") != std::string::npos) name.replace(name.find(".q."), 3, ".qkv.");
    if (name.find(".kv.") != std::string::npos) name.replace(name.find(".kv."), 4, ".qkv."), first = info.size / 2;
    std::copy_n(values.at(name).data() + first, info.size, to);
  });
  vt::Batch<vt::Shape<9, 12>> x(4);
  for (std::size_t i = 0; i < x.size(); ++i) x.data()[i] = vt::normal_at<float>({5, 0, 0}, 0, i);
  auto predict_self = vt::predictor(self);
  auto predict_cross = vt::predictor(cross);
  CHECK((predict_self(x).to_vector() == predict_cross(x).to_vector()));
}
