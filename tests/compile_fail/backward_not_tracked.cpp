// expect: backward: nothing trainable flows into this loss
#include <vitrail/autodiff/tape.hpp>
#include "compile_fail/inputs.hpp"

int main() {
  vt::Tape<vt::serial, true> tape(vt::serial::backend{});
#ifdef SHOULD_FAIL
  tape.backward(tape.input<vt::Shape<>, false>(nullptr));
#else
  tape.backward(tape.tracked_input<vt::Shape<>, false>(nullptr));
#endif
}
