// expect: error_this_system_of_Thrust_needs_fopenmp<
// thrust_needs_fopenmp.cpp - compiled without -fopenmp, as all of these.
#include <vitrail/backend/thrust.hpp>

namespace vt = vitrail;

int main() {
#ifdef SHOULD_FAIL
  vt::Thrust<vt::thrust_omp> backend;
#else
  vt::Thrust<vt::thrust_cpp> backend;
#endif
}
