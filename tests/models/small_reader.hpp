// small_reader.hpp - the configuration of a small encoder-decoder, for tests on the host and on the GPU.
#pragma once

#include <vitrail/models/encoder_decoder.hpp>

namespace test {

inline constexpr vitrail::EncoderDecoderConfig small_reader{.height = 8,
                                                            .width = 12,
                                                            .channels = 2,
                                                            .patch = 4,
                                                            .dim = 12,
                                                            .depth = 1,
                                                            .heads = 2,
                                                            .mlp = 16,
                                                            .length = 3,
                                                            .vocabulary = 5,
                                                            .target_dim = 8,
                                                            .target_depth = 1,
                                                            .target_heads = 2,
                                                            .target_mlp = 16};

}  // namespace test
