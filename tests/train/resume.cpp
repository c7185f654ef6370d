// resume.cpp - a training that was interrupted anywhere and goes on from a file is the one that was not, to the bit;
// with another size of batch it trains on what is left.
#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "io/messages.hpp"
#include "io/temporary_folder.hpp"
#include "tiny_training.hpp"

namespace vt = vitrail;

namespace {

struct Stop {};

// What a training tells after a batch or an epoch: losses and counts, and, after a batch, the rate that it was trained
// with.
struct Report {
  std::size_t epoch, batch;
  double loss, rate;
  std::size_t samples, top1, top5;
  bool operator==(const Report&) const = default;
};
template <class Training>
void record(Training& t, std::vector<Report>& batches, std::vector<Report>& epochs) {
  const auto report = [](const vt::Progress& p, double rate) {
    return Report{p.epoch, p.batch, p.loss, rate, p.training.samples, p.training.top1, p.training.top5};
  };
  t.recipe.on_batch = [=, &t, &batches](const vt::Progress& p) {
    batches.push_back(report(p, t.state.optimiser.options.rate));
  };
  t.recipe.on_epoch = [=, &epochs](const vt::Progress& p) { epochs.push_back(report(p, 0)); };
}
// Trains for `count` batches, saves, and stops as a killed program does.
template <class Training>
void train_and_save(Training& t, std::size_t count, const std::filesystem::path& path) {
  if (count == 0) return vt::save_training(path, t.model, t.state);
  t.recipe.on_batch = [&](const vt::Progress&) {
    if (--count != 0) return;
    vt::save_training(path, t.model, t.state);
    throw Stop();
  };
  CHECK_THROWS_AS(t.fit(), Stop);
}
template <class T>
std::vector<T> from(const std::vector<T>& all, std::size_t first) {
  return {all.begin() + static_cast<std::ptrdiff_t>(first), all.end()};
}

}  // namespace

TEST_CASE("a training goes on from every batch as if it had not stopped, with any number of threads") {
  const TemporaryFolder folder;
  const auto path = folder / "training.safetensors";
  TinyTraining<> whole({.threads = 1});
  std::vector<Report> batches, epochs;
  record(whole, batches, epochs);
  whole.fit();
  const std::string expected = whole.bits();
  REQUIRE(batches.size() == 9);  // three epochs of 8, 8 and 6 images
  REQUIRE(epochs.size() == 3);
  for (std::size_t done = 0; done <= 9; ++done) {
    INFO("stopped after " << done << " batches");
    TinyTraining<> stopped({.threads = 2});
    train_and_save(stopped, done, path);
    CHECK((stopped.bits() == expected) == false);
    TinyTraining<> resumed({.threads = 1 + static_cast<int>(done % 3)});
    vt::load_training(path, resumed.model, resumed.state);
    CHECK((resumed.bits() == stopped.bits()));
    std::vector<Report> later_batches, later_epochs;
    record(resumed, later_batches, later_epochs);
    resumed.fit();
    CHECK((resumed.bits() == expected));
    CHECK((later_batches == from(batches, done)));
    // After the last batch of an epoch, its end has not been told yet.
    CHECK((later_epochs == from(epochs, done == 0 ? 0 : (done - 1) / 3)));
  }
}

TEST_CASE("a training goes on from the end of an epoch, and when it is over nothing is left to do") {
  const TemporaryFolder folder;
  const auto path = folder / "training.safetensors";
  TinyTraining<> whole;
  whole.fit();
  for (std::size_t last = 0; last < 3; ++last) {
    TinyTraining<> stopped, resumed;
    stopped.recipe.on_epoch = [&](const vt::Progress& p) {
      if (p.epoch != last) return;
      CHECK(p.training.samples == 22);
      vt::save_training(path, stopped.model, stopped.state);
      throw Stop();
    };
    CHECK_THROWS_AS(stopped.fit(), Stop);
    vt::load_training(path, resumed.model, resumed.state);
    CHECK(resumed.state.epoch == last + 1);
    CHECK(resumed.state.samples == 0);
    std::size_t told = 0;
    resumed.recipe.on_epoch = [&](const vt::Progress&) { ++told; };
    resumed.fit();
    CHECK(told == 2 - last);
    CHECK((resumed.bits() == whole.bits()));
  }
}

TEST_CASE("without a file: fit goes on after a callback has thrown, and starts by itself") {
  TinyTraining<> whole, stopped, alone;
  whole.fit();
  std::size_t calls = 0;
  stopped.recipe.on_batch = [&](const vt::Progress&) {
    if (++calls % 2 == 0) throw Stop();
  };
  for (int i = 0; i < 4; ++i) CHECK_THROWS_AS(stopped.fit(), Stop);
  stopped.fit();
  CHECK(calls == 9);
  CHECK((stopped.bits() == whole.bits()));
  alone.state = vt::fit(alone.model, alone.batches, alone.recipe);
  CHECK((alone.bits() == whole.bits()));
}

TEST_CASE("the rate is that of the step's number") {
  TinyTraining<> t;
  std::vector<Report> batches, epochs;
  record(t, batches, epochs);
  t.fit();
  const vt::CosineSchedule schedule{0.02, 1e-5, 3, 9};
  for (std::size_t i = 0; i < 9; ++i) CHECK(batches[i].rate == schedule.at(i));
}

namespace {
// Batches that note what is loaded, epoch by epoch.
template <class B>
struct Recording {
  B* batches;
  std::vector<std::vector<int>> loaded = {};

  std::size_t samples() const { return batches->samples(); }
  std::size_t batch() const { return batches->batch(); }
  std::size_t count() const { return batches->count(); }
  const vt::Augmentation& augmentation() const { return batches->augmentation(); }
  void shuffle(std::uint64_t seed, std::uint32_t epoch) {
    batches->shuffle(seed, epoch);
    loaded.emplace_back();
  }
  void load_from(std::size_t sample, auto& images, vt::Labels& labels) {
    batches->load_from(sample, images, labels);
    loaded.back().insert(loaded.back().end(), labels.data(), labels.data() + labels.count());
  }
};
}  // namespace

TEST_CASE("with another size of batch a training goes on with the samples that are left, each once") {
  const TemporaryFolder folder;
  const auto path = folder / "training.safetensors";
  std::vector<int> all(22);
  std::iota(all.begin(), all.end(), 0);
  for (const std::size_t done : {1, 2, 3, 4, 8}) {
    TinyTraining<> stopped;
    train_and_save(stopped, done, path);
    for (const std::size_t batch : {1, 3, 5, 16, 100}) {
      INFO("stopped after " << done << " batches of 8, went on with batches of " << batch);
      TinyTraining<> resumed({.batch = batch});
      vt::load_training(path, resumed.model, resumed.state);
      const std::size_t epoch = resumed.state.epoch, begin = resumed.state.samples, steps = resumed.state.steps;
      CHECK(epoch == (done - 1) / 3);
      CHECK(begin == std::min<std::size_t>(22, 8 * (done - 3 * epoch)));
      Recording<decltype(resumed.batches)> recording{&resumed.batches};
      std::vector<Report> batches, epochs;
      record(resumed, batches, epochs);
      vt::fit(resumed.model, recording, resumed.recipe, resumed.state);

      stopped.batches.shuffle(5, static_cast<std::uint32_t>(epoch));
      vt::Batch<TinyTraining<>::Net::input, vt::cpu> images;
      vt::Labels labels;
      std::vector<int> before, expected;
      for (std::size_t sample = 0; sample < 22; sample += 8) {
        stopped.batches.load_from(sample, images, labels);
        expected.insert(expected.end(), labels.data(), labels.data() + labels.count());
      }
      REQUIRE(recording.loaded.size() == 3 - epoch);
      CHECK(recording.loaded[0] == from(expected, begin));
      for (std::size_t i = 1; i < recording.loaded.size(); ++i) {
        std::sort(recording.loaded[i].begin(), recording.loaded[i].end());
        CHECK(recording.loaded[i] == all);
      }
      const std::size_t left = (22 - begin + batch - 1) / batch + (2 - epoch) * ((22 + batch - 1) / batch);
      CHECK(resumed.state.steps - steps == left);
      CHECK(resumed.state.optimiser.updates() == resumed.state.steps);
      CHECK(epochs.size() == 3 - epoch);
      CHECK(epochs[0].samples == 22);
      CHECK(epochs.back().batch == (22 + batch - 1) / batch);
      // The rate falls over the second and the third epoch, and the schedule never runs past its end.
      for (std::size_t i = 1; i < batches.size(); ++i) {
        if (batches[i - 1].epoch > 0) CHECK(batches[i].rate < batches[i - 1].rate);
      }
      CHECK(batches.back().rate > 1e-5);
    }
  }
}

TEST_CASE("frozen parameters come back as well") {
  using Probe = vt::with_tuning<vt::cpu, vt::train_only<vt::site::head>>;
  const TemporaryFolder folder;
  const auto path = folder / "training.safetensors";
  TinyTraining<> other;
  vt::save_checkpoint(other.model, folder / "pretrained.safetensors");
  TinyTraining<Probe> whole({.seed = 4}), stopped({.seed = 4}), resumed({.seed = 4});
  vt::load_checkpoint(whole.model, folder / "pretrained.safetensors");
  vt::load_checkpoint(stopped.model, folder / "pretrained.safetensors");
  whole.fit();
  train_and_save(stopped, 4, path);
  vt::load_training(path, resumed.model, resumed.state);
  resumed.fit();
  CHECK((resumed.bits() == whole.bits()));
}

TEST_CASE("fit refuses the state of another training") {
  TinyTraining<> t, other;
  CHECK(message_of([&] { vt::fit(t.model, t.batches, t.recipe, other.state); }) ==
        "fit: the state is of another model");
  const auto message = [&](auto change) {
    vt::Recipe recipe = t.recipe;
    change(recipe);
    return message_of([&] { vt::fit(t.model, t.batches, recipe, t.state); });
  };
  CHECK(message([](vt::Recipe& r) { r.epochs = 4; }) == "fit: the state is of another recipe.epochs");
  CHECK(message([](vt::Recipe& r) { r.seed = 4; }) == "fit: the state is of another recipe.seed");
  CHECK(message([](vt::Recipe& r) { r.weight_decay = 1; }) == "fit: the state is of another recipe.weight_decay");
  t.state.samples = 23;
  CHECK(message([](vt::Recipe&) {}) == "fit: the state cannot go on: samples: expected at most 22, found 23");
}
