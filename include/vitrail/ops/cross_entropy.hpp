// cross_entropy.hpp - the mean over the batch (and sequences) of -log softmax(z)[label].
// torch.nn.functional.cross_entropy.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>

#include "../autodiff/driver.hpp"
#include "../backend/backend.hpp"
#include "../backend/bf16.hpp"
#include "../backend/lane_math.hpp"
#include "../backend/rows.hpp"
#include "../backend/strided.hpp"
#include "../expr/evaluate.hpp"
#include "../tensor/tensor.hpp"

namespace vitrail::inline VITRAIL_TU {

struct CrossEntropyOptions {
  double label_smoothing = 0;  // in [0, 1]: this share of the target is spread evenly over all classes
  int ignore_index = -100;     // samples with this label do not count
};

namespace detail {

// Per sample: loss = lse - (1 - s) z[label] - s / C sum(z), its log-sum-exp, and whether it counts.
template <class T, class X>
struct CrossEntropyForward {
  using value = T;
  static constexpr bool is_minor = true;
  std::size_t classes;
  const X* z;
  const int* labels;
  T *log_sum_exp, *loss_and_valid;
  T smoothing;
  int ignore_index;
  std::size_t stride = 1;  // from label to label
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const X* in = z + r * classes;
    const T top = row.max(classes, [&](auto j) VITRAIL_LAMBDA { return get<L>(in, j); });
    const T sum = row.sum(classes, [&](auto j) VITRAIL_LAMBDA { return exp(get<L>(in, j) - L(top)); });
    const T all = row.sum(classes, [&](auto j) VITRAIL_LAMBDA { return get<L>(in, j); });
    const T lse = top + vitrail::log(sum);
    const int label = labels[r * stride];
    const bool valid = label != ignore_index;
    log_sum_exp[r] = lse;
    loss_and_valid[2 * r] =
        valid ? lse - (T(1) - smoothing) * in[label] - smoothing / static_cast<T>(classes) * all : T(0);
    loss_and_valid[2 * r + 1] = valid ? T(1) : T(0);
  }
};
// dz = g / valid (softmax(z) - (1 - s) [label] - s / C).
template <class T, class X>
struct CrossEntropyBackward {
  using value = T;
  static constexpr bool is_minor = true;
  std::size_t classes;
  const X* z;
  const int* labels;
  const T *log_sum_exp, *valid, *out_gradient;
  X* dz;
  bool adds;
  T smoothing;
  int ignore_index;
  std::size_t stride = 1;  // from label to label
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const X* in = z + r * classes;
    X* out = dz + r * classes;
    const int label = labels[r * stride];
    const bool counts = label != ignore_index;
    const T scale = counts ? *out_gradient / *valid : T(0);
    const L lse = L(log_sum_exp[r]), factor = L(scale), rest = L(smoothing / static_cast<T>(classes));
    const T of_label = (T(1) - smoothing) * scale;
    if constexpr (std::is_same_v<X, T>) {
      row.each(classes,
               [&](auto j) VITRAIL_LAMBDA { put<L>(out, j, (exp(get<L>(in, j) - lse) - rest) * factor, adds); });
      if (counts) row.once([&]() VITRAIL_LAMBDA { out[label] -= of_label; });
    } else {  // rounded once: the gradient of a label that is known well is a small difference
      row.each(classes, [&](auto j) VITRAIL_LAMBDA {
        T parts[lanes<L>::width] = {};
        store(parts, L((exp(get<L>(in, j) - lse) - rest) * factor));
        for (std::size_t k = 0; k < elements_of<L>(j); ++k) {
          if (counts && j.at + k == static_cast<std::size_t>(label)) parts[k] -= of_label;
        }
        put<L>(out, j, load<L>(parts), adds);
      });
    }
  }
};
template <class T>
struct SumPairs {
  using value = T;
  static constexpr bool is_minor = true;
  const T* pairs;
  template <class L, class J>
  VITRAIL_FUNCTION void add(std::size_t r, J, L (&sums)[2]) const {
    sums[0] += L(pairs[2 * r]);
    sums[1] += L(pairs[2 * r + 1]);
  }
};
// loss = sum / valid; a batch in which nothing counts has loss 0 (PyTorch: NaN).
template <class T>
struct Quotient {
  using value = T;
  static constexpr bool is_minor = true;
  const T* sums;
  T* to;
  template <class L, class J>
  VITRAIL_FUNCTION void at(J) const {
    *to = sums[1] > T(0) ? sums[0] / sums[1] : T(0);
  }
};

}  // namespace detail

template <class S>
struct CrossEntropyOp {
  using shape = Shape<>;
  static constexpr const char* name = "cross_entropy";
  static constexpr bool across_batch = true;
  static constexpr std::size_t classes = S::last, rows = S::rows;  // of a sample
  const int* labels;
  CrossEntropyOptions options;
  std::size_t stride = 1;  // from a row's label to the next row's

  template <class P>
  static constexpr Facts facts(std::array<bool, 1> tracked) {
    Facts f;
    f.flops = 6 * S::size;
    f.backward_flops = tracked[0] ? 4 * S::size : 0;
    f.saves = 1;
    f.state = {rows, 2};
    f.forward_work = {2 * rows, columns_workspace(1, 2)};
    return f;
  }
  template <class P, unsigned Stored>
  void forward(const Arguments<P, 1, Stored>& a) const {
    using T = typename P::value;
    a.backend->rows(a.count * rows, classes,
                    detail::CrossEntropyForward<T, stored_input<0, decltype(a)>>{
                        classes, input_at<0>(a), labels, a.state.per_sample, a.work.per_sample,
                        static_cast<T>(options.label_smoothing), options.ignore_index, stride});
    a.backend->template columns<2>(a.count * rows, 1, detail::SumPairs<T>{a.work.per_sample},
                                   Columns<T, 2>{{a.state.fixed, a.state.fixed + 1}, {false, false}, a.work.fixed});
    a.backend->elementwise(1, detail::Quotient<T>{a.state.fixed, a.out});
  }
  template <class P, unsigned Stored>
  void backward(const Arguments<P, 1, Stored>& a) const {
    using T = typename P::value;
    if (!a.gradient[0].wanted()) return;
    a.backend->rows(
        a.count * rows, classes,
        detail::CrossEntropyBackward<T, stored_input<0, decltype(a)>>{
            classes, input_at<0>(a), labels, a.state.per_sample, a.state.fixed + 1, a.out_gradient, gradient_at<0>(a),
            a.gradient[0].adds(), static_cast<T>(options.label_smoothing), options.ignore_index, stride});
  }
};

template <std::size_t Rank>
struct error_cross_entropy_logits_are_not_of_rank_1;
template <std::size_t Given, std::size_t Expected>
struct error_cross_entropy_labels_are_not_one_for_each_row_of_logits;
template <class Given>
struct error_cross_entropy_labels_are_not_those_that_the_step_was_given;

namespace detail {
template <class X, class L>
constexpr auto cross_entropy(const X& logits, const L& labels, CrossEntropyOptions options) {
  using S = typename X::shape;
  if constexpr (!is_labels<L>) {
    return refuse<error_cross_entropy_labels_are_not_those_that_the_step_was_given<L>>(logits, labels);
  } else if constexpr (S::rank != 1 && (S::rank != 2 || L::length == 1)) {
    return refuse<error_cross_entropy_logits_are_not_of_rank_1<S::rank>>(logits);
  } else if constexpr (L::length != S::rows) {
    return refuse<error_cross_entropy_labels_are_not_one_for_each_row_of_logits<L::length, S::rows>>(logits);
  } else {
    constexpr std::size_t stride = S::rows == 1 ? L::stride : 1;
    check_labels_of(labels, [ignored = options.ignore_index](const int* all, std::size_t count) {
      check_labels("cross_entropy", all, count, S::last, ignored, stride);
    });
    return apply(CrossEntropyOp<S>{labels.data, options, stride}, logits);
  }
}
}  // namespace detail

// logits [C] per sample and the labels that the step's callable gets -> one number for the batch; [N, C] where a sample
// has N labels, the mean then being over all of them. A label outside [0, C) that is not ignore_index throws
// shape_error.
template <class X, class L>
constexpr auto cross_entropy(X&& logits, const L& labels, CrossEntropyOptions options = {}) {
  return detail::cross_entropy(evaluate(static_cast<X&&>(logits)), labels, options);
}

template <std::size_t I, std::size_t Length>
struct error_label_number_is_not_below_the_labels_of_a_sample;

// Of samples with several labels the I-th of each: `vt::cross_entropy(logits, vt::label<1>(labels))`.
template <std::size_t I, class Context, std::size_t Length>
constexpr auto label(const LabelsVar<Context, Length>& labels) {
  if constexpr (I >= Length) {
    return refuse<error_label_number_is_not_below_the_labels_of_a_sample<I, Length>>(labels.ctx);
  } else {
    return LabelsVar<Context, 1, Length>{labels.ctx, labels.data ? labels.data + I : nullptr,
                                         labels.host ? labels.host + I : nullptr};
  }
}

}  // namespace vitrail::inline VITRAIL_TU
