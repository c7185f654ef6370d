// dependence.cpp - who depends on whom, of functions whose answer is known.
#include "catch.hpp"

#include <sstream>

#include <vitrail/inspect/dependence.hpp>
#include <vitrail/nn/block.hpp>
#include <vitrail/ops/concat.hpp>
#include <vitrail/ops/permute.hpp>
#include <vitrail/ops/rearrange.hpp>

#include "io/messages.hpp"

namespace vt = vitrail;

namespace {

std::string drawn(const vt::Dependence& d) {
  std::ostringstream out;
  out << d;
  return out.str();
}

// A policy of which nothing trains: inputs have gradients all the same.
using Frozen = vt::with_tuning<vt::cpu_double, vt::freeze_all>;

}  // namespace

TEST_CASE("tokens: what is point-wise is a diagonal, what mixes is not") {
  const auto shape = vt::Shape<4, 3>{};
  CHECK(vt::dependence([](const auto& x) { return vt::gelu(x) * 2.0; }, shape).is_diagonal());
  CHECK(drawn(vt::dependence([](const auto& x) { return vt::concat<0>(vt::slice<0, 2, 4>(x), vt::slice<0, 0, 1>(x)); },
                             shape)) == "..#.\n...#\n#...\n");
  CHECK(vt::dependence([](const auto& x) { return vt::first_token(x); }, shape).values ==
        std::vector<bool>{true, false, false, false});
  CHECK(vt::dependence([](const auto& x) { return vt::mean_tokens(x, 1); }, shape).values ==
        std::vector<bool>{false, true, true, true});
  CHECK(vt::dependence([](const auto& x) { return vt::transpose(x); }, shape).all());
  CHECK(vt::dependence([](const auto& x) { return vt::detach(x) + 0.0 * x; }, shape).none());
  CHECK(vt::dependence([](const auto& x) { return vt::detach(x); }, shape).none());
  // Tokens are mixed by the numbers of others only.
  CHECK(vt::dependence([](const auto& x) { return vt::where(x > 0.0, x, 0.5 * x); }, shape).is_diagonal());
}
TEST_CASE("two inputs have a matrix each") {
  const auto [first, second] =
      vt::dependence([](const auto& x, const auto& y) { return x * vt::reshape<vt::Shape<1, 3>>(vt::mean_tokens(y)); },
                     vt::Shape<2, 3>{}, vt::Shape<4, 3>{});
  CHECK(first.is_diagonal());
  CHECK((second.all() && second.outputs == 2 && second.inputs == 4));
}
TEST_CASE("modules by themselves, with drawn parameters, trainable or not") {
  CHECK(vt::dependence<vt::Mlp<6, 8, vt::cpu_double>>(vt::Shape<4, 6>{}).is_diagonal());
  CHECK(vt::dependence<vt::Mlp<6, 8, Frozen>>(vt::Shape<4, 6>{}).is_diagonal());
  CHECK(vt::dependence<vt::Attention<6, 2, vt::cpu_double>>(vt::Shape<4, 6>{}).all());
}
TEST_CASE("images: pixels, receptive fields, and patches as tokens") {
  // 3 x 3 box sums as the sum of nine shifted images.
  const auto box = [](const auto& x) {
    vt::Var up = vt::pad<1, 1, 1>(x);
    vt::Var padded = vt::pad<2, 1, 1>(up);
    vt::Var rows = vt::slice<1, 0, 5>(padded) + vt::slice<1, 1, 6>(padded) + vt::slice<1, 2, 7>(padded);
    vt::Var sum = vt::slice<2, 0, 6>(rows) + vt::slice<2, 1, 7>(rows) + vt::slice<2, 2, 8>(rows);
    return sum;
  };
  const auto image = vt::Shape<2, 5, 6>{};
  const vt::ReceptiveField field = vt::receptive_field(box, image);  // round (2, 3)
  CHECK((field.top == 1 && field.bottom == 4 && field.left == 2 && field.right == 5));
  CHECK((field.fills_its_box() && field.count() == 9 && field.at(2, 3) && !field.at(0, 3)));
  const vt::ReceptiveField corner = vt::receptive_field(box, image, 0);
  CHECK((corner.count() == 4 && corner.top == 0 && corner.bottom == 2 && corner.right == 2));
  const vt::ReceptiveField twice = vt::receptive_field([&](const auto& x) { return box(box(x)); }, image);
  CHECK((twice.count() == 25 && twice.fills_its_box()));
  const vt::Dependence all = vt::dependence(box, image);
  CHECK((all.outputs == 30 && all.inputs == 30 && all.count() == (3 * 5 - 2) * (3 * 6 - 2)));
  const vt::Dependence patches = vt::dependence(
      [](const auto& x) { return vt::rearrange<"c (h p) (w q) -> (h w) (c p q)", vt::with{.p = 2, .q = 2}>(x); },
      vt::Shape<1, 4, 4>{});
  CHECK((patches.outputs == 4 && patches.inputs == 16 && patches.count() == 16));
  CHECK((patches.at(1, 2) && patches.at(1, 7) && !patches.at(1, 8)));
  CHECK(message_of([&] { (void)vt::receptive_field(box, image, 30); }).find("below 30, found 30") !=
        std::string::npos);
}
