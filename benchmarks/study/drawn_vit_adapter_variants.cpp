#include "methods.hpp"
#include "subjects.hpp"

template void add_adapter_variants<DrawnViT>(Subject&);
