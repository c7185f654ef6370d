// accepts.cpp - which inputs a module takes, and what shape comes out: constants, and no error if the answer is no.
#include "catch.hpp"

#include "nn/accepting_modules.hpp"

namespace vt = vitrail;

TEST_CASE("a program may go by what a module accepts") {
  const auto answer = []<class M>(const M&) {
    if constexpr (vt::accepts<M, vt::Shape<5, 8>>) {
      return vt::output_shape<M, vt::Shape<5, 8>>::size;
    } else {
      return std::size_t(0);
    }
  };
  CHECK(answer(accepting::Deep<>{}) == 16);
  CHECK(answer(accepting::Block{}) == 0);
}
