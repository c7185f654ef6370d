// expect: error_embedding_table_is_not_one_for_the_whole_batch<5, 7>
#include <vitrail/ops/embedding.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::embedding(context.labels(), input<5, 7>());
#else
  vt::embedding(context.labels(), parameter<5, 7>());
#endif
}
