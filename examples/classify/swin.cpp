// swin.cpp - Swin; its largest model is in a unit of its own, so that none takes long to compile.
#include <vitrail/models/swin.hpp>

#include "static_classifier.hpp"

namespace {
const bool added = add_model<vt::SwinBackbone<vt::swin_tiny_patch4_window7_224>>("swin_tiny_patch4_window7_224") &&
                   add_model<vt::SwinBackbone<vt::swin_small_patch4_window7_224>>("swin_small_patch4_window7_224");
}
