#include "base.hpp"
#include "subjects.hpp"

template void prepare_base<DrawnViT>(Subject&, const std::filesystem::path&);
