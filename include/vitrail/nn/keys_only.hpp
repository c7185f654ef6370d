// keys_only.hpp - prompts as a model has them: tokens that go with the others, or that each block has anew.
#pragma once

#include <cstddef>

#include "../config.hpp"

namespace vitrail::inline VITRAIL_TU {

// Tokens [p, D], one for all samples, that others attend to and nothing becomes of: beside the input of attention or of
// a block. Their keys and values are computed once for the batch, and no rows of the result.
template <class V>
struct KeysOnly {
  V tokens;
};
template <class V>
KeysOnly(V) -> KeysOnly<V>;

// How many tokens a module of prompts puts in front of the blocks; none if it gives keys to each, or is Absent.
template <class Prompts>
constexpr std::size_t tokens_in_sequence() {
  if constexpr (requires { Prompts::tokens_in_sequence; }) {
    return Prompts::tokens_in_sequence;
  } else {
    return 0;
  }
}

}  // namespace vitrail::inline VITRAIL_TU
