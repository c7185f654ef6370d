// expect: error_adapter_has_no_hidden_channels<8>
#include <vitrail/tune/adapter.hpp>

namespace vt = vitrail;

#ifdef SHOULD_FAIL
using Layer = vt::Adapter<8, 0>;
#else
using Layer = vt::Adapter<8, 1>;
#endif

int main() { return vt::parameter_count<Layer>() == 8 + 1 + 8 + 8 ? 0 : 1; }
