// dependence.hpp - which part of a result depends on which part of an input, found from gradients: of a token a row, of
// an image a pixel. What is zero there is zero exactly, so that this is a statement about the function, not about
// numbers.
//
//   vt::Dependence d = vt::dependence<vt::Block<8, 2, 16, vt::cpu_double>>(vt::Shape<5, 8>{});
//   d.all();          // every token sees every token
//   std::cout << d;   // a row for each token of the result
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "../autodiff/gradient_check.hpp"
#include "../nn/model.hpp"
#include "../nn/policy.hpp"

namespace vitrail::inline VITRAIL_TU {

// at(o, i): part o of the result depends on part i of the input.
struct Dependence {
  std::size_t outputs = 0, inputs = 0;
  std::vector<bool> values;  // [outputs, inputs]

  bool at(std::size_t o, std::size_t i) const { return values.at(o * inputs + i); }
  std::size_t count() const { return static_cast<std::size_t>(std::count(values.begin(), values.end(), true)); }
  bool all() const { return count() == values.size(); }
  bool none() const { return count() == 0; }
  // Each part depends on the one in its place and on no other.
  bool is_diagonal() const {
    for (std::size_t k = 0; k < values.size(); ++k) {
      if (values[k] != (k / inputs == k % inputs)) return false;
    }
    return outputs == inputs;
  }
  friend bool operator==(const Dependence&, const Dependence&) = default;
  // '#' where there is a dependence, '.' where there is none.
  friend std::ostream& operator<<(std::ostream& out, const Dependence& d) {
    for (std::size_t k = 0; k < d.values.size(); ++k) {
      out << (d.values[k] ? '#' : '.');
      if ((k + 1) % d.inputs == 0) out << '\n';
    }
    return out;
  }
};

// The pixels of an image [C, height, width] that one part of a result depends on.
struct ReceptiveField {
  std::size_t height = 0, width = 0;
  std::vector<bool> values;                              // [height, width]
  std::size_t top = 0, left = 0, bottom = 0, right = 0;  // the smallest box round them, its ends not in it

  bool at(std::size_t y, std::size_t x) const { return values.at(y * width + x); }
  std::size_t count() const { return static_cast<std::size_t>(std::count(values.begin(), values.end(), true)); }
  bool fills_its_box() const { return count() == (bottom - top) * (right - left); }
};

namespace detail {

template <class M>
concept IsModel = requires {
  typename M::module;
};
template <class F>
concept IsFunction = !IsModel<F>;
template <class S>
concept IsShape = vitrail::is_shape<S>;

// The parts of a value: rows of [N, D], pixels of [C, H, W], a vector or a number as a whole.
struct Parts {
  std::size_t count, elements, part_stride, element_stride;
};
template <class S>
constexpr Parts parts_of() {
  static_assert(S::rank <= 3, "dependence: values are [D], tokens [N, D] or images [C, H, W]; reshape others");
  if constexpr (S::rank == 3) {
    constexpr std::size_t pixels = S::dims[1] * S::dims[2];
    return {pixels, S::dims[0], 1, pixels};
  } else if constexpr (S::rank == 2) {
    return {S::dims[0], S::dims[1], S::dims[1], 1};
  } else {
    return {1, S::size, S::size, 1};
  }
}

template <class S>
constexpr std::size_t middle_of() {
  if constexpr (S::rank == 3) {
    return S::dims[1] / 2 * S::dims[2] + S::dims[2] / 2;
  } else {
    return parts_of<S>().count / 2;
  }
}
inline constexpr std::size_t all_parts = static_cast<std::size_t>(-1), middle_part = all_parts;
[[noreturn, gnu::noinline]] inline void refuse_part(std::size_t part, std::size_t parts) {
  throw shape_error("receptive_field: expected a part of the result below " + std::to_string(parts) + ", found " +
                    std::to_string(part));
}

// Other inputs and weights for every trial: that a gradient is zero by accident in all of them is out of the question.
inline constexpr std::uint32_t dependence_trials = 3;

// f(x...) on `tape`, of inputs of these shapes: all parts of its result, or one.
template <class P, class F, class... S>
std::array<Dependence, sizeof...(S)> dependence(Tape<P, true>& tape, const F& f, bool all, std::size_t one,
                                                const S&...) {
  static_assert(std::is_same_v<typename P::value, double>,
                "dependence: use a policy in double, such as vt::cpu_double");
  using Memory = typename P::backend::memory;
  std::array<Dependence, sizeof...(S)> found;
  for (std::uint32_t trial = 0; trial < dependence_trials; ++trial) {
    std::uint32_t site = 0;
    const auto draw = [&](std::size_t size) {
      Buffer<double> values(size);
      for (std::size_t i = 0; i < size; ++i) values[i] = normal_at<double>({7, trial, site}, 0, i);
      ++site;
      return placed_in<Memory>(std::move(values));
    };
    const std::array<Buffer<double, Memory>, sizeof...(S)> data{draw(S::size)...};
    tape.begin(1);
    const auto x = [&]<std::size_t... I>(std::index_sequence<I...>) {  // braces: in this order
      return std::tuple{tape.template tracked_input<S, true>(data[I].data())...};
    }
    (std::index_sequence_for<S...>{});
    const auto y = std::apply([&](const auto&... v) { return evaluate(f(v...)); }, x);
    using Y = std::remove_cvref_t<decltype(y)>;
    constexpr Parts out = parts_of<typename Y::shape>();
    const std::size_t begin = all ? 0 : one == middle_part ? middle_of<typename Y::shape>() : one;
    const std::size_t rows = all ? out.count : 1;
    if (begin >= out.count) refuse_part(begin, out.count);
    std::array<Parts, sizeof...(S)> in{parts_of<S>()...};
    for (std::size_t k = 0; k < in.size() && trial == 0; ++k) {
      found[k] = {rows, in[k].count, std::vector<bool>(rows * in[k].count)};
    }
    if constexpr (Y::tracked) {
      Buffer<double> weights(Y::shape::size), drawn(Y::shape::size);
      Buffer<double, Memory> placed(Y::shape::size);
      draw_weights(trial, drawn.data(), drawn.size());
      const auto loss = weighted_sum(y, placed.data());
      for (std::size_t o = 0; o < rows; ++o) {
        std::fill_n(weights.data(), weights.size(), 0.0);
        for (std::size_t e = 0; e < out.elements; ++e) {
          const std::size_t at = (begin + o) * out.part_stride + e * out.element_stride;
          weights[at] = drawn[at];
        }
        Memory::copy(placed.data(), weights.data(), weights.size() * sizeof(double));
        tape.backward(loss);
        HostCopies<Memory, double> copies;
        const auto gradients = std::apply(
            [&](const auto&... v) { return std::array{copies.of(tape.gradient(v), elements_of(v, 1))...}; }, x);
        for (std::size_t k = 0; k < in.size(); ++k) {
          for (std::size_t i = 0; i < in[k].count; ++i) {
            for (std::size_t e = 0; e < in[k].elements; ++e) {
              // Not finite counts too: a product with it is no zero.
              if (gradients[k][i * in[k].part_stride + e * in[k].element_stride] == 0.0) continue;
              found[k].values[o * in[k].count + i] = true;
            }
          }
        }
      }
    }
  }
  return found;
}
template <std::size_t N>
auto one_or_all(std::array<Dependence, N> found) {
  if constexpr (N == 1) {
    return std::move(found[0]);
  } else {
    return found;
  }
}
// Calls with(tape, f on it) for a function of a model's net and Vars.
template <class Model, class F, class With>
auto on_tape_of(const Model& model, const F& f, const With& with) {
  use_device(model.backend());
  Tape<typename Model::policy, true> tape(model.backend());
  const auto& store = model.trainable();
  Buffer<typename Model::value, typename Model::Memory> gradients(store.size());
  tape.set_parameters(store.table.size(), gradients.data(), store.offsets.data(), store.values.data());
  return with(tape, [&](const auto&... x) { return f(model.net(), x...); });
}
template <class M>
struct StandsAlone : Module<StandsAlone<M>> {
  using policy = cpu_double;
  M module;
  static constexpr void visit(auto& self, auto&& f) { f("module", self.module); }
};
template <class S>
ReceptiveField field_of(const Dependence& d) {
  static_assert(S::rank == 3, "receptive_field: an image is [C, H, W]");
  ReceptiveField field{S::dims[1], S::dims[2], d.values};
  for (std::size_t i = 0; i < d.values.size(); ++i) {
    if (!d.values[i]) continue;
    const std::size_t y = i / field.width, x = i % field.width;
    if (field.bottom == 0) field.top = y, field.left = field.right = x;
    field.bottom = y + 1;
    field.left = std::min(field.left, x);
    field.right = std::max(field.right, x + 1);
  }
  return field;
}

}  // namespace detail

// f(x...) of Vars in double, one for each shape: [D] is one part, [N, D] has its tokens as parts, [C, H, W] its pixels;
// so has the result. One Dependence, or a std::array of them if there are several inputs. Takes a backward for each
// part of the result. A piecewise constant function (argmax, comparisons) depends on nothing here: it has no gradient.
template <detail::IsFunction F, detail::IsShape... S>
auto dependence(const F& f, const S&... shapes) {
  const typename cpu_double::backend backend{};
  Tape<cpu_double, true> tape(backend);
  return detail::one_or_all(detail::dependence(tape, f, true, 0, shapes...));
}
// f(net, x...) of a model in double, with the values that it has: what stands at zero passes nothing on.
template <detail::IsModel Model, class F, detail::IsShape... S>
auto dependence(const Model& model, const F& f, const S&... shapes) {
  return detail::on_tape_of(model, f, [&](auto& tape, const auto& g) {
    return detail::one_or_all(detail::dependence(tape, g, true, 0, shapes...));
  });
}
// Of a module by itself, built with vt::cpu_double; its parameters are drawn, so that none is zero.
template <class M, detail::IsShape... S>
auto dependence(const S&... shapes) {
  Model<detail::StandsAlone<M>> model;
  model.assign([](const ParameterInfo& info, double* values) {
    for (std::size_t i = 0; i < info.size; ++i) values[i] = 0.5 * normal_at<double>({9, 0, site_of(info.path)}, 0, i);
  });
  const auto forward = [](const auto& net, const auto&... x) { return net.module(x...); };
  return dependence(model, forward, shapes...);
}

// The pixels that one part of f(image) depends on, by default the part in the middle. With a model: f(net, image).
// Throws shape_error if there is no such part.
template <detail::IsFunction F, detail::IsShape S>
ReceptiveField receptive_field(const F& f, const S& image, std::size_t part = detail::middle_part) {
  const typename cpu_double::backend backend{};
  Tape<cpu_double, true> tape(backend);
  return detail::field_of<S>(detail::dependence(tape, f, false, part, image)[0]);
}
template <detail::IsModel Model, class F, detail::IsShape S>
ReceptiveField receptive_field(const Model& model, const F& f, const S& image, std::size_t part = detail::middle_part) {
  return detail::on_tape_of(model, f, [&](auto& tape, const auto& g) {
    return detail::field_of<S>(detail::dependence(tape, g, false, part, image)[0]);
  });
}

}  // namespace vitrail::inline VITRAIL_TU
