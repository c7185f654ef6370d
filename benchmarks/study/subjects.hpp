// subjects.hpp - which model learns which classes first and which ones later.
#pragma once

#include <vitrail/data/drawn_shapes.hpp>
#include <vitrail/data/idx.hpp>
#include <vitrail/models/swin.hpp>
#include <vitrail/models/vit.hpp>

#include "../../examples/train_vit/models.hpp"
#include "task.hpp"

// The classes to adapt to are those of Fashion-MNIST that are hardest to tell apart: pullover, coat and shirt.
struct FashionViT {
  using net = vt::ViT<gray_28, 7>;
  static constexpr const char* name = "vit_fashion";
  static constexpr std::size_t classes = 3, base_epochs = 4;
  static constexpr bool mirror = true;
  static Task task(const std::filesystem::path& fashion_mnist) {
    return make_task(vt::find_fashion_mnist(fashion_mnist), {0, 1, 3, 5, 7, 8, 9}, {2, 4, 6}, 1500);
  }
};
struct FashionSwin : FashionViT {
  using net = vt::Swin<vt::swin_28, 7>;
  static constexpr const char* name = "swin_fashion";
  static constexpr std::size_t base_epochs = 2;
};
// Half of the coloured shapes that the library draws, and then the other half, each of which resembles one of the
// first: ring and crescent the disc, frame the square, star the triangle, checker the stripes.
struct DrawnViT {
  using net = vt::ViT<colour_32, 5>;
  static constexpr const char* name = "vit_drawn";
  static constexpr std::size_t classes = 5, base_epochs = 8;
  static constexpr bool mirror = true;
  static Task task(const std::filesystem::path&) {
    return make_task({vt::drawn_shapes(1, 40'000), vt::drawn_shapes(2, 6'000)}, {0, 2, 4, 5, 7}, {1, 3, 6, 8, 9}, 1500);
  }
};
