// shape.cpp - what a Shape knows at compile time. Products that overflow: tests/compile_fail/shape_overflow.cpp.
#include "catch.hpp"

#include <vitrail/shape/fixed_vector.hpp>
#include <vitrail/shape/shape.hpp>

#include <concepts>
#include <cstddef>
#include <type_traits>

using namespace vitrail;

namespace {

using Tokens = Shape<197, 768>;
static_assert(Tokens::rank == 2 && Tokens::size == 197 * 768 && Tokens::last == 768 && Tokens::rows == 197);
static_assert(Tokens::dims == std::array<std::size_t, 2>{197, 768});

using Image = Shape<3, 224, 225>;
static_assert(Image::rank == 3 && Image::size == 3 * 224 * 225 && Image::last == 225 && Image::rows == 3 * 224);

// A scalar is one row of one element, and an empty tensor has no rows.
static_assert(Shape<>::rank == 0 && Shape<>::size == 1 && Shape<>::last == 1 && Shape<>::rows == 1);
static_assert(Shape<>::dims.empty());
static_assert(Shape<5, 0>::size == 0 && Shape<5, 0>::last == 0 && Shape<5, 0>::rows == 0);
static_assert(Shape<0, 5>::size == 0 && Shape<0, 5>::rows == 0);
static_assert(Shape<1>::size == 1 && Shape<1>::rows == 1);

static_assert(is_shape<Tokens> && is_shape<Shape<>> && !is_shape<int> && !is_shape<std::array<std::size_t, 2>>);
static_assert(std::is_empty_v<Tokens> && std::is_trivially_copyable_v<Tokens>);
static_assert(!std::same_as<Shape<2, 3>, Shape<3, 2>>);

static_assert(std::same_as<with_last<Tokens, 2304>, Shape<197, 2304>>);
static_assert(std::same_as<with_last<Shape<7>, 9>, Shape<9>>);
static_assert(std::same_as<with_first<Image, 1>, Shape<1, 224, 225>>);
static_assert(std::same_as<with_first<Shape<7>, 9>, Shape<9>>);
static_assert(std::same_as<without_first<Image>, Shape<224, 225>>);
static_assert(std::same_as<without_first<Shape<7>>, Shape<>>);

static_assert(offset_of<Shape<>>() == 0);
static_assert(offset_of<Image>(0, 0, 0) == 0 && offset_of<Image>(2, 223, 224) == Image::size - 1);
static_assert(offset_of<Image>(1, 2, 3) == (1 * 224 + 2) * 225 + 3);

// The largest product that is accepted: 2^60 elements, of 16 bytes at most.
static_assert(Shape<(std::size_t{1} << 60) - 1>::size == (std::size_t{1} << 60) - 1);
static_assert(Shape<1u << 20, 1u << 20, 1u << 19>::size == std::size_t{1} << 59);

constexpr FixedVector<int, 4> edited = [] {
  FixedVector<int, 4> vector;
  vector.push_back(1);
  vector.push_back(3);
  vector.insert(1, 2);
  vector.insert(0, 0);
  vector.erase(2);
  return vector;
}();
static_assert(edited.size() == 3 && edited[0] == 0 && edited[1] == 1 && edited[2] == 3 && !edited.empty());
static_assert(FixedVector<int, 0>{}.empty());

}  // namespace

TEST_CASE("offsets count every element of a shape once, in row-major order") {
  std::size_t expected = 0;
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 5; ++j) {
      for (int k = 0; k < 2; ++k) CHECK(offset_of<Shape<3, 5, 2>>(i, j, k) == expected++);
    }
  }
  CHECK(expected == Shape<3, 5, 2>::size);
}

TEST_CASE("a fixed vector edits in place and refuses more than its capacity") {
  FixedVector<int, 3> vector;
  vector.insert(0, 2);
  vector.insert(0, 1);
  vector.insert(2, 3);
  int sum = 0;
  for (const int item : vector) sum = sum * 10 + item;
  CHECK(sum == 123);
  CHECK_THROWS(vector.push_back(4));
  CHECK_THROWS(vector.insert(0, 4));
  CHECK(vector.size() == 3);
  vector.erase(0);
  vector.erase(1);
  CHECK((vector.size() == 1 && vector[0] == 2));
}
