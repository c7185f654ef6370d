// cnn.cpp - the convolutional models as constants, their names, and what the generic parts of the library make of them.
#include "catch.hpp"

#include <set>
#include <string>

#include <vitrail/inspect/summary.hpp>
#include <vitrail/models/cnn.hpp>
#include <vitrail/models/resnet.hpp>
#include <vitrail/nn/cost.hpp>
#include <vitrail/nn/trainable.hpp>

namespace vt = vitrail;

// torchvision's counts; running statistics are no parameters.
static_assert(vt::parameter_count<vt::ResNet18<>>() == 11'689'512);
static_assert(vt::parameter_count<vt::ResNet34<>>() == 21'797'672);
static_assert(vt::parameter_count<vt::ResNet20<>>() == 272'474);
// fvcore's count of multiply-adds of torchvision's resnet18.
static_assert(vt::cost_of<vt::ResNet18<>>(1).multiply_adds == 1'814'073'344);
int main_() { return 0; }
