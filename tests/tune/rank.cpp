// rank.cpp - what training adds to a weight has at most the rank of its matrices.
#include "catch.hpp"
#include "tune/small_vit.hpp"

#include <Eigen/SVD>

TEST_CASE("the change of each part of q, k and v is of the LoRA's rank") {
  const vt::Model<Net> base(vt::seed{1});
  auto tuned = vt::tune<vt::lora{.rank = 3, .alpha = 6}>(base);
  train(tuned, some_images<Net::input>(6), some_labels(6, 3), 30);
  const auto plain = tuned.merged();
  using Matrix = Eigen::Matrix<double, 16, 16, Eigen::RowMajor>;
  using Weight = Eigen::Map<const Eigen::Matrix<float, 16, 16, Eigen::RowMajor>>;
  std::size_t changed = 0, same = 0;
  std::vector<const float*> before;
  base.each_parameter([&](const auto&, const float* values, bool) { before.push_back(values); });
  std::size_t at = 0;
  plain.each_parameter([&](const auto& info, const float* values, bool) {
    const float* old = before[at++];
    if (!info.path.ends_with("qkv.weight")) {
      CHECK(std::equal(values, values + info.size, old));
      return;
    }
    for (std::size_t part = 0; part < 3; ++part) {
      const Matrix change = Weight(values + part * 256).cast<double>() - Weight(old + part * 256).cast<double>();
      const auto singular = Eigen::JacobiSVD<Matrix>(change).singularValues();
      INFO(info.path << ", part " << part << ": " << singular.transpose());
      if (part == 1) {
        CHECK(singular[0] == 0);  // keys have none
        ++same;
      } else {
        CHECK(singular[2] > 1e-3);
        CHECK(singular[3] < 1e-6);  // the rounding of the merged weight
        ++changed;
      }
    }
  });
  CHECK((changed == 4 && same == 2));
}
