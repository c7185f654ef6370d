// expect: Step: an expression is not evaluated yet: write `vt::Var loss = ...` and return that
#include <vitrail/autodiff/step.hpp>
#include <vitrail/expr/expression.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  (void)vt::Step{input<>() * 2};
#else
  vt::Var loss = input<>() * 2;
  (void)vt::Step{loss};
#endif
}
