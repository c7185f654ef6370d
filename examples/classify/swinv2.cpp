// swinv2.cpp - Swin v2.
#include <vitrail/models/swin.hpp>

#include "static_classifier.hpp"

namespace {
const bool added = add_model<vt::SwinBackbone<vt::swinv2_tiny_window8_256>>("swinv2_tiny_window8_256");
}
