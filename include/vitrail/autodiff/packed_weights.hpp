// packed_weights.hpp - a model's weights in the layout of the product kernel, kept by who runs inference with it.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "../backend/values.hpp"
#include "meta.hpp"
#include "stored.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

// The weights of the products in the kernel's own layout, so that inference does not pack them anew in every call.
// Packed when an operation asks first, and again when the model's values have changed. A weight [out, ...] is packed as
// [out, in] with in = all further axes: that is what linear (two axes only) and patch_embedding multiply by.
template <class Model>
class PackedWeights {
 public:
  using value = typename Model::value;
  using Backend = typename Model::Backend;

  // A weight that was given another shape (vt::reshape) is another matrix unless it has as many rows.
  static const value* find(void* self, const value* weight, std::size_t rows) {
    auto& all = *static_cast<PackedWeights*>(self);
    const auto found = all.packed_.find(weight);
    if (found == all.packed_.end() || found->second.out != rows) return nullptr;
    if (found->second.version != all.version_) all.pack(weight, found->second);
    return found->second.values.data();
  }
  void update(const Model& model) {
    if (backend_ && version_ == model.version()) return;
    backend_ = &model.backend();
    version_ = model.version();
    std::unordered_map<const value*, Packed> now;  // frozen values may lie elsewhere
    model.each_parameter([&](const auto& info, const value* values, bool) {
      if (!is_weight(info)) return;
      const std::size_t out = info.shape[0], in = info.size / out;
      const auto before = packed_.find(values);
      const bool known = before != packed_.end() && before->second.out == out && before->second.in == in;
      now.emplace(values, known ? std::move(before->second) : Packed{out, in});
    });
    packed_ = std::move(now);
    if constexpr (!is_host<Backend>) {  // a recorded inference does not ask for them
      for (auto& [weight, packed] : packed_) {
        if (packed.values.size()) pack(weight, packed);
      }
    }
  }
  // Packs the weights that are read in this layout only, one after the other, and discards the model's own values of
  // them: no more than one weight is there twice.
  void consume(Model& model, const std::vector<ParameterRead>& reads) {
    backend_ = &model.backend();
    version_ = model.version();
    model.discard([&](const auto& info, const value* values) {
      std::size_t packed = 0, others = 0;
      for (const ParameterRead& read : reads) {
        if (read.values == values) ++(read.rows == info.shape[0] ? packed : others);
      }
      if (packed == 0 || others > 0 || !is_weight(info)) return false;
      pack(values, packed_.emplace(values, Packed{info.shape[0], info.size / info.shape[0]}).first->second);
      return true;
    });
  }

 private:
  struct Packed {
    std::size_t out = 0, in = 0;
    std::uint64_t version = static_cast<std::uint64_t>(-1);  // of the model, when it was packed
    Buffer<value, typename Backend::memory> values = {};
  };
  // Of a product.
  template <class Info>
  static bool is_weight(const Info& info) {
    return info.shape.size() > 1 && info.shape[0] != 1;
  }
  void pack(const value* weight, Packed& packed) const {
    if (!packed.values.size()) {
      packed.values = Buffer<value, typename Backend::memory>(backend_->packed_size(packed.out, packed.in));
    }
    backend_->pack(packed.out, packed.in, weight, packed.values.data());
    packed.version = version_;
  }
  std::unordered_map<const value*, Packed> packed_;
  const Backend* backend_ = nullptr;
  std::uint64_t version_ = 0;
};
// Where the host's products have such a layout, or a device's policy has them read bf16.
template <class Model>
concept PacksWeights = (is_host<typename Model::Backend> || is_mixed<typename Model::policy>)&&requires(
    const typename Model::Backend& b, const typename Model::value* from, typename Model::value* to, std::size_t n) {
  { b.packed_size(n, n) } -> std::convertible_to<std::size_t>;
  b.pack(n, n, from, to);
};

}  // namespace vitrail::inline VITRAIL_TU::detail
