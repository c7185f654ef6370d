// main.cpp - a base and an adapter become one plain checkpoint with the same logits:
// merge --base train_vit.safetensors --adapter adapters/lora-8 --out merged.safetensors
#include <CLI/CLI.hpp>
#include <exception>

#include "known_merges.hpp"

int main(int argc, char** argv) {
  Options o;
  std::vector<std::string> models;
  for (const auto& [name, merge] : known_merges()) models.push_back(name);
  CLI::App app("Merges an adapter into its base.");
  app.add_option("--model", o.model, "what the base is: train_vit, or timm's name")
      ->capture_default_str()
      ->check(CLI::IsMember(models));
  app.add_option("--base", o.base, "safetensors file")->required()->check(CLI::ExistingFile);
  app.add_option("--adapter", o.adapter, "folder that finetune or peft has written")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("--out", o.out, "safetensors file, written whole or not at all")->required();
  CLI11_PARSE(app, argc, argv);
  try {
    known_merges().at(o.model)(o);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "merge: %s\n", e.what());
    return 1;
  }
}
