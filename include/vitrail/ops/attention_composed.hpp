// attention_composed.hpp - attention from products and row programs, for a backend that has no fused one.
//
// Windows are copied together first, so that each is a sample for itself.
#pragma once

#include <array>
#include <cstddef>

#include "../backend/attention.hpp"
#include "../backend/backend.hpp"
#include "../backend/lane_math.hpp"
#include "copy.hpp"
#include "softmax.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

template <class B, class T>
concept FusedAttention = requires(const B& b, const kernels::Attention<T>& forward,
                                  const kernels::AttentionGradient<T>& backward) {
  b.attention_forward(forward);
  b.attention_backward(backward);
};

// Values of AttentionGradient::bias_work.
template <class B>
constexpr std::size_t bias_workspace(std::size_t heads, std::size_t queries, std::size_t keys) {
  if constexpr (requires { B::attention_bias_workspace(heads, queries, keys); }) {
    return B::attention_bias_workspace(heads, queries, keys);
  } else {
    return kernels::attention_bias_workspace(heads, queries, keys);
  }
}

// One product for each head, over the whole batch: a (of the heads at `from`) times b, as the strides say.
template <class T>
struct HeadMatrix {
  const T* data;
  std::ptrdiff_t row, column, head, batch;
  constexpr HeadMatrix transposed() const { return {data, column, row, head, batch}; }
};
template <class T, class Element>
constexpr HeadMatrix<T> matrix_of(const kernels::Heads<Element>& h) {
  return {h.data, h.row, 1, h.head, h.batch};
}
template <class B, class T>
void head_products(const B& backend, std::size_t batch, std::size_t heads, std::array<std::size_t, 3> mnk,
                   const HeadMatrix<T>& a, const HeadMatrix<T>& b, const kernels::Heads<T>& c, bool accumulate,
                   T scale = 1) {
  for (std::size_t h = 0; h < heads; ++h) {
    const auto head = static_cast<std::ptrdiff_t>(h);
    Product<T> p;
    p.m = mnk[0], p.n = mnk[1], p.k = mnk[2], p.count = batch, p.scale = scale;
    p.a = a.data + head * a.head, p.a_row = a.row, p.a_column = a.column, p.a_batch = a.batch;
    p.b = b.data + head * b.head, p.b_row = b.row, p.b_column = b.column, p.b_batch = b.batch;
    p.c = c.data + head * c.head, p.c_row = c.row, p.c_batch = c.batch;
    p.accumulate = accumulate;
    backend.product(p);
  }
}

// Rows [groups, heads, queries] of scores [.., keys] with what is added to each.
template <class T>
struct AttentionScores {
  std::size_t heads, queries, keys;
  T* s;
  T scale;
  const T *bias, *masks;
  kernels::Attention<T> a;  // which mask a group takes

  const T* bias_of(std::size_t r) const { return bias ? bias + r % (heads * queries) * keys : nullptr; }
  const T* mask_of(std::size_t r) const {
    // NOLINTNEXTLINE(clang-analyzer-core.DivideZero): without heads or queries there is no row
    const std::size_t table = masks ? a.mask_of(r / (heads * queries)) : a.no_mask;
    return table == a.no_mask ? nullptr : masks + (table * queries + r % queries) * keys;
  }
  template <class L, class J>
  static VITRAIL_FUNCTION L score(const T* row, const T* bias, const T* mask, T scale, J j) {
    L x = get<L>(row, j) * L(scale);
    if (bias) x += get<L>(bias, j);
    if (mask) x += get<L>(mask, j);
    return x;
  }
};
// s becomes its softmax, in place. A row that sees nothing is zero, with a log-sum-exp of infinity.
template <class T>
struct AttentionSoftmax {
  using value = T;
  AttentionScores<T> scores;
  T* log_sum_exp;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const std::size_t width = scores.keys;
    const T *bias = scores.bias_of(r), *mask = scores.mask_of(r), scale = scores.scale;
    T* s = scores.s + r * width;
    row.each(width, [&](auto j) VITRAIL_LAMBDA {
      put<L>(s, j, AttentionScores<T>::template score<L>(s, bias, mask, scale, j));
    });
    const T lowest = -std::numeric_limits<T>::max();
    const T found = row.max(width, [&](auto j) VITRAIL_LAMBDA { return get<L>(s, j); });
    const T top = found < lowest ? lowest : found;
    row.each(width, [&](auto j) VITRAIL_LAMBDA { put<L>(s, j, exp(get<L>(s, j) - L(top))); });
    const T sum = row.sum(width, [&](auto j) VITRAIL_LAMBDA { return get<L>(s, j); });
    const L inverse = L(sum > T(0) ? T(1) / sum : T(0));
    row.each(width, [&](auto j) VITRAIL_LAMBDA { put<L>(s, j, get<L>(s, j) * inverse); });
    if (log_sum_exp) log_sum_exp[r] = sum > T(0) ? top + vitrail::log(sum) : std::numeric_limits<T>::infinity();
  }
};
// The probabilities again from what forward kept, in place.
template <class T>
struct AttentionProbabilities {
  using value = T;
  AttentionScores<T> scores;
  const T* log_sum_exp;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const T *bias = scores.bias_of(r), *mask = scores.mask_of(r), scale = scores.scale, shift = log_sum_exp[r];
    T* p = scores.s + r * scores.keys;
    row.each(scores.keys, [&](auto j) VITRAIL_LAMBDA {
      put<L>(p, j, exp(AttentionScores<T>::template score<L>(p, bias, mask, scale, j) - L(shift)));
    });
  }
};

// A program row is token i of window w of a sample: from the map to windows that lie one after the other, of
// window_tokens rows each, or back.
template <class T>
struct MoveWindowRows {
  using value = T;
  static constexpr bool is_minor = true;
  Windows windows;
  std::size_t width, window_tokens;
  std::ptrdiff_t map_row, map_batch;
  const T* from;
  T* to;
  bool to_map, adds;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const std::size_t tokens = windows.tokens(), group = r / tokens, count = windows.count();
    const auto token = static_cast<std::ptrdiff_t>(windows.token(group % count, r % tokens));
    const std::ptrdiff_t in_map = static_cast<std::ptrdiff_t>(group / count) * map_batch + token * map_row,
                         in_window = static_cast<std::ptrdiff_t>((group * window_tokens + r % tokens) * width);
    const T* source = from + (to_map ? in_window : in_map);
    T* target = to + (to_map ? in_map : in_window);
    row.each(width, [&](auto j) VITRAIL_LAMBDA { put<L>(target, j, get<L>(source, j), adds); });
  }
};

// A program row is extra key i of a group. Groups of the source that are not apart are `shared` by neighbours.
template <class T>
struct MoveExtraRows {
  using value = T;
  static constexpr bool is_minor = true;
  std::size_t extra, width, shared;
  std::ptrdiff_t from_row, from_group, to_row, to_group;
  const T* from;
  T* to;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const auto group = static_cast<std::ptrdiff_t>(r / extra), source = static_cast<std::ptrdiff_t>(r / extra / shared),
               i = static_cast<std::ptrdiff_t>(r % extra);
    const T* in = from + source * from_group + i * from_row;
    T* out = to + group * to_group + i * to_row;
    row.each(width, [&](auto j) VITRAIL_LAMBDA { put<L>(out, j, get<L>(in, j)); });
  }
};
// The gradients of extra keys and values, [groups, extra, 2 C], summed over the groups that share them: to the last
// columns of [.., extra, 3 C], of which the first, queries that nobody asks, become zero. A program row is one of
// these.
template <class T>
struct SumExtraRows {
  using value = T;
  static constexpr bool is_minor = true;
  static constexpr std::size_t chunk = 64;  // partial sums, for accuracy
  std::size_t extra, C, groups;
  const T* from;
  T* to;
  bool adds;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const std::size_t first = r / extra * groups, width = 2 * C;
    T* out = to + r * 3 * C;
    if (!adds) row.each(C, [&](auto j) VITRAIL_LAMBDA { put<L>(out, j, L(T(0))); });
    row.each(width, [&](auto j) VITRAIL_LAMBDA {
      L sum = L(T(0));
      for (std::size_t begin = 0; begin < groups; begin += chunk) {
        const std::size_t end = begin + chunk < groups ? begin + chunk : groups;
        L part = L(T(0));
        for (std::size_t g = begin; g < end; ++g) {
          part = part + get<L>(from + ((first + g) * extra + r % extra) * width, j);
        }
        sum = sum + part;
      }
      put<L>(out + C, j, sum, adds);
    });
  }
};

// Where an attention's working memory goes, in values: `per_sample` ones, and the fixed ones of masks and of the sums
// of a bias gradient. Sizes of one: scores, and a matrix copied out of windows, of queries (`copy`) or of keys.
struct AttentionWork {
  std::size_t scores, copy, keys, masks, bias;

  template <class T>
  static constexpr AttentionWork of(const kernels::Attention<T>& a) {
    return {a.windows.count() * a.heads * a.queries * a.keys,
            a.windows ? a.windows.count() * a.queries * a.heads * a.channels : 0,
            a.windows ? a.windows.count() * a.keys * a.heads * a.channels : 0, a.mask_tables() * a.queries * a.keys,
            kernels::attention_bias_workspace(a.heads, a.queries, a.keys)};
  }
  constexpr std::size_t forward() const { return scores + 2 * copy + 2 * keys; }
  constexpr std::size_t backward() const { return 2 * scores + 3 * copy + 4 * keys; }
};

template <class B, class T>
class ComposedAttention {
 public:
  // `per_sample` and `fixed` are the working memory that AttentionWork counts.
  ComposedAttention(const B& backend, const kernels::Attention<T>& a, T* per_sample, T* fixed)
      : backend_(backend), a_(a), work_(AttentionWork::of(a)), free_(per_sample), fixed_(fixed) {}

  void forward() {
    const kernels::Heads<T> scores = take_scores();
    const auto q = read(a_.q), k = read_keys(a_.k, a_.extra_k), v = read_keys(a_.v, a_.extra_v);
    const kernels::Heads<T> out = a_.windows ? copied(take(work_.copy), a_.queries) : a_.out;
    fill_masks();
    products({a_.queries, a_.keys, a_.channels}, q, k.transposed(), scores, false);
    backend_.rows(rows(), a_.keys, AttentionSoftmax<T>{added(scores.data), a_.log_sum_exp});
    products({a_.queries, a_.channels, a_.keys}, matrix_of<T>(scores), v, out, false);
    written(out, a_.out, a_.queries, false);
  }
  void backward(const kernels::AttentionGradient<T>& g) {
    const kernels::Heads<T> scores = take_scores(), gradients = take_scores();
    const auto q = read(a_.q), k = read_keys(a_.k, a_.extra_k), v = read_keys(a_.v, a_.extra_v),
               up = read(g.out_gradient);
    const HeadMatrix<T> p = matrix_of<T>(scores), ds = matrix_of<T>(gradients);
    fill_masks();
    products({a_.queries, a_.keys, a_.channels}, q, k.transposed(), scores, false);
    backend_.rows(rows(), a_.keys, AttentionProbabilities<T>{added(scores.data), a_.log_sum_exp});
    products({a_.queries, a_.keys, a_.channels}, up, v.transposed(), gradients, false);
    backend_.rows(rows(), a_.keys, SoftmaxBackward<T>{a_.keys, scores.data, gradients.data, gradients.data, false});
    if (g.bias) {
      const std::size_t size = a_.heads * a_.queries * a_.keys;
      backend_.template columns<1>(a_.groups(), size, SumRows<T>{gradients.data, size},
                                   Columns<T, 1>{{g.bias}, {g.add_bias}, g.bias_work});
    }
    gradient({a_.queries, a_.channels, a_.keys}, ds, k, g.q, {}, g.add_q, a_.scale);
    gradient({a_.keys, a_.channels, a_.queries}, ds.transposed(), q, g.k, g.extra_k, g.add_k, a_.scale);
    gradient({a_.keys, a_.channels, a_.queries}, p.transposed(), up, g.v, g.extra_v, g.add_v, T(1));
  }

 private:
  std::size_t rows() const { return a_.groups() * a_.heads * a_.queries; }
  T* take(std::size_t per_sample) {
    T* at = free_;
    free_ += a_.batch * per_sample;
    return at;
  }
  kernels::Heads<T> take_scores() {
    const auto row = static_cast<std::ptrdiff_t>(a_.keys), head = static_cast<std::ptrdiff_t>(a_.queries) * row;
    return {take(work_.scores), row, head, static_cast<std::ptrdiff_t>(a_.heads) * head};
  }
  // The rows of all heads, window after window, of so many tokens each.
  kernels::Heads<T> copied(T* at, std::size_t tokens) const {
    const auto channels = static_cast<std::ptrdiff_t>(a_.channels),
               row = static_cast<std::ptrdiff_t>(a_.heads) * channels;
    return {at, row, channels, static_cast<std::ptrdiff_t>(tokens) * row};
  }
  template <class Element>
  void move(const kernels::Heads<Element>& map, std::size_t tokens, const T* from, T* to, bool to_map,
            bool adds) const {
    const std::size_t width = a_.heads * a_.channels;
    backend_.rows(a_.groups() * a_.queries, width,
                  MoveWindowRows<T>{a_.windows, width, tokens, map.row, map.batch, from, to, to_map, adds});
  }
  void move_extra(const T* from, std::ptrdiff_t from_row, std::ptrdiff_t from_group, std::size_t shared, T* to,
                  std::ptrdiff_t to_row, std::ptrdiff_t to_group) const {
    const std::size_t width = a_.heads * a_.channels;
    backend_.rows(a_.groups() * a_.extra, width,
                  MoveExtraRows<T>{a_.extra, width, shared, from_row, from_group, to_row, to_group, from, to});
  }
  HeadMatrix<T> read(const kernels::Heads<const T>& from) {
    if (!a_.windows) return matrix_of<T>(from);
    const kernels::Heads<T> copy = copied(take(work_.copy), a_.queries);
    move(from, a_.queries, from.data, copy.data, false, false);
    return matrix_of<T>(copy);
  }
  HeadMatrix<T> read_keys(const kernels::Heads<const T>& from, const kernels::Heads<const T>& extra) {
    if (!a_.windows) return matrix_of<T>(from);
    const kernels::Heads<T> copy = copied(take(work_.keys), a_.keys);
    move(from, a_.keys, from.data, copy.data, false, false);
    if (a_.extra) {
      move_extra(extra.data, extra.row, extra.batch, a_.windows.count(), copy.data + first_extra(copy), copy.row,
                 copy.batch);
    }
    return matrix_of<T>(copy);
  }
  std::ptrdiff_t first_extra(const kernels::Heads<T>& copy) const {
    return static_cast<std::ptrdiff_t>(a_.keys - a_.extra) * copy.row;
  }
  void written(const kernels::Heads<T>& from, const kernels::Heads<T>& to, std::size_t tokens, bool adds) const {
    if (a_.windows) move(to, tokens, from.data, to.data, true, adds);
  }
  void fill_masks() const {
    if (a_.masks()) backend_.rows(a_.mask_tables() * a_.queries, a_.keys, kernels::mask_tables(a_, fixed_));
  }
  AttentionScores<T> added(T* scores) const {
    return {a_.heads, a_.queries, a_.keys, scores, a_.scale, a_.bias, a_.masks() ? fixed_ : nullptr, a_};
  }
  void products(std::array<std::size_t, 3> mnk, const HeadMatrix<T>& x, const HeadMatrix<T>& y,
                const kernels::Heads<T>& to, bool add, T scale = 1) const {
    head_products(backend_, a_.groups(), a_.heads, mnk, x, y, to, add, scale);
  }
  void gradient(std::array<std::size_t, 3> mnk, const HeadMatrix<T>& x, const HeadMatrix<T>& y,
                const kernels::Heads<T>& to, const kernels::Heads<T>& extra, bool add, T scale) {
    if (!to.data && !extra.data) return;
    const std::size_t tokens = mnk[0];
    const kernels::Heads<T> at = a_.windows ? copied(take(tokens == a_.queries ? work_.copy : work_.keys), tokens) : to;
    products(mnk, x, y, at, add && !a_.windows, scale);
    if (to.data) written(at, to, tokens, add);
    if (extra.data) move_extra(at.data + first_extra(at), at.row, at.batch, 1, extra.data, extra.row, extra.batch);
  }

  const B& backend_;
  kernels::Attention<T> a_;
  AttentionWork work_;
  T *free_, *fixed_;
};

// Whether a backend's fused attention knows keys that are no tokens of the map (kernels::Attention::extra): it says so.
template <class B>
constexpr bool fused_takes_extra_keys() {
  if constexpr (requires { B::attention_takes_extra_keys; }) {
    return B::attention_takes_extra_keys;
  } else {
    return false;
  }
}

}  // namespace vitrail::inline VITRAIL_TU::detail
