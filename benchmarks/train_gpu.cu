// train_gpu.cu - trains the ViT of examples/train_vit on a GPU, on Fashion-MNIST or, without it, on drawn images, and
// prints its test accuracy and images per second. Arguments: epochs, folder of the IDX files.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <vitrail/data/batches.hpp>
#include <vitrail/data/drawn_shapes.hpp>
#include <vitrail/data/idx.hpp>
#include <vitrail/models/vit.hpp>
#include <vitrail/nn/model.hpp>
#include <vitrail/nn/policy_gpu.hpp>
#include <vitrail/train/fit.hpp>

namespace vt = vitrail;

namespace {

constexpr vt::ViTConfig gray_28{.image = 28, .channels = 1, .patch = 4, .dim = 64, .depth = 4, .heads = 4, .mlp = 128};
constexpr vt::ViTConfig colour_32{.image = 32, .patch = 4, .dim = 64, .depth = 4, .heads = 4, .mlp = 128};

template <class Net>
void train(const vt::ImageSet& training, const vt::ImageSet& test_set, std::size_t epochs) {
  vt::Model<Net> model(vt::seed{1});
  const vt::Normalisation normalisation = vt::normalisation_of(training);
  vt::Batches<typename Net::input, vt::cpu> batches(training, normalisation, 64, {.mirror = true});
  const vt::Batches<typename Net::input, vt::cpu> test(test_set, normalisation, 250);
  auto predict = vt::predictor(model);
  vt::Recipe recipe{.epochs = epochs, .rate = 3e-3, .label_smoothing = 0.1, .seed = 1};
  recipe.on_epoch = [](const vt::Progress& p) {
    std::printf("epoch %zu/%zu  loss %.4f  %.0f images/s\n", p.epoch + 1, p.epochs, p.loss, p.images_per_second);
  };
  vt::fit(model, batches, recipe);
  std::printf("test accuracy %.2f %%\n", 100 * vt::evaluate(predict, test).top1_share());
}

}  // namespace

int main(int count, char** arguments) {
  const std::size_t epochs = count > 1 ? std::strtoul(arguments[1], nullptr, 10) : 18;
  const std::filesystem::path folder = count > 2 ? arguments[2] : "/usr/share/datasets/fashion-mnist";
  try {
    if (std::filesystem::exists(folder)) {
      const vt::TrainAndTest data = vt::find_fashion_mnist(folder);
      train<vt::ViT<gray_28, 10, vt::gpu>>(data.train, data.test, epochs);
    } else {
      train<vt::ViT<colour_32, 10, vt::gpu>>(vt::drawn_shapes(1, 20000), vt::drawn_shapes(1'000'001, 5000), epochs);
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "train_gpu: %s\n", e.what());
    return 1;
  }
}
