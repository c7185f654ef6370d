// error.hpp - the exceptions. They alone stay outside the inline namespace: a handler must match whatever flags the
// thrower had.
#pragma once

#include <stdexcept>
#include <string>

namespace vitrail {

// Base of everything that vitrail throws. The text names the file or tensor, what was expected and what was found.
struct error : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// A file that cannot be read or written, or whose contents are not what its format demands.
struct io_error : error {
  using error::error;
};
// Tensors, batches or labels that do not fit the operation they are given to.
struct shape_error : error {
  using error::error;
};

}  // namespace vitrail
