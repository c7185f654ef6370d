// summary.cpp - the table of a model's modules agrees with the constants, row by row and in all.
#include "catch.hpp"

#include <sstream>
#include <string>

#include <vitrail/inspect/summary.hpp>
#include <vitrail/models/vit.hpp>
#include <vitrail/nn/model.hpp>

#include "io/messages.hpp"

namespace vt = vitrail;

namespace {

constexpr vt::ViTConfig tiny{.image = 8, .channels = 1, .patch = 4, .dim = 16, .depth = 2, .heads = 2, .mlp = 32};
template <class P = vt::cpu>
using Net = vt::ViT<tiny, 3, P>;
using Probe = vt::with_tuning<vt::cpu, vt::train_only<vt::site::head>>;

const vt::ModuleSummary& row_of(const vt::Summary& summary, const std::string& path) {
  for (const auto& row : summary.modules) {
    if (row.path == path) return row;
  }
  FAIL("no row for " + path);
  return summary.modules[0];
}

template <class M>
void check_totals(std::size_t batch) {
  const vt::Summary summary = vt::summary<M>(batch);
  const vt::Cost cost = vt::cost_of<M>(batch);
  const vt::ModuleSummary& whole = summary.modules[0];
  CHECK(whole.path.empty());
  CHECK(whole.depth == 0);
  CHECK(whole.parameters == cost.parameters);
  CHECK(whole.trainable == cost.trainable);
  CHECK(whole.forward_flops == cost.forward_flops);
  CHECK(whole.backward_flops == cost.backward_flops);
  CHECK(summary.training_arena == vt::arena_bytes<M>(batch));
  CHECK(summary.inference_arena == vt::arena_bytes<M, vt::inference>(batch));
  CHECK(summary.parameter_bytes == 4 * cost.parameters);
  // What the loss keeps is in no module.
  CHECK(whole.saved_bytes <= vt::activation_bytes<M>(batch));
  CHECK(whole.saved_bytes + 3 * 64 * batch >= vt::activation_bytes<M>(batch));
}

}  // namespace

TEST_CASE("the first row is the cost of the model, for any batch and tuning") {
  check_totals<Net<>>(1);
  check_totals<Net<>>(7);
  check_totals<Net<Probe>>(7);
  check_totals<vt::ViT_Ti16<>>(2);
}

TEST_CASE("rows have paths, types, shapes and their own numbers") {
  const vt::Summary summary = vt::summary<Net<>>(5);
  REQUIRE(summary.modules.size() == 4 + 2 * 9 + 1);
  const auto& qkv = row_of(summary, "blocks.1.attn.qkv");
  CHECK(qkv.name == "qkv");
  CHECK(qkv.type == "PlainLinear");
  CHECK(qkv.depth == 4);
  CHECK(qkv.output == std::vector<std::size_t>{5, 48});
  CHECK(qkv.parameters == 16 * 48 + 48);
  CHECK(qkv.forward_flops == 5 * 2 * 5 * 16 * 48);
  CHECK(qkv.backward_flops == 2 * qkv.forward_flops);
  CHECK(qkv.saved_bytes == 5 * 5 * 48 * 4);  // attention reads it
  CHECK(row_of(summary, "patch_embed.proj").name == "patch_embed.proj");
  CHECK(row_of(summary, "patch_embed.proj").type == "PatchEmbedding");
  CHECK(row_of(summary, "blocks.0").type == "Block");
  CHECK(row_of(summary, "blocks.0.attn").output == std::vector<std::size_t>{5, 16});
  CHECK(row_of(summary, "head").output == std::vector<std::size_t>{3});
  CHECK(row_of(summary, "head").trainable == 16 * 3 + 3);
  CHECK(summary.modules[0].type == "ViT");
  CHECK(summary.modules[0].output == std::vector<std::size_t>{3});
}

TEST_CASE("the rows of one depth add up to the row above them") {
  const vt::Summary summary = vt::summary<Net<>>(2);
  const auto& blocks = row_of(summary, "blocks");
  const auto &first = row_of(summary, "blocks.0"), &second = row_of(summary, "blocks.1");
  CHECK(blocks.parameters == first.parameters + second.parameters);
  CHECK(blocks.forward_flops == first.forward_flops + second.forward_flops);
  CHECK(blocks.backward_flops == first.backward_flops + second.backward_flops);
  CHECK(blocks.saved_bytes == first.saved_bytes + second.saved_bytes);
}

TEST_CASE("with everything but the head frozen only the head has a backward, and saves its input alone") {
  const vt::Summary summary = vt::summary<Net<Probe>>(4);
  for (const auto& row : summary.modules) {
    INFO(row.path);
    const bool on_the_way = row.path.empty() || row.path == "head";
    CHECK((row.backward_flops > 0) == on_the_way);
    CHECK((row.trainable > 0) == on_the_way);
  }
  CHECK(row_of(summary, "head").backward_flops == 4 * 2 * 16 * 3);
  // The norm writes over what the last block returned, so it counts there.
  CHECK(row_of(summary, "blocks").saved_bytes + row_of(summary, "norm").saved_bytes == 4 * 16 * 4);
  CHECK(row_of(summary, "blocks.0").saved_bytes == 0);
}

TEST_CASE("a summary prints a line per module down to the depth that is asked for") {
  vt::Summary summary = vt::summary<vt::ViT_B16<>>(8);
  std::ostringstream text;
  text << summary;
  CHECK_THAT(text.str(), contains("(model)             ViT                 [1000]"));
  CHECK_THAT(text.str(), contains("86,567,656"));
  CHECK_THAT(text.str(), contains("[197, 768]"));
  CHECK_THAT(text.str(), contains("batch of 8, parameters 346 MB, arena for training"));
  CHECK_THAT(text.str(), contains("      attn"));
  CHECK(text.str().find("qkv") == std::string::npos);
  summary.shown_depth = 9;
  std::ostringstream deeper;
  deeper << summary;
  CHECK_THAT(deeper.str(), contains("        qkv"));
}
