// key_map.cpp - for every family and library, the tensors of a file are exactly the parameters of timm's model;
// fixtures/make_keys.py read the names off the released packages.
#include "vitrail/io/key_map.hpp"

#include <fstream>
#include <map>
#include <sstream>

#include "catch.hpp"

namespace vt = vitrail;

namespace {

using Shape = std::vector<std::size_t>;
using Tensors = std::map<std::string, Shape>;

// Of keys.txt, by "family library".
std::map<std::string, Tensors> read_lists() {
  std::ifstream file(std::string(VITRAIL_TESTS) + "/io/fixtures/keys.txt");
  std::map<std::string, Tensors> lists;
  std::string line, title;
  while (std::getline(file, line)) {
    if (line.empty() || line[0] == '#') continue;
    if (line[0] == '=') {
      title = line.substr(2);
      continue;
    }
    std::istringstream words(line);
    std::string name;
    words >> name;
    Shape shape;
    for (std::size_t extent = 0; words >> extent;) shape.push_back(extent);
    lists[title][name] = shape;
  }
  return lists;
}
std::vector<vt::KeyPiece> map_names(const vt::KeyMap& map, const Tensors& tensors) {
  std::vector<std::string> names;
  for (const auto& [name, shape] : tensors) names.push_back(name);
  return vt::map_keys(map, names);
}

// Puts the parameters together from their pieces; each row must come once.
Tensors assembled(const vt::KeyMap& map, const Tensors& file) {
  Tensors parameters;
  std::map<std::string, std::vector<bool>> groups;
  for (const vt::KeyPiece& piece : map_names(map, file)) {
    INFO(map.name << ": " << piece.tensor << " -> " << piece.parameter);
    CHECK(piece.known);
    if (piece.parameter.empty()) continue;
    Shape shape = file.at(piece.tensor);
    shape[0] = shape[0] / piece.from.count * piece.to.count;
    const auto [found, fresh] = parameters.emplace(piece.parameter, shape);
    CHECK(found->second == shape);
    std::vector<bool>& seen = groups[piece.parameter];
    if (fresh) seen.resize(piece.to.count);
    REQUIRE(seen.size() == piece.to.count);
    CHECK_FALSE(seen[piece.to.index]);
    seen[piece.to.index] = true;
  }
  for (const auto& [name, seen] : groups) {
    INFO(map.name << ": " << name);
    CHECK(std::find(seen.begin(), seen.end(), false) == seen.end());
  }
  return parameters;
}
Tensors without_tables(Tensors tensors) {
  std::erase_if(tensors, [](const auto& t) { return vt::detail::is_derived_buffer(t.first); });
  return tensors;
}

}  // namespace

TEST_CASE("mapping a library's names gives exactly timm's") {
  const auto lists = read_lists();
  const std::map<std::string, const vt::KeyMap*> maps{{"timm", &vt::timm},
                                                      {"torchvision", &vt::torchvision},
                                                      {"hf", &vt::hf},
                                                      {"hf_file", &vt::hf},
                                                      {"microsoft_swin", &vt::microsoft_swin}};
  for (const auto& [title, tensors] : lists) {
    INFO(title);
    const std::size_t space = title.find(' ');
    const Tensors expected = without_tables(lists.at(title.substr(0, space) + " timm"));
    CHECK(assembled(*maps.at(title.substr(space + 1)), tensors) == expected);
  }
  CHECK(lists.size() == 17);
}

TEST_CASE("the rows of q, k and v keep their order") {
  for (const std::string name :
       {"vit.encoder.layer.11.attention.attention.", "deit.encoder.layer.11.attention.attention."}) {
    const auto pieces =
        map_names(vt::hf, {{name + "key.bias", {8}}, {name + "query.bias", {8}}, {name + "value.bias", {8}}});
    REQUIRE(pieces.size() == 3);
    for (const auto& piece : pieces) CHECK(piece.parameter == "blocks.11.attn.qkv.bias");
    CHECK(pieces[0].to == vt::RowGroup{1, 3});
    CHECK(pieces[1].to == vt::RowGroup{0, 3});
    CHECK(pieces[2].to == vt::RowGroup{2, 3});
  }
}

TEST_CASE("torchvision's bias of the keys in version 2, which its forward sets to zero, is left out") {
  const auto pieces =
      map_names(vt::torchvision, {{"features.5.3.attn.logit_scale", {4, 1, 1}}, {"features.5.3.attn.qkv.bias", {12}}});
  REQUIRE(pieces.size() == 3);
  CHECK(pieces[1].parameter == "layers.2.blocks.3.attn.q_bias");
  CHECK(pieces[1].from == vt::RowGroup{0, 3});
  CHECK(pieces[2].parameter == "layers.2.blocks.3.attn.v_bias");
  CHECK(pieces[2].from == vt::RowGroup{2, 3});
}

TEST_CASE("older names, bare models, names of nobody") {
  CHECK(map_names(vt::torchvision, {{"encoder.layers.encoder_layer_3.mlp.linear_2.bias", {8}}})[0].parameter ==
        "blocks.3.mlp.fc2.bias");
  CHECK(map_names(vt::hf, {{"encoder.layer.0.output.dense.weight", {8, 16}}})[0].parameter ==
        "blocks.0.mlp.fc2.weight");
  CHECK(map_names(vt::hf, {{"vit.pooler.dense.weight", {8, 8}}})[0].known);
  for (const std::string name : {"vit.encoder.layer.x.output.dense.weight", "vit.encoder.layer..output.dense.weight",
                                 "vit.encoder.layer.99999999.output.dense.weight", "something", ""}) {
    const auto pieces = map_names(vt::hf, {{name, {1}}});
    REQUIRE(pieces.size() == 1);
    CHECK_FALSE(pieces[0].known);
  }
  CHECK(map_names(vt::timm, {{"anything.of.mine", {1}}})[0].parameter == "anything.of.mine");
}
