#include "methods.hpp"
#include "subjects.hpp"

template void add_parameters<DrawnViT>(Subject&);
