#include "methods.hpp"
#include "subjects.hpp"

template void add_adapters<DrawnViT>(Subject&);
