#include "methods.hpp"
#include "subjects.hpp"

template void add_low_rank_variants<DrawnViT>(Subject&);
