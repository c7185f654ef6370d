// expect: backward: nothing trainable flows into this loss
#include <vitrail/autodiff/tape.hpp>
#include "compile_fail/inputs.hpp"

int main() {
  vt::Tape<vt::cpu, true> tape(vt::cpu::backend{});
#ifdef SHOULD_FAIL
  tape.backward(tape.input<vt::Shape<>, false>(nullptr));
#else
  tape.backward(tape.tracked_input<vt::Shape<>, false>(nullptr));
#endif
}
