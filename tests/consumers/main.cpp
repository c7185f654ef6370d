// main.cpp - a user's program: it sees the headers, the language level, Eigen, and OpenMP if the build had it.
#if __has_include(<vitrail/vitrail.hpp>)
#include <vitrail/vitrail.hpp>
#endif
#include <Eigen/Core>
#include <cstdio>
#include <vitrail/config.hpp>
#include <vitrail/error.hpp>
#include <vitrail/version.hpp>

static_assert(__cplusplus >= 202002L);
#if defined(EXPECT_OPENMP) && !defined(_OPENMP)
#error "OpenMP did not come along with vitrail::vitrail"
#endif

int main() {
  try {
    throw vitrail::shape_error("as expected");
  } catch (const vitrail::error& e) {
    std::printf("vitrail %d, Eigen %d.%d: %s\n", VITRAIL_VERSION, EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION, e.what());
    return 0;
  }
}
