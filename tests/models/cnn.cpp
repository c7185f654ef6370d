// cnn.cpp - the convolutional models as constants, their names, and what the generic parts of the library make of them.
#include "catch.hpp"

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <vitrail/inspect/summary.hpp>
#include <vitrail/models/cnn.hpp>
#include <vitrail/models/resnet.hpp>
#include <vitrail/nn/accepts.hpp>
#include <vitrail/nn/cost.hpp>
#include <vitrail/nn/trainable.hpp>

namespace vt = vitrail;

// torchvision's counts; running statistics are no parameters. ResNet-20 has 2,752 more than with shortcuts that pad.
static_assert(vt::parameter_count<vt::ResNet18<>>() == 11'689'512);
static_assert(vt::parameter_count<vt::ResNet34<>>() == 21'797'672);
static_assert(vt::parameter_count<vt::ResNet20<>>() == 272'474);
// torchvision publishes 1.814 * 10^9 (its _ops).
static_assert(vt::cost_of<vt::ResNet18<>>(1).multiply_adds == 1'814'073'344);

namespace {

constexpr vt::CnnConfig config{.image = 20, .channels = 1, .stage1 = 8, .stage2 = 16, .stage3 = 0};
using Net = vt::Cnn<config, 5>;
static_assert(vt::parameter_count<Net>() == 8 * 9 + 16 * 8 * 9 + 2 * (8 + 16) + 5 * 16 + 5);
static_assert(vt::accepts<Net, vt::Shape<1, 20, 20>> && !vt::accepts<Net, vt::Shape<3, 20, 20>>);
static_assert(std::is_same_v<vt::output_shape<Net, vt::Shape<1, 31, 9>>, vt::Shape<5>>);  // any size that is left over

template <class Tune>
using Tuned = vt::Cnn<config, 5, vt::with_tuning<vt::cpu, Tune>>;
static_assert(std::is_same_v<
              vt::trainable_parameters<Tuned<vt::train_only<vt::site::head>>>,
              vt::TypeList<vt::Trainable<"head.weight", vt::Shape<5, 16>>, vt::Trainable<"head.bias", vt::Shape<5>>>>);
static_assert(vt::trainable_count<Tuned<vt::freeze_only<vt::site::conv>>>() == 2 * (8 + 16) + 5 * 16 + 5);
static_assert(vt::trainable_count<Tuned<vt::train_only<vt::site::norm>>>() == 2 * (8 + 16));
// Nothing is computed backward where only frozen ones are fed.
static_assert(vt::cost_of<Tuned<vt::train_only<vt::site::head>>>(1).backward_flops == 2 * 5 * 16);

}  // namespace

TEST_CASE("the names and shapes of ResNet-18 are torchvision's, in its order") {
  std::vector<std::string> found, expected;
  vt::ResNet18<> net;
  vt::each_named_parameter(net, "", [&](const std::string& path, const auto& parameter) {
    std::string line = path;
    for (const std::size_t extent : std::remove_cvref_t<decltype(parameter)>::shape::dims)
      line += " " + std::to_string(extent);
    found.push_back(line);
  });
  std::ifstream file(std::string(VITRAIL_TESTS) + "/models/fixtures/resnet18_keys.txt");
  for (std::string line; std::getline(file, line);) expected.push_back(line);
  CHECK(expected.size() == 102);
  CHECK(found == expected);
}
TEST_CASE("a summary of a CNN counts its parameters by stage") {
  const vt::Summary summary = vt::summary<Net>(2);
  std::ostringstream text;
  text << summary;
  INFO(text.str());
  CHECK(summary.modules[0].parameters == vt::parameter_count<Net>());
  CHECK(summary.modules[0].forward_flops == vt::cost_of<Net>(2).forward_flops);
  bool found = false;
  for (const vt::ModuleSummary& m : summary.modules) {
    if (m.path != "stages.1") continue;
    found = true;
    CHECK(m.type == "CnnStage");
    CHECK(m.output == std::vector<std::size_t>{16, 5, 5});
    CHECK(m.parameters == 16 * 8 * 9 + 2 * 16);
  }
  CHECK(found);
}
