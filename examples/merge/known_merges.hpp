// known_merges.hpp - what the units of merge share: the list of the bases that the program knows.
#pragma once

#include <functional>
#include <map>
#include <string>

struct Options {
  std::string model = "train_vit", base, adapter, out;
};

using Merge = std::function<void(const Options&)>;
// By the name of the base. A unit adds its own before main starts.
inline std::map<std::string, Merge>& known_merges() {
  static std::map<std::string, Merge> merges;
  return merges;
}
