// main.cpp - both units run in one program, and an exception of one is caught here.
#include <cstdio>
#include <vitrail/error.hpp>

float plain_unit(bool fail);
float native_unit(bool fail);

int main() {
  const float plain = plain_unit(false), native = native_unit(false);
  int caught = 0;
  for (auto unit : {plain_unit, native_unit}) {
    try {
      unit(true);
    } catch (const vitrail::shape_error&) {
      ++caught;
    }
  }
  std::printf("%g %g, %d caught\n", plain, native, caught);
  return plain == native && caught == 2 ? 0 : 1;
}
