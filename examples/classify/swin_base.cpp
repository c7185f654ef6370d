// swin_base.cpp - Swin-B.
#include <vitrail/models/swin.hpp>

#include "static_classifier.hpp"

namespace {
const bool added = add_model<vt::SwinBackbone<vt::swin_base_patch4_window7_224>>("swin_base_patch4_window7_224");
}
