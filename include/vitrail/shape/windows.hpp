// windows.hpp - a map of tokens cut into windows, also shifted ones: which token is where, and which see each other.
#pragma once

#include <cstddef>

#include "../config.hpp"

namespace vitrail::inline VITRAIL_TU {

// A row-major map of height x width tokens in windows of rows x columns, in row-major order. With a shift the grid of
// windows lies so many tokens further down and to the right; what it leaves at the top and the left joins the windows
// that stick out at the bottom and the right (as torch.roll by the negative shift does), but does not see the rest of
// them. height and width must be multiples of rows and columns. Without rows there are no windows.
// N: std::size_t, or unsigned for devices, where 64 bits take long to divide.
template <class N>
struct WindowsOf {
  N height = 0, width = 0, rows = 0, columns = 0, shift_rows = 0, shift_columns = 0;

  constexpr explicit operator bool() const { return rows > 0; }
  constexpr N across() const { return width / columns; }
  constexpr N count() const { return rows ? height / rows * across() : 1; }
  constexpr N tokens() const { return rows * columns; }  // of one window
  constexpr bool shifted() const { return shift_rows || shift_columns; }

  // Where the first token of window w is; may lie beyond the map by up to a shift, and then wraps.
  constexpr N first_row(N w) const { return w / across() * rows + shift_rows; }
  constexpr N first_column(N w) const { return w % across() * columns + shift_columns; }
  // The number in the map of token i of window w.
  constexpr N token(N w, N i) const {
    const N y = first_row(w) + i / columns, x = first_column(w) + i % columns;
    return (y < height ? y : y - height) * width + (x < width ? x : x - width);
  }

  // The seam runs between tokens that are no neighbours in the map. It crosses a window from left to right, from top to
  // bottom, both, or, as most windows, not at all: kind 0.
  static constexpr N kinds = 4, down = 2, right = 1;
  constexpr N kind(N w) const {
    return (shift_rows && first_row(w) + rows > height ? down : 0) +
           (shift_columns && first_column(w) + columns > width ? right : 0);
  }
  // Rows and columns of a window.
  struct Box {
    N top, bottom, left, end;  // rows [top, bottom), columns [left, end)
  };
  // What token i of a window of this kind sees: the tokens on its side of the seam.
  constexpr Box visible(N kind, N i) const {
    Box box{0, rows, 0, columns};
    if (kind & down) {
      const N seam = rows - shift_rows;
      (i / columns < seam ? box.bottom : box.top) = seam;
    }
    if (kind & right) {
      const N seam = columns - shift_columns;
      (i % columns < seam ? box.end : box.left) = seam;
    }
    return box;
  }
  // Whether tokens i and j of window w see each other.
  constexpr bool sees(N w, N i, N j) const {
    const Box box = visible(kind(w), i);
    const N y = j / columns, x = j % columns;
    return box.top <= y && y < box.bottom && box.left <= x && x < box.end;
  }
};
using Windows = WindowsOf<std::size_t>;

// The windows of Swin's blocks: a map that is no larger than the window is one window, and is not shifted.
constexpr Windows swin_windows(std::size_t height, std::size_t width, std::size_t window, bool shifted) {
  Windows w{height, width, window, window, 0, 0};
  w.shift_rows = w.shift_columns = shifted ? window / 2 : 0;
  if (height <= window) w.rows = height, w.shift_rows = 0;
  if (width <= window) w.columns = width, w.shift_columns = 0;
  return w;
}

}  // namespace vitrail::inline VITRAIL_TU
