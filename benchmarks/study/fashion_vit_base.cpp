#include "base.hpp"
#include "subjects.hpp"

template void prepare_base<FashionViT>(Subject&, const std::filesystem::path&);
