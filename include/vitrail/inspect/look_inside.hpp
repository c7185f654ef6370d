// look_inside.hpp - what a model does with an image: the tokens after every block, and where every attention looks.
#pragma once

#include <cctype>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../autodiff/predict.hpp"
#include "../tensor/tensor.hpp"
#include "looking.hpp"

namespace vitrail::inline VITRAIL_TU {

// Values of every image, copied out of the model to the host.
template <class T>
struct Seen {
  std::string path;                // of the module: "blocks.3"
  std::vector<std::size_t> shape;  // of one image: [tokens, dim], or [heads, queries, keys]
  std::vector<T> values;           // image by image

  std::size_t size() const {
    std::size_t product = 1;
    for (const std::size_t extent : shape) product *= extent;
    return product;
  }
  // Those of image b. Throws shape_error if there is none.
  std::span<const T> of(std::size_t b) const {
    if ((b + 1) * size() > values.size()) {
      throw shape_error("look_inside: there is no image " + std::to_string(b) + " at " + path);
    }
    return {values.data() + b * size(), size()};
  }
  // As many indices as the shape has axes; one beyond its axis throws shape_error.
  template <class... Index>
  T at(std::size_t b, Index... index) const {
    const std::size_t indices[] = {static_cast<std::size_t>(index)...};
    if (sizeof...(Index) != shape.size()) throw shape_error("look_inside: " + path + " has other axes");
    std::size_t offset = 0;
    for (std::size_t i = 0; i < sizeof...(Index); ++i) {
      if (indices[i] >= shape[i]) throw shape_error("look_inside: an index of " + path + " is not below its axis");
      offset = offset * shape[i] + indices[i];
    }
    return of(b)[offset];
  }
};

template <class T>
struct Inside {
  std::vector<Seen<T>> hidden;     // what each block returns, in their order: [tokens, dim]
  std::vector<Seen<T>> attention;  // the probabilities of each attention, in their order: [heads, queries, keys]
  Seen<T> result;                  // of the model
};

namespace detail {

// "blocks.3" is a block, "blocks.3.attn" is not.
inline bool is_numbered(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('.') + 1);
  for (const char c : name) {
    if (!std::isdigit(static_cast<unsigned char>(c))) return false;
  }
  return !name.empty();
}
inline std::string path_of_call(const Scopes& scopes, int call, const std::vector<NamedModule>& modules) {
  Scopes one;
  one.calls = scopes.calls;
  one.of_operation = {call};
  return one.paths(modules)[0];
}

}  // namespace detail

// Runs f(net, x) on the images, nothing dropped. f: by default the model itself. A block is a module that stands under
// a number and has no such ones inside. All tokens are computed, also by a last block that otherwise computes the class
// token alone. Images may be in the host's memory or in the model's. Memory: all values of the whole forward at once.
// An empty batch throws shape_error.
//   auto seen = vt::look_inside(model, images);
//   seen.hidden[3].of(0);  seen.attention[3].at(0, head, query, key);  vt::rollout(seen);
template <class Model, class F = detail::CallModel>
Inside<typename Model::value> look_inside(
    const Model& model, const BatchView<typename Model::module::input, const typename Model::value>& images,
    const F& f = {}) {
  using T = typename Model::value;
  detail::check_counts("look_inside", images.count(), images.count());
  detail::use_device(model.backend());
  Looking<typename Model::policy> looking(model.backend(), images.count());
  const auto y = evaluate(f(model.net(), looking.template input<typename Model::module::input>(images.data())));
  const auto named = [&](const Sighting<T>& s) {
    return Seen<T>{detail::path_of_call(*looking.scopes, s.call, model.modules()), s.shape, s.values};
  };
  Inside<T> inside;
  for (const auto& s : looking.attentions()) inside.attention.push_back(named(s));
  for (const auto& s : looking.outputs()) {  // what is inside comes before what it is inside of
    Seen<T> seen = named(s);
    if (!detail::is_numbered(seen.path)) continue;
    if (!inside.hidden.empty() && inside.hidden.back().path.starts_with(seen.path + ".")) continue;
    inside.hidden.push_back(std::move(seen));
  }
  inside.result = named(looking.sighting_of(y));
  return inside;
}
template <class Model, StepBatchFor<typename Model::policy> Q, class F = detail::CallModel>
auto look_inside(const Model& model, const Batch<typename Model::module::input, Q>& images, const F& f = {}) {
  return look_inside(model, images.view(), f);
}
template <class Model, StepBatchFor<typename Model::policy> Q, class F = detail::CallModel>
auto look_inside(const Model& model, const Tensor<typename Model::module::input, Q>& image, const F& f = {}) {
  return look_inside(model, BatchView<typename Model::module::input, const typename Model::value>(image.data(), 1), f);
}

}  // namespace vitrail::inline VITRAIL_TU
