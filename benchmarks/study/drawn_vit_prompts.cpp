#include "methods.hpp"
#include "subjects.hpp"

template void add_prompts<DrawnViT>(Subject&);
