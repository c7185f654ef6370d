// tuning_methods.hpp - the methods that finetune and merge are compiled with. One of your own is one more line.
#pragma once

#include <string>
#include <vitrail/io/peft.hpp>
#include <vitrail/io/trainable.hpp>
#include <vitrail/tune/tune.hpp>

namespace vt = vitrail;

// A method and what the programs call it.
template <auto Method>
struct Named {
  const char* name;
};

// Lists of methods, of which each base names one (tuning_bases.hpp): every method of every base takes several seconds
// to compile.
struct LeanMethods {
  static void each(const auto& f) { f(Named<vt::lora{.rank = 8, .alpha = 8}>{"lora-8"}); }
};
struct AllMethods {
  static void each(const auto& f) {
    LeanMethods::each(f);
    f(Named<vt::adaptformer{.hidden = 8}>{"adaptformer-8"});
    f(Named<vt::head<>>{"probe"});
    f(Named<vt::train_by<vt::train_all>>{"full"});
  }
};
// "lora-8 probe"
template <class Methods>
std::string names_of() {
  std::string all;
  Methods::each([&](const auto& method) { all += (all.empty() ? "" : " ") + std::string(method.name); });
  return all;
}

// The adapter of any method: a LoRA as peft has it, all others as what trains.
template <auto Method>
inline constexpr bool is_lora = requires {
  Method.rank;
};
template <auto Method, class Model>
void save_tuning(const Model& model, const std::filesystem::path& folder, const std::string& base) {
  if constexpr (is_lora<Method>) {
    vt::save_adapter(model, folder, vt::peft_names::own, base);
  } else {
    std::filesystem::create_directories(folder);
    vt::save_trainable(model, folder / "adapter_model.safetensors", {{"base", base}});
  }
}
template <auto Method, class Model>
void load_tuning(Model& model, const std::filesystem::path& folder) {
  if constexpr (is_lora<Method>) {
    vt::load_adapter(model, folder);
  } else {
    vt::load_trainable(model, folder / "adapter_model.safetensors");
  }
}
