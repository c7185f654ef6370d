// peft_config.hpp - adapter_config.json: what peft notes of a LoRA beside its matrices.
#pragma once

#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "../error.hpp"
#include "atomic_file.hpp"
#include "spelled.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

// A linear layer of the file with its LoRA.
struct PeftLayer {
  std::string name;  // "vit.layers.0.attention.q_proj"
  std::size_t rank = 0;
  double alpha = 0;
  friend bool operator==(const PeftLayer&, const PeftLayer&) = default;
};
struct PeftConfig {
  std::vector<PeftLayer> layers;
  double dropout = 0;
  bool rank_stabilised = false, magnitude = false;
  std::set<std::string> targets, modules_to_save;
  std::string base;
};

inline void write_peft_config(const std::filesystem::path& path, const PeftConfig& config) {
  const PeftLayer& first = config.layers.front();
  nlohmann::ordered_json json;
  json["peft_type"] = "LORA";
  json["task_type"] = nullptr;
  json["base_model_name_or_path"] = nullptr;
  if (!config.base.empty()) json["base_model_name_or_path"] = config.base;
  json["r"] = first.rank;
  json["lora_alpha"] = first.alpha;
  json["lora_dropout"] = config.dropout;
  json["target_modules"] = config.targets;
  json["modules_to_save"] = config.modules_to_save;
  json["use_rslora"] = config.rank_stabilised;
  json["use_dora"] = config.magnitude;
  json["bias"] = "none";
  json["fan_in_fan_out"] = false;
  json["init_lora_weights"] = true;
  json["inference_mode"] = true;
  json["rank_pattern"] = json["alpha_pattern"] = nlohmann::ordered_json::object();
  for (const PeftLayer& layer : config.layers) {
    if (layer.rank != first.rank) json["rank_pattern"][layer.name] = layer.rank;
    if (layer.alpha != first.alpha) json["alpha_pattern"][layer.name] = layer.alpha;
  }
  const std::string text = json.dump(2) + "\n";
  AtomicFile<> file(path);
  file.write(std::as_bytes(std::span(text)));
  file.commit();
}

// Reads such a file; fields that it does not know are left alone, as peft adds some in every version. Throws io_error
// that names the file and the field.
class PeftConfigFile {
 public:
  explicit PeftConfigFile(const std::filesystem::path& path) : name_(path.string()) {
    std::ifstream stream(path);
    if (!stream) throw io_error(name_ + ": cannot be opened");
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    json_ = nlohmann::json::parse(text, nullptr, false);
    if (!json_.is_object()) throw io_error(name_ + ": expected a JSON object, found " + spelled(text, 40));
  }

  // A line for each thing in which the file is not what is expected.
  std::string problems(const PeftConfig& expected) const {
    std::string text;
    const auto differs = [&](const std::string& what, const std::string& wanted, const std::string& found) {
      text += "\n  " + what + ": expected " + wanted + ", found " + found;
    };
    if (get("peft_type", std::string()) != "LORA") differs("peft_type", "LORA", get("peft_type", std::string("none")));
    const auto flag = [&](const char* field, bool wanted) {
      if (get(field, false) != wanted) differs(field, wanted ? "true" : "false", wanted ? "false" : "true");
    };
    flag("use_dora", expected.magnitude);
    for (const char* field : {"fan_in_fan_out", "lora_bias", "use_qalora"}) flag(field, false);
    const bool stabilised = get("use_rslora", false);
    const auto scale = [](double alpha, double rank, bool root) { return alpha / (root ? std::sqrt(rank) : rank); };
    for (const PeftLayer& layer : expected.layers) {
      const double rank = of_layer("r", "rank_pattern", layer.name, 8);
      const double alpha = of_layer("lora_alpha", "alpha_pattern", layer.name, 8);
      if (rank != static_cast<double>(layer.rank)) {
        differs("r of " + layer.name, std::to_string(layer.rank), number(rank));
      } else if (const double wanted = scale(layer.alpha, rank, expected.rank_stabilised),
                 found = scale(alpha, rank, stabilised);
                 std::abs(found - wanted) > 1e-6 * std::abs(wanted)) {
        differs("lora_alpha of " + layer.name, number(layer.alpha) + " (a scale of " + number(wanted) + ")",
                number(alpha) + " (" + number(found) + ")");
      }
    }
    return text;
  }
  const std::string& name() const { return name_; }

 private:
  template <class V>
  V get(const char* field, const V& otherwise) const {
    const auto found = json_.find(field);
    if (found == json_.end() || found->is_null()) return otherwise;
    try {
      return found->get<V>();
    } catch (const nlohmann::json::exception&) {
      throw io_error(name_ + ": " + field + ": expected another type, found " + spelled(found->dump(), 40));
    }
  }
  // The first pattern that the layer's name ends with (from a dot on) decides, as in peft.
  double of_layer(const char* field, const char* patterns, const std::string& layer, double otherwise) const {
    for (const auto& [pattern, value] : get(patterns, std::map<std::string, double>())) {
      try {
        if (std::regex_match(layer, std::regex("(.*\\.)?(" + pattern + ")"))) return value;
      } catch (const std::regex_error&) {
        throw io_error(name_ + ": " + patterns + ": expected a regular expression, found " + spelled(pattern, 80));
      }
    }
    return get(field, otherwise);
  }
  static std::string number(double value) {
    std::string text = std::to_string(value);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text;
  }

  std::string name_;
  nlohmann::json json_;
};

}  // namespace vitrail::inline VITRAIL_TU::detail
