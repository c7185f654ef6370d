// checkpoint.cpp - a model goes into a file and comes back to the bit; a file that does not fit changes nothing.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "catch.hpp"
#include "vitrail/io/checkpoint.hpp"
#include "vitrail/models/vit.hpp"
#include "vitrail/nn/model.hpp"
#include "vitrail/nn/policy_serial.hpp"

namespace vt = vitrail;

namespace {

constexpr vt::ViTConfig tiny{.image = 8, .channels = 1, .patch = 4, .dim = 8, .depth = 1, .heads = 2, .mlp = 16};
constexpr vt::ViTConfig wider{.image = 8, .channels = 1, .patch = 4, .dim = 8, .depth = 1, .heads = 2, .mlp = 24};
constexpr vt::ViTConfig deeper{.image = 8, .channels = 1, .patch = 4, .dim = 8, .depth = 2, .heads = 2, .mlp = 16};
template <vt::ViTConfig C, class P = vt::serial>
using Model = vt::Model<vt::ViT<C, 3, P>>;
using Probe = vt::with_tuning<vt::serial, vt::train_only<vt::site::head>>;

struct TemporaryFile {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("vitrail_checkpoint_" + std::to_string(getpid()) + ".safetensors");
  ~TemporaryFile() { std::filesystem::remove(path); }
};
template <class M>
std::vector<double> values_of(const M& model) {
  std::vector<double> all;
  model.each_parameter([&](const auto& info, const auto* v, bool) { all.insert(all.end(), v, v + info.size); });
  return all;
}
std::string message_of(auto&& f) {
  try {
    f();
  } catch (const vt::io_error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

}  // namespace

TEST_CASE("a checkpoint comes back to the bit, whatever trains, and into another precision") {
  const TemporaryFile file;
  const Model<tiny> saved(vt::seed{1});
  vt::save_checkpoint(saved, file.path, {{"note", "of a test"}});
  Model<tiny> same(vt::seed{2});
  Model<tiny, Probe> probe(vt::seed{3});
  Model<tiny, vt::serial_double> wide(vt::seed{4});
  REQUIRE(values_of(same) != values_of(saved));
  vt::load_checkpoint(same, file.path);
  vt::load_checkpoint(probe, file.path);
  vt::load_checkpoint(wide, file.path);
  CHECK(values_of(same) == values_of(saved));
  CHECK(values_of(probe) == values_of(saved));
  CHECK(values_of(wide) == values_of(saved));
  CHECK(vt::Safetensors::open(file.path).metadata().at("note") == "of a test");
}

TEST_CASE("what is missing, misshapen or too much is named, and the model stays as it was") {
  const TemporaryFile file;
  vt::save_checkpoint(Model<tiny>(vt::seed{1}), file.path);
  Model<wider> wide(vt::seed{2});
  Model<deeper> deep(vt::seed{2});
  const auto before = values_of(wide);
  const std::string misshapen = message_of([&] { vt::load_checkpoint(wide, file.path); });
  CHECK(misshapen.find(file.path.string()) != std::string::npos);
  CHECK(misshapen.find("blocks.0.mlp.fc1.weight': expected [24, 8], found [16, 8]") != std::string::npos);
  CHECK(values_of(wide) == before);
  const std::string missing = message_of([&] { vt::load_checkpoint(deep, file.path); });
  CHECK(missing.find("blocks.1.norm1.weight': expected [8], not in the file") != std::string::npos);

  vt::save_checkpoint(Model<deeper>(vt::seed{1}), file.path);
  Model<tiny> small(vt::seed{2});
  const std::string extra = message_of([&] { vt::load_checkpoint(small, file.path); });
  CHECK(extra.find("blocks.1.norm1.weight': in the file, but no parameter of the model") != std::string::npos);
}

TEST_CASE("a truncated file throws and changes nothing") {
  const TemporaryFile file;
  vt::save_checkpoint(Model<tiny>(vt::seed{1}), file.path);
  std::filesystem::resize_file(file.path, std::filesystem::file_size(file.path) - 1);
  Model<tiny> model(vt::seed{2});
  const auto before = values_of(model);
  CHECK_THROWS_AS(vt::load_checkpoint(model, file.path), vt::io_error);
  CHECK(values_of(model) == before);
  CHECK_THROWS_AS(vt::load_checkpoint(model, file.path.string() + ".absent"), vt::io_error);
}
