// expect: the number of elements of this Shape overflows
#include <vitrail/shape/shape.hpp>

#ifdef SHOULD_FAIL
// 2^64 elements: unchecked, the product would wrap round to a size of 0.
static_assert(vitrail::Shape<1ul << 32, 1ul << 32>::size != 1);
#else
static_assert(vitrail::Shape<1ul << 32, 1ul << 27>::size == 1ul << 59);
#endif

int main() {}
