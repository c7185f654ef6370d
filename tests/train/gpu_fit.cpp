// gpu_fit.cpp - training on the emulated GPU from the host's images; its checkpoint is the host's.
#include "catch.hpp"

#include <vitrail/io/training_checkpoint.hpp>
#include <vitrail/vitrail.hpp>

#include <filesystem>
#include <vector>

#include "emulated_gpu.hpp"

namespace vt = vitrail;

namespace {
constexpr vt::ViTConfig tiny{.image = 32, .patch = 8, .dim = 16, .depth = 1, .heads = 2, .mlp = 32};
template <class P>
using Net = vt::ViT<tiny, 10, P>;

// A recipe that tells the loss after each batch.
vt::Recipe recipe_to(std::vector<double>& losses) {
  return {.epochs = 2, .ema_decay = 0.9, .on_batch = [&](const vt::Progress& p) { losses.push_back(p.loss); }};
}
}  // namespace

TEST_CASE("fit, evaluate and checkpoints on the emulated GPU") {
  const vt::ImageSet images = vt::drawn_shapes(1, 56);
  vt::Batches<Net<vt::cpu>::input, vt::cpu> batches(images, vt::normalisation_of(images), 16);
  vt::Model<Net<test::emulated_gpu>> model(vt::seed{1});
  std::vector<double> losses, host_losses;
  const vt::Recipe recipe = recipe_to(losses);
  vt::TrainingState state(model, batches, recipe);
  {
    // Kernels run as late as possible: nothing may be overwritten by the next batch, which is on its way.
    const test::CopiesAhead order;
    vt::fit(model, batches, recipe, state);
  }
  vt::Model<Net<vt::cpu>> on_host(vt::seed{1});
  vt::fit(on_host, batches, recipe_to(host_losses));
  REQUIRE(losses.size() == host_losses.size());
  for (std::size_t i = 0; i < losses.size(); ++i) CHECK(losses[i] == Approx(host_losses[i]).epsilon(1e-3));
  auto predict = vt::predictor(model);
  const vt::Accuracy accuracy = vt::evaluate(predict, batches);
  CHECK(accuracy.samples == 56);

  const auto path = std::filesystem::temp_directory_path() / "vitrail_gpu_fit.safetensors";
  vt::save_training(path, model, state);
  vt::Model<Net<vt::cpu>> host(vt::seed{2});
  vt::load_checkpoint(host, path);
  vt::Batch<Net<vt::cpu>::input, vt::cpu> some;
  vt::Labels labels;
  batches.load(0, some, labels);
  auto host_predict = vt::predictor(host);
  const auto found = predict(some).to_vector(), expected = host_predict(some).to_vector();
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == Approx(expected[i]).epsilon(1e-3).margin(1e-4));

  vt::Model<Net<test::emulated_gpu>> again(vt::seed{1});
  vt::TrainingState loaded(again, batches, recipe);
  vt::load_training(path, again, loaded);
  CHECK((loaded.optimiser.updates() == state.optimiser.updates()));
  auto predict_again = vt::predictor(again);
  CHECK((predict_again(some).to_vector() == found));
  std::filesystem::remove(path);
}
