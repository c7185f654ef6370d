// read_shapes.cpp - reads the shapes in an image, from left to right, as a sequence: an encoder-decoder with
// cross-attention.
// smoke: 300 1
//
// With its 36 epochs of 12,000 images 31 % of whole sequences are right (docs/performance.md); in the first few it
// learns how long sequences are, and nothing of the shapes.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <vector>
#include <vitrail/vitrail.hpp>

namespace vt = vitrail;

// A row of 3 places of 32x32 pixels; 1 to 3 of them hold a shape. The sequence names them and ends with the last token.
constexpr std::size_t places = 3, length = places + 1, last_token = 10;
constexpr vt::EncoderDecoderConfig config{.height = 32,
                                          .width = 32 * places,
                                          .patch = 8,
                                          .dim = 64,
                                          .depth = 3,
                                          .heads = 4,
                                          .mlp = 128,
                                          .length = length,
                                          .vocabulary = last_token + 1,
                                          .target_dim = 64,
                                          .target_depth = 2,
                                          .target_heads = 4,
                                          .target_mlp = 128};
using Net = vt::EncoderDecoder<config>;

struct Rows {
  vt::ImageSet images;         // its labels are the images' own numbers
  std::vector<int> sequences;  // [images, length]
};
Rows drawn_rows(std::uint64_t seed, std::size_t count) {
  constexpr std::size_t side = 32, width = side * places;
  const vt::ImageSet shapes = vt::drawn_shapes(seed, count * places);
  Rows rows{{.channels = 3, .height = side, .width = width, .classes = count, .pixels = {}, .labels = {}}, {}};
  rows.images.pixels.assign(count * 3 * side * width, 127);
  rows.sequences.assign(count * length, last_token);
  for (std::size_t i = 0; i < count; ++i) {
    rows.images.labels.push_back(static_cast<int>(i));
    const vt::Philox4 random = vt::words_at({seed, 0, vt::site_of("rows")}, static_cast<std::uint32_t>(i), 0);
    const unsigned filled = 1 + random.v[0] % 7;  // a bit for each place, and never none
    std::size_t token = 0;
    for (std::size_t p = 0; p < places; ++p) {
      if (!(filled >> p & 1)) continue;
      const std::size_t shape = i * places + p;
      rows.sequences[i * length + token++] = shapes.labels[shape];
      for (std::size_t r = 0; r < 3 * side; ++r) {  // rows of pixels of all channels
        std::copy_n(&shapes.pixels[(shape * 3 * side + r) * side], side,
                    &rows.images.pixels[(i * 3 * side + r) * width + p * side]);
      }
    }
  }
  return rows;
}
// The sequences of a batch, whose labels are the images' numbers.
vt::Labels sequences_of(const Rows& rows, const vt::Labels& numbers) {
  vt::Labels tokens;
  tokens.resize(numbers.count() * length);
  for (std::size_t i = 0; i < tokens.count(); ++i) {
    tokens.data()[i] = rows.sequences[static_cast<std::size_t>(numbers[i / length]) * length + i % length];
  }
  return tokens;
}
// One token after the other: each is told to the decoder before it says the next.
template <class Predict>
vt::Labels read(Predict& predict, const vt::Batch<Net::input>& images) {
  vt::Labels tokens;
  tokens.resize(images.count() * length);
  for (std::size_t t = 0; t < length; ++t) {
    const auto logits = predict(images, tokens);
    for (std::size_t b = 0; b < images.count(); ++b) {
      const float* z = logits[b].data() + t * config.vocabulary;
      tokens.data()[b * length + t] = static_cast<int>(std::max_element(z, z + config.vocabulary) - z);
    }
  }
  return tokens;
}

int run(std::size_t count, std::size_t epochs) {
  const Rows training = drawn_rows(1, count), test = drawn_rows(1'000'001, std::max<std::size_t>(count / 8, 20));
  const vt::Normalisation normalisation = vt::normalisation_of(training.images);
  vt::Batches<Net::input, vt::cpu> batches(training.images, normalisation, 50);
  const vt::Batches<Net::input, vt::cpu> test_batches(test.images, normalisation, 50);
  vt::Model<Net> model(vt::seed{1});
  auto step = vt::training_step(model, [](auto& net, auto image, auto tokens) {
    return vt::Step{vt::cross_entropy(net(image, tokens), tokens)};
  });
  auto predict = vt::predictor(model, [](auto& net, auto image, auto tokens) { return net(image, tokens); });
  vt::AdamW optimiser(model, {.weight_decay = 0.05});
  const std::size_t steps = epochs * batches.count();
  const vt::CosineSchedule rate{.peak = 2e-3, .warm_up = steps / 10, .steps = steps};
  std::printf("an encoder-decoder with %zu parameters reads %zu images\n", vt::parameter_count<Net>(), count);
  vt::Batch<Net::input> images;
  vt::Labels numbers;
  for (std::size_t epoch = 0, done = 0; epoch < epochs; ++epoch) {
    batches.shuffle(1, static_cast<std::uint32_t>(epoch));
    double loss = 0;
    for (std::size_t i = 0; i < batches.count(); ++i) {
      batches.load(i, images, numbers);
      const auto [value] = step(images, sequences_of(training, numbers));
      optimiser.options.rate = rate.at(done++);
      optimiser.update(step);
      loss += static_cast<double>(value) / static_cast<double>(batches.count());
    }
    std::size_t right = 0;
    for (std::size_t i = 0; i < test_batches.count(); ++i) {
      test_batches.load(i, images, numbers);
      const vt::Labels found = read(predict, images), expected = sequences_of(test, numbers);
      for (std::size_t b = 0; b < images.count(); ++b) {
        right += std::equal(found.data() + b * length, found.data() + (b + 1) * length, expected.data() + b * length);
      }
    }
    std::printf("epoch %2zu/%zu  loss %.4f  whole sequences right %.1f %%\n", epoch + 1, epochs, loss,
                100.0 * static_cast<double>(right) / static_cast<double>(test.images.size()));
    std::fflush(stdout);
  }
  return 0;
}

int main(int argc, char** argv) {  // [images] [epochs]
  try {
    return run(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 12000,
               argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 36);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "read_shapes: %s\n", e.what());
    return 1;
  }
}
