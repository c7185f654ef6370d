// look_inside_swin.cpp - attention in windows, shown where its tokens stand in the map, and rolled out over stages.
#include "catch.hpp"

#include <vitrail/inspect/rollout.hpp>
#include <vitrail/models/swin.hpp>
#include <vitrail/nn/model.hpp>

#include <cmath>
#include <numeric>

namespace vt = vitrail;

namespace {

// Maps of 8 x 8 and 4 x 4 tokens in windows of 4 x 4.
constexpr vt::SwinConfig config{.image = 16,
                                .channels = 1,
                                .patch = 2,
                                .dim = 6,
                                .window = 4,
                                .mlp_ratio = 2,
                                .depths = {2, 2, 0, 0},
                                .heads = {2, 3, 0, 0}};
using Net = vt::Swin<config, 5>;

vt::Batch<Net::input> images() {
  vt::Batch<Net::input> batch(2);
  for (std::size_t i = 0; i < batch.size(); ++i) batch.data()[i] = vt::normal_at<float>({5, 0, 0}, 0, i);
  return batch;
}

}  // namespace

TEST_CASE("the attention of every block of a Swin stands on the map: rows sum to one, other windows get nothing") {
  const vt::Model<Net> model(vt::seed{2});
  const auto seen = vt::look_inside(model, images());
  REQUIRE(seen.attention.size() == 4);
  REQUIRE(seen.hidden.size() == 4);
  CHECK((seen.hidden[3].shape == std::vector<std::size_t>{16, 12}));
  for (std::size_t block = 0; block < 4; ++block) {
    const std::size_t stage = block / 2;
    const vt::Windows w = config.map(stage, block % 2 == 1).windows();
    const std::size_t n = w.height * w.width;
    const auto& attention = seen.attention[block];
    INFO(attention.path);
    REQUIRE((attention.shape == std::vector<std::size_t>{config.heads[stage], n, n}));
    // Which tokens see each other, by the windows.
    std::vector<bool> sees(n * n);
    for (std::size_t g = 0; g < w.count(); ++g) {
      for (std::size_t i = 0; i < w.tokens(); ++i) {
        for (std::size_t j = 0; j < w.tokens(); ++j) sees[w.token(g, i) * n + w.token(g, j)] = w.sees(g, i, j);
      }
    }
    for (std::size_t image = 0; image < 2; ++image) {
      const auto values = attention.of(image);
      bool right = true;
      for (std::size_t row = 0; row < config.heads[stage] * n; ++row) {
        double sum = 0;
        for (std::size_t j = 0; j < n; ++j) {
          sum += static_cast<double>(values[row * n + j]);
          right = right && (values[row * n + j] > 0) == sees[row % n * n + j];
        }
        right = right && std::abs(sum - 1) < 1e-5;
      }
      CHECK(right);
    }
  }
}

TEST_CASE("rollout of a Swin goes through its merging: from 4 x 4 tokens at the end to 8 x 8 at the start") {
  const vt::Model<Net> model(vt::seed{2});
  const auto inside = vt::look_inside(model, images());
  const vt::TokenMap map = vt::rollout(inside, 1);
  REQUIRE(map.tokens == 16);
  REQUIRE(map.inputs == 64);
  for (std::size_t i = 0; i < map.tokens; ++i) {
    const auto row = map.row(i);
    CHECK(std::accumulate(row.begin(), row.end(), 0.0) == Approx(1));
    // Its own four tokens of the first map count for more than their share.
    const std::size_t y = i / 4 * 2, x = i % 4 * 2;
    CHECK(row[y * 8 + x] + row[y * 8 + x + 1] + row[y * 8 + 8 + x] + row[y * 8 + 8 + x + 1] > 4.0 / 64);
  }
  // By hand: with no attention at all a merged token is its four in equal parts.
  vt::Inside<float> none;
  for (const std::size_t n : {16, 4}) {
    none.attention.push_back({"", {1, n, n}, std::vector<float>(n * n)});
    for (std::size_t i = 0; i < n; ++i) none.attention.back().values[i * n + i] = 1;
  }
  const vt::TokenMap quarter = vt::rollout(none);
  CHECK((quarter.tokens == 4 && quarter.inputs == 16));
  for (const std::size_t j : {0, 1, 4, 5}) CHECK(quarter.row(0)[j] == Approx(0.25));
  CHECK(quarter.row(0)[2] == 0);
}
