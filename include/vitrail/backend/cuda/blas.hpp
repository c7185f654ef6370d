// blas.hpp - products by cuBLASLt, on tensor cores where the precision allows. For nvcc; link cublasLt.
#pragma once

#include <cublasLt.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>

#include "device.hpp"
#include "matmul.hpp"

namespace vitrail::inline VITRAIL_TU::cuda {

// How products of floats are computed; sums are float in all of them, and so is what lies in memory.
enum class precision {
  fp32,  // as floats
  tf32,  // factors rounded to 10 bits of mantissa, on tensor cores
  bf16   // factors rounded to 7 bits of mantissa, on tensor cores, twice as fast as tf32
};

inline void check(cublasStatus_t status, const char* call) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  int device = 0;
  (void)cudaGetDevice(&device);
  throw error(std::string("cuBLASLt: ") + call + " on device " + std::to_string(device) + ": " +
              cublasLtGetStatusName(status) + ", " + cublasLtGetStatusString(status));
}

namespace detail {
template <class T, cublasStatus_t (*Destroy)(T)>
struct BlasHandle {
  struct Deleter {
    void operator()(T handle) const { (void)Destroy(handle); }
  };
  using type = std::unique_ptr<std::remove_pointer_t<T>, Deleter>;
};
using BlasLibrary = BlasHandle<cublasLtHandle_t, cublasLtDestroy>::type;
using BlasOperation = BlasHandle<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>::type;
using BlasLayout = BlasHandle<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>::type;
using BlasPreference = BlasHandle<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>::type;

template <class T>
inline constexpr cudaDataType_t data_type = std::is_same_v<T, double> ? CUDA_R_64F : CUDA_R_32F;
template <class T>
constexpr cublasComputeType_t compute_type(precision p) {
  if (std::is_same_v<T, double>) return CUBLAS_COMPUTE_64F;
  return p == precision::bf16   ? CUBLAS_COMPUTE_32F_FAST_16BF
         : p == precision::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32
                                : CUBLAS_COMPUTE_32F;
}
}  // namespace detail

// What cuBLASLt needs to know of one shape, and the algorithm that it chose for it.
class MatmulPlan {
 public:
  MatmulPlan() = default;  // not possible
  template <class T>
  MatmulPlan(cublasLtHandle_t library, const Matmul& s, precision p, std::size_t workspace, T)
      : a_(layout<T>(s, s.a)), b_(layout<T>(s, s.b)), c_(layout<T>(s, s.c)), d_(layout<T>(s, s.d)) {
    cublasLtMatmulDesc_t operation = nullptr;
    check(cublasLtMatmulDescCreate(&operation, detail::compute_type<T>(p), detail::data_type<T>),
          "cublasLtMatmulDescCreate");
    operation_.reset(operation);
    set(CUBLASLT_MATMUL_DESC_TRANSA, s.a.transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(CUBLASLT_MATMUL_DESC_TRANSB, s.b.transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(CUBLASLT_MATMUL_DESC_EPILOGUE, s.bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT);
    cublasLtMatmulPreference_t made = nullptr;
    check(cublasLtMatmulPreferenceCreate(&made), "cublasLtMatmulPreferenceCreate");
    const detail::BlasPreference preference(made);
    const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, const auto& value) {
      check(cublasLtMatmulPreferenceSetAttribute(made, attribute, &value, sizeof value),
            "cublasLtMatmulPreferenceSetAttribute");
    };
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, static_cast<std::uint64_t>(workspace));
    // Sums that are not cut have one order: the same bits in every run.
    prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, static_cast<std::uint32_t>(CUBLASLT_REDUCTION_SCHEME_NONE));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, s.a.alignment);
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, s.b.alignment);
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, s.c.alignment);
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, s.d.alignment);
    cublasLtMatmulHeuristicResult_t found{};
    int count = 0;
    const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(library, operation, a_.get(), b_.get(), c_.get(),
                                                                 d_.get(), made, 1, &found, &count);
    possible_ = status == CUBLAS_STATUS_SUCCESS && count > 0;
    algorithm_ = found.algo;
  }

  explicit operator bool() const { return possible_; }
  template <class T>
  void run(cublasLtHandle_t library, const MatmulCall<T>& call, void* workspace, std::size_t workspace_bytes,
           cudaStream_t stream) {
    if (call.bias) set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, call.bias);
    check(cublasLtMatmul(library, operation_.get(), &call.alpha, call.a, a_.get(), call.b, b_.get(), &call.beta, call.c,
                         c_.get(), call.d, d_.get(), &algorithm_, workspace, workspace_bytes, stream),
          "cublasLtMatmul");
  }

 private:
  template <class T>
  static detail::BlasLayout layout(const Matmul& s, const Matmul::Matrix& m) {
    cublasLtMatrixLayout_t made = nullptr;
    check(cublasLtMatrixLayoutCreate(&made, detail::data_type<T>, static_cast<std::uint64_t>(m.rows),
                                     static_cast<std::uint64_t>(m.columns), m.ld),
          "cublasLtMatrixLayoutCreate");
    detail::BlasLayout layout(made);
    const auto count = static_cast<std::int32_t>(s.count);
    check(cublasLtMatrixLayoutSetAttribute(made, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count),
          "cublasLtMatrixLayoutSetAttribute");
    check(
        cublasLtMatrixLayoutSetAttribute(made, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &m.stride, sizeof m.stride),
        "cublasLtMatrixLayoutSetAttribute");
    return layout;
  }
  template <class V>
  void set(cublasLtMatmulDescAttributes_t attribute, const V& value) {
    check(cublasLtMatmulDescSetAttribute(operation_.get(), attribute, &value, sizeof value),
          "cublasLtMatmulDescSetAttribute");
  }

  detail::BlasOperation operation_;
  detail::BlasLayout a_, b_, c_, d_;
  cublasLtMatmulAlgo_t algorithm_{};
  bool possible_ = false;
};

// A device whose products cuBLASLt computes, but for what it has no algorithm for.
template <precision Precision>
class BlasDevice : public Device {
 public:
  explicit BlasDevice(int number = 0) : Device(number), workspace_(workspace_bytes) {
    cublasLtHandle_t library = nullptr;
    check(cublasLtCreate(&library), "cublasLtCreate");
    library_.reset(library);
  }
  // False: not this one.
  template <class T>
  bool product(const Product<T>& p) const {
    const MatmulCall<T> call = matmul_of(p);
    if (!call.fits) return false;
    use();
    const std::lock_guard lock(mutex_);
    auto& plans = std::is_same_v<T, double> ? double_plans_ : plans_;
    auto at = plans.find(call.shape);
    if (at == plans.end()) {
      at = plans.emplace(call.shape, MatmulPlan(library_.get(), call.shape, Precision, workspace_bytes, T())).first;
    }
    if (!at->second) return false;
    at->second.run(library_.get(), call, workspace_.get(), workspace_bytes, stream());
    return true;
  }

 private:
  static constexpr std::size_t workspace_bytes = std::size_t(32) << 20;  // what NVIDIA advises for Hopper
  struct Release {
    void operator()(void* memory) const { DeviceMemory::release(memory); }
  };
  struct Workspace : std::unique_ptr<void, Release> {
    explicit Workspace(std::size_t bytes) : std::unique_ptr<void, Release>(DeviceMemory::allocate(bytes)) {}
  };
  detail::BlasLibrary library_;
  Workspace workspace_;
  mutable std::mutex mutex_;
  mutable std::map<Matmul, MatmulPlan> plans_, double_plans_;
};

}  // namespace vitrail::inline VITRAIL_TU::cuda
