// peft.hpp - the LoRAs and the head of a tuned model as an adapter of Hugging Face's peft: adapter_model.safetensors
// and adapter_config.json in a folder. The base is not in it.
//
// A PiSSA is written as peft converts it, as a LoRA of twice the rank on the original weights: A above A0, B beside
// -B0.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "../backend/values.hpp"
#include "checkpoint.hpp"
#include "peft_config.hpp"
#include "peft_names.hpp"
#include "peft_values.hpp"
#include "tensor_problems.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

struct PeftAdapter {
  PeftConfig config;
  std::vector<PeftTensor> tensors;
};

inline constexpr const char* peft_prefix = "base_model.model.";

template <class Layer>
void describe_lora(const Layer& layer, peft_names names, PeftAdapter& to) {
  std::vector<std::size_t> parts;
  for (std::size_t p = 0; p < layer.where.count; ++p) {
    if (layer.where.has(p)) parts.push_back(p);
  }
  const std::size_t width = layer.out / layer.where.count, selected = parts.size();
  const std::size_t rank = layer.rank * (layer.pissa ? 2 : 1);
  const double times = layer.pissa ? (layer.rank_stabilised ? std::sqrt(2.0) : 2.0) : 1.0;
  const std::string a = layer.path + ".lora_A.weight", b = layer.path + ".lora_B.weight";
  const std::string m = layer.path + ".lora_magnitude_vector";
  const auto add = [&](const std::string& name, std::size_t all_rank, double alpha) {
    to.config.layers.push_back({name, all_rank, alpha});
    return peft_prefix + name;
  };
  const auto add_tensor = [&](PeftTensor tensor) {
    if (layer.pissa) {
      tensor.negative = tensor.parameter == b;
      tensor.start = layer.path + (tensor.negative ? ".lora_B.start" : ".lora_A.start");
      tensor.run = layer.rank * (tensor.negative ? 1 : layer.in);
    }
    to.tensors.push_back(std::move(tensor));
  };
  const std::string whole = peft_name(layer.path, names);
  if (!whole.empty()) {
    if (layer.where.count > 1 && layer.magnitude) {
      throw io_error(layer.path + ": DoRA on a part of a fused layer has no form in timm's names: use transformers'");
    }
    // Matrices of several parts are one of their rank together, of which each part uses its own share.
    const auto more = static_cast<double>(selected);
    const double alpha = layer.alpha * times * (layer.rank_stabilised ? std::sqrt(more) : more);
    const std::string name = add(whole, selected * rank, alpha);
    add_tensor({name + ".lora_A.weight", a, {selected * rank, layer.in}});
    PeftTensor up{name + ".lora_B.weight", b, {layer.out, selected * rank}};
    if (layer.where.count > 1) up.rank = rank, up.width = width, up.parts = parts;
    add_tensor(std::move(up));
    if (layer.magnitude) to.tensors.push_back({name + ".lora_magnitude_vector", m, {layer.out}});
    return;
  }
  for (std::size_t q = 0; q < selected; ++q) {
    const std::string own = peft_name(layer.path + "." + std::to_string(parts[q]), names);
    if (layer.where.count == 1 || own.empty()) {
      throw io_error(layer.path + ": has no counterpart in transformers' ViT, " +
                     "which has queries, keys and values apart (on = vt::sites<vt::site::q, ...>): use timm's names");
    }
    const std::string name = add(own, rank, layer.alpha * times);
    add_tensor({name + ".lora_A.weight", a, {rank, layer.in}, q * rank * layer.in});
    add_tensor({name + ".lora_B.weight", b, {width, rank}, q * width * rank});
    if (layer.magnitude) to.tensors.push_back({name + ".lora_magnitude_vector", m, {width}, q * width});
  }
}

// peft takes every module whose name ends with a target. The last two names are short and say what a layer is
// ("attn.proj"), unless a layer without a LoRA ends so as well.
template <class Model>
void name_targets(const Model& model, peft_names names, PeftConfig& config) {
  std::set<std::string> all;
  for (const auto& module : model.modules()) {
    for (const char* part : {"", ".0", ".1", ".2"}) all.insert(peft_name(module.path + part, names));
  }
  for (const PeftLayer& layer : config.layers) all.erase(layer.name);
  for (const PeftLayer& layer : config.layers) {
    const std::size_t dot = layer.name.rfind('.', layer.name.rfind('.') - 1);
    const std::string end = dot == std::string::npos ? layer.name : layer.name.substr(dot + 1);
    bool is_one = true;
    for (const std::string& other : all) is_one = is_one && other != end && !other.ends_with("." + end);
    config.targets.insert(is_one ? end : layer.name);
  }
}

// All of a model's trainable parameters: the LoRAs', and those that peft keeps whole.
template <class Model>
PeftAdapter describe_adapter(const Model& model, peft_names names) {
  PeftAdapter adapter;
  PeftConfig& config = adapter.config;
  const auto layers = lora_layers(model.net());  // found where the model is
  if (layers.empty()) throw io_error("adapter: the model has no LoRA");
  config.dropout = layers.front().dropout;
  config.rank_stabilised = layers.front().rank_stabilised;
  config.magnitude = layers.front().magnitude;
  for (const auto& layer : layers) {
    if (layer.rank_stabilised != config.rank_stabilised || layer.magnitude != config.magnitude) {
      throw io_error(layer.path + ": one adapter holds LoRAs with the same options, but for rank and alpha");
    }
    describe_lora(layer, names, adapter);
  }
  for (const auto& info : model.trainable().table) {
    const std::size_t dot = info.path.rfind('.');
    const std::string module = info.path.substr(0, dot == std::string::npos ? 0 : dot);
    bool of_lora = false;
    for (const auto& layer : layers) of_lora |= info.path.starts_with(layer.path + ".lora_");
    if (of_lora) continue;
    const std::string name = peft_name(module, names);
    if (name.empty()) throw io_error(info.path + ": has no name in transformers' ViT: use timm's names");
    config.modules_to_save.insert(name);
    adapter.tensors.push_back({peft_prefix + name + info.path.substr(dot), info.path, info.shape});
  }
  name_targets(model, names, config);
  return adapter;
}

inline peft_names names_in(const Safetensors& file) {
  for (const TensorInfo& tensor : file.tensors()) {
    if (tensor.name.starts_with("base_model.model.vit.layers.")) return peft_names::transformers;
    if (tensor.name.starts_with("base_model.model.vit.encoder.layer.")) return peft_names::transformers4;
  }
  return peft_names::own;
}

}  // namespace detail

// Writes the adapter into a folder, which is made if it is not there. For peft on a timm model as it is; peft on
// transformers' ViT needs its names. `base` is noted as base_model_name_or_path. Throws io_error.
template <class Model>
void save_adapter(const Model& model, const std::filesystem::path& folder, peft_names names = peft_names::own,
                  const std::string& base = {}) {
  using T = typename Model::value;
  detail::PeftAdapter adapter = detail::describe_adapter(model, names);
  adapter.config.base = base;
  std::vector<TensorToWrite> tensors;
  detail::HostCopies<typename Model::Memory, T> copies;
  std::vector<std::vector<T>> arranged;  // those that the model has in another layout
  arranged.reserve(2 * adapter.tensors.size());
  for (const detail::PeftTensor& tensor : adapter.tensors) {
    const detail::ModelValues<T> own = detail::values_of<T>(model, tensor);
    const T *parameter = copies.of(own.parameter, own.size),
            *start = own.start ? copies.of(own.start, own.size) : nullptr;
    const T* values = parameter + tensor.first;
    if (start) values = arranged.emplace_back(join_start(tensor, parameter, start, own.size)).data() + tensor.first;
    if (!tensor.parts.empty()) {
      const std::size_t size = tensor.parts.size() * tensor.width * tensor.rank;
      values = arranged.emplace_back(spread_parts(tensor, std::vector<T>(values, values + size))).data();
    }
    tensors.push_back({tensor.name, dtype_of<T>, tensor.shape, values});
  }
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) throw io_error(folder.string() + ": cannot be made: " + failed.message());
  write_safetensors(folder / "adapter_model.safetensors", tensors, {{"format", "pt"}});
  detail::write_peft_config(folder / "adapter_config.json", adapter.config);
}

// Fills the LoRAs and the other trainable parameters of a tuned model from an adapter, of either names: those in its
// file say which. Rank, scale and targets must be the model's own. All is checked first: when it throws io_error, which
// names file, expected and found, the model is as it was.
template <class Model>
void load_adapter(Model& model, const std::filesystem::path& folder) {
  using T = typename Model::value;
  const detail::PeftConfigFile config(folder / "adapter_config.json");
  const Safetensors file = Safetensors::open(folder / "adapter_model.safetensors");
  const detail::PeftAdapter adapter = detail::describe_adapter(model, detail::names_in(file));
  const std::string differences = config.problems(adapter.config);
  if (!differences.empty()) throw io_error(config.name() + ": the adapter is of another tuning:" + differences);
  std::vector<detail::ExpectedTensor> expected;
  expected.reserve(adapter.tensors.size());
  for (const auto& tensor : adapter.tensors) expected.push_back({tensor.name, tensor.shape});
  const std::string problems =
      detail::tensor_problems(file, expected, "parameter of the tuned model", [](std::string_view) { return false; });
  if (!problems.empty()) throw io_error(file.name() + ": the adapter does not fit the model:" + problems);
  const detail::AdapterValues<T> values = detail::read_adapter<T>(model, file, adapter.tensors);
  detail::check_starts(model, file.name(), values);
  model.assign_trainable([&](const auto& info, T* to) {
    const auto found = values.find(info.path);
    std::copy(found->second.begin(), found->second.end(), to);
  });
  if (model.statistics().size() == 0) return;
  auto statistics = detail::host_copy(model.statistics().values);
  for (const auto& info : model.statistics().table) {
    if (const auto found = values.find(info.path); found != values.end())
      std::copy(found->second.begin(), found->second.end(), statistics.data() + info.offset);
  }
  model.set_statistics(statistics.data());
}

}  // namespace vitrail::inline VITRAIL_TU
