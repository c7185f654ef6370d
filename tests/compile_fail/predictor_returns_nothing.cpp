// expect: error_the_callable_of_a_predictor_does_not_return_a_Var<void>
#include <vitrail/autodiff/predict.hpp>
#include "compile_fail/model.hpp"

struct Features {
  auto operator()(const auto& net, const auto& x) const {
#ifdef SHOULD_FAIL
    net(x);
#else
    return net(x);
#endif
  }
};

int main() {
  vt::Model<Net> model;
  vt::Predictor<vt::Model<Net>, Features> predict(model);
  (void)predict({nullptr, 0});
}
