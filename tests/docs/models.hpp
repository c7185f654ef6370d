// models.hpp - the program around fragments of docs/models.md.
#include <iostream>
#include <vitrail/vitrail.hpp>

namespace vt = vitrail;

int main() {
  // fragment
}
