// models.hpp - what train_vit trains and classify runs.
#pragma once

#include <vitrail/models/cnn.hpp>
#include <vitrail/models/resnet.hpp>
#include <vitrail/models/swin.hpp>
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
constexpr vitrail::CnnConfig cnn_28{.image = 28, .channels = 1, .stage1 = 32, .stage2 = 64, .stage3 = 0};
constexpr vitrail::CnnConfig cnn_32{.image = 32, .channels = 3, .stage1 = 32, .stage2 = 64, .stage3 = 128};
constexpr vitrail::ResNetConfig resnet_28 = [] {
  vitrail::ResNetConfig c = vitrail::resnet20_cifar;
  c.image = 28;
  c.channels = 1;
  return c;
}();
