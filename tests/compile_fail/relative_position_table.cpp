// expect: error_relative_position_bias_table_has_not_an_entry_for_each_distance<9, 25>
#include <vitrail/ops/relative_position.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::relative_position_bias<3, 3>(vt::as_var(&context, parameter<9, 2>()));
#else
  vt::relative_position_bias<3, 3>(vt::as_var(&context, parameter<25, 2>()));
#endif
}
