// accepts.cu - nvcc's front end gives the same answers to what a module accepts. Needs no device.
// test: separate
#include "catch.hpp"

#include "nn/accepting_modules.hpp"

TEST_CASE("what nvcc says a module accepts") {
  CHECK(accepting::accepts<accepting::Net, accepting::Shape<1, 12, 12>>);
  CHECK(!accepting::accepts<accepting::Net, accepting::Shape<1, 13, 12>>);
}
