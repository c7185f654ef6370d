// statements.hpp - the program around statements in the documentation.
#include <vitrail/vitrail.hpp>

namespace vt = vitrail;

int main() {
  // fragment
}
