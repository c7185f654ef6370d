// expect: vitrail relies on NaN and infinity
// The library promises NaN and infinity a meaning, so it refuses flags that take it away.
#ifdef SHOULD_FAIL
#define __FAST_MATH__ 1
#endif
#include <vitrail/config.hpp>

int main() {}
