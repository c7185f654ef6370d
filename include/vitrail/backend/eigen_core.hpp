// eigen_core.hpp - <Eigen/Core>, of whose host and device annotations nvcc says that it ignores them.
#pragma once

#ifdef __CUDACC__
#pragma nv_diagnostic push
#pragma nv_diag_suppress 20012
#endif
#include <Eigen/Core>
#ifdef __CUDACC__
#pragma nv_diagnostic pop
#endif
