// view.hpp - a look at values that live elsewhere: one tensor, or a run-time number of equal ones. Neither owns nor
// checks lifetime.
#pragma once

#include <algorithm>
#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

#include "../error.hpp"
#include "../shape/shape.hpp"

namespace vitrail::inline VITRAIL_TU {

// A tensor of shape S at `data`, row-major and contiguous; T may be const.
template <class S, class T>
class View {
 public:
  using shape = S;
  using value = std::remove_const_t<T>;

  constexpr explicit View(T* data) : data_(data) {}
  constexpr T* data() const { return data_; }
  static constexpr std::size_t size() { return S::size; }
  constexpr T* begin() const { return data_; }
  constexpr T* end() const { return data_ + S::size; }

  // As many indices as the shape has axes; one beyond its axis throws shape_error.
  template <class... Index>
  constexpr T& at(Index... index) const {
    std::size_t axis = 0;
    ((static_cast<std::size_t>(index) < S::dims[axis++] ? void() : out_of_range(axis - 1, std::size_t(index))), ...);
    return data_[offset_of<S>(index...)];
  }
  std::vector<value> to_vector() const { return {begin(), end()}; }

 private:
  [[noreturn]] static void out_of_range(std::size_t axis, std::size_t index) {
    throw shape_error("at: index " + std::to_string(index) + " of axis " + std::to_string(axis) + " is not below " +
                      std::to_string(S::dims[axis]));
  }
  T* data_;
};

// `count` tensors of shape S, one after the other.
template <class S, class T>
class BatchView {
 public:
  using shape = S;
  using value = std::remove_const_t<T>;

  constexpr BatchView(T* data, std::size_t count) : data_(data), count_(count) {}
  constexpr T* data() const { return data_; }
  constexpr std::size_t count() const { return count_; }
  constexpr std::size_t size() const { return count_ * S::size; }
  // Sample b, which must be below count().
  constexpr View<S, T> operator[](std::size_t b) const { return View<S, T>(data_ + b * S::size); }
  std::vector<value> to_vector() const { return {data_, data_ + size()}; }

 private:
  T* data_;
  std::size_t count_;
};

namespace detail {

template <class T>
void print_axis(std::ostream& out, const T* data, const std::size_t* dims, std::size_t rank, std::size_t depth) {
  if (rank == 0) {
    out << *data;
    return;
  }
  constexpr std::size_t most = 6;  // entries of an axis; beyond, the first and last three, as NumPy prints them
  std::size_t step = 1;
  for (std::size_t i = 1; i < rank; ++i) step *= dims[i];
  out << '[';
  for (std::size_t i = 0; i < dims[0]; ++i) {
    const bool cut = dims[0] > most && i == most / 2;
    if (i > 0) out << (rank > 1 ? ",\n" + std::string(depth + 1, ' ') : ", ");
    if (cut) {
      out << "...";
      i = dims[0] - most / 2 - 1;
    } else {
      print_axis(out, data + i * step, dims + 1, rank - 1, depth + 1);
    }
  }
  out << ']';
}

}  // namespace detail

// Prints nested brackets, as NumPy does; of a long axis the first and last three entries.
template <class S, class T>
std::ostream& operator<<(std::ostream& out, const View<S, T>& view) {
  detail::print_axis(out, view.data(), S::dims.data(), S::rank, 0);
  return out;
}

}  // namespace vitrail::inline VITRAIL_TU
