// windows.cpp - which token is in which window, and which see each other, against the map itself.
#include "catch.hpp"

#include <vitrail/shape/windows.hpp>

#include <cstdlib>
#include <set>

using vitrail::swin_windows;
using vitrail::Windows;

namespace {
const Windows all[] = {{4, 6, 2, 3, 0, 0}, {6, 4, 3, 2, 1, 1}, {6, 6, 3, 3, 1, 2},
                       {8, 8, 4, 4, 2, 2}, {6, 3, 3, 3, 1, 0}, {56, 56, 7, 7, 3, 3}};
}

TEST_CASE("windows: every token is in one window") {
  for (const Windows& w : all) {
    std::set<std::size_t> seen;
    for (std::size_t i = 0; i < w.count(); ++i) {
      for (std::size_t t = 0; t < w.tokens(); ++t) seen.insert(w.token(i, t));
    }
    CHECK(w.count() * w.tokens() == w.height * w.width);
    CHECK(seen.size() == w.height * w.width);
    CHECK(*seen.rbegin() == w.height * w.width - 1);
  }
}

TEST_CASE("windows: tokens of a window see each other if and only if they are as far apart in the map as in it") {
  for (const Windows& w : all) {
    std::size_t hidden = 0;
    for (std::size_t n = 0; n < w.count(); ++n) {
      for (std::size_t i = 0; i < w.tokens(); ++i) {
        for (std::size_t j = 0; j < w.tokens(); ++j) {
          const auto apart = [](std::size_t a, std::size_t b) { return static_cast<long>(a) - static_cast<long>(b); };
          const std::size_t a = w.token(n, i), b = w.token(n, j);
          const bool together = apart(a / w.width, b / w.width) == apart(i / w.columns, j / w.columns) &&
                                apart(a % w.width, b % w.width) == apart(i % w.columns, j % w.columns);
          if (w.sees(n, i, j) != together) FAIL("window " << n << ", tokens " << i << " and " << j);
          hidden += !together;
        }
      }
    }
    CHECK((hidden > 0) == w.shifted());
  }
  // Windows of 4 x 4 with a shift of 2 on 8 x 8: 576 of 1024 pairs inside windows see each other.
  const Windows w = swin_windows(8, 8, 4, true);
  std::size_t pairs = 0;
  for (std::size_t n = 0; n < 4; ++n) {
    for (std::size_t i = 0; i < 16; ++i) {
      for (std::size_t j = 0; j < 16; ++j) pairs += w.sees(n, i, j);
    }
  }
  CHECK(pairs == 576);
}

TEST_CASE("windows: only the last row and column of them have a seam") {
  const Windows w = swin_windows(56, 56, 7, true);
  for (std::size_t n = 0; n < w.count(); ++n) {
    CHECK(((w.kind(n) & Windows::down) != 0) == (n / 8 == 7));
    CHECK(((w.kind(n) & Windows::right) != 0) == (n % 8 == 7));
  }
}

TEST_CASE("windows: Swin's are as large as the map at most, and then not shifted") {
  CHECK(swin_windows(56, 56, 7, true).shift_rows == 3);
  CHECK(!swin_windows(56, 56, 7, false).shifted());
  const Windows whole = swin_windows(7, 7, 7, true), small = swin_windows(4, 14, 7, true);
  CHECK((whole.count() == 1 && !whole.shifted()));
  CHECK((small.rows == 4 && small.columns == 7 && small.shift_rows == 0 && small.shift_columns == 3));
}
