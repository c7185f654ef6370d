// tuning_bases.hpp - the bases that finetune and merge know, and the methods that each is compiled with. Heads have
// room for so many classes; a class that the data does not have is never right.
#pragma once

#include <string>
#include <vitrail/io/checkpoint.hpp>

#include "train_vit/checkpoint.hpp"
#include "train_vit/models.hpp"
#include "tuning_methods.hpp"

struct SmallGrey {
  using net = vitrail::ViT<gray_28, 10>;
  using methods = LeanMethods;
  static constexpr const char* name = "train_vit, grey images";
  static vitrail::Preprocess preprocess(const std::string& file) {
    return train_vit_preprocess(vitrail::Safetensors::open(file), gray_28.image);
  }
};
struct SmallColour {
  using net = vitrail::ViT<colour_32, 10>;
  using methods = AllMethods;
  static constexpr const char* name = "train_vit, coloured images";
  static vitrail::Preprocess preprocess(const std::string& file) {
    return train_vit_preprocess(vitrail::Safetensors::open(file), colour_32.image);
  }
};
struct Tiny224 {
  using net = vitrail::ViT<vitrail::vit_tiny_patch16_224, 100>;
  using methods = LeanMethods;
  static constexpr const char* name = "vit_tiny_patch16_224";
  static vitrail::Preprocess preprocess(const std::string&) { return vitrail::preprocess_of<net>; }
};
