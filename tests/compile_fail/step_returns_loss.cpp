// expect: error_the_callable_of_a_training_step_does_not_return_a_vt_Step<
#include <vitrail/autodiff/step.hpp>
#include <vitrail/ops/cross_entropy.hpp>
#include "compile_fail/model.hpp"

int main() {
  vt::Model<Net> model;
  auto step = vt::training_step(model, [](auto& net, auto x, auto labels) {
    vt::Var loss = vt::cross_entropy(net(x), labels);
#ifdef SHOULD_FAIL
    return loss;
#else
    return vt::Step{loss};
#endif
  });
}
