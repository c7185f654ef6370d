// train_vit_models.hpp - what train_vit trains and classify runs.
#pragma once

#include <vitrail/models/vit.hpp>

constexpr vitrail::ViTConfig gray_28{.image = 28,
                                     .channels = 1,
                                     .patch = 4,
                                     .dim = 64,
                                     .depth = 4,
                                     .heads = 4,
                                     .mlp = 128,
                                     .pool = vitrail::pooling::mean};
constexpr vitrail::ViTConfig colour_32{.image = 32,
                                       .channels = 3,
                                       .patch = 4,
                                       .dim = 64,
                                       .depth = 4,
                                       .heads = 4,
                                       .mlp = 128,
                                       .pool = vitrail::pooling::mean};
