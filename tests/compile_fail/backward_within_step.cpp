// expect: error_backward_within_a_step_there_is_no_double_backward<
#include <vitrail/autodiff/step.hpp>
#include <vitrail/ops/cross_entropy.hpp>
#include "compile_fail/model.hpp"

int main() {
  vt::Model<Net> model;
  auto step = vt::training_step(model, [](auto& net, auto x, auto labels) {
    vt::Var loss = vt::cross_entropy(net(x), labels);
#ifdef SHOULD_FAIL
    loss.ctx->backward(loss);  // for a penalty on the gradient, say
#endif
    return vt::Step{loss};
  });
}
