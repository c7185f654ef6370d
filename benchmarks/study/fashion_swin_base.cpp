#include "base.hpp"
#include "subjects.hpp"

template void prepare_base<FashionSwin>(Subject&, const std::filesystem::path&);
