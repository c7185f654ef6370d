// expect: error_embedding_table_is_not_of_rank_2<1>
#include <vitrail/ops/embedding.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::embedding(context.labels(), parameter<7>());
#else
  vt::embedding(context.labels(), parameter<5, 7>());
#endif
}
