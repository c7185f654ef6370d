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
#include <vector>

#include "../values.hpp"
#include "device.hpp"
#include "matmul.hpp"
#include "programs.hpp"

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

constexpr cudaDataType_t data_type(element e) {
  return e == element::f64 ? CUDA_R_64F : e == element::bf16 ? CUDA_R_16BF : CUDA_R_32F;
}
constexpr cublasComputeType_t compute_type(element factors, precision p) {
  if (factors == element::f64) return CUBLAS_COMPUTE_64F;
  if (factors == element::bf16) return CUBLAS_COMPUTE_32F;
  return p == precision::bf16   ? CUBLAS_COMPUTE_32F_FAST_16BF
         : p == precision::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32
                                : CUBLAS_COMPUTE_32F;
}
}  // namespace detail

// What cuBLASLt needs to know of one shape, and the algorithm that it chose for it.
class MatmulPlan {
 public:
  MatmulPlan() = default;  // not possible
  MatmulPlan(cublasLtHandle_t library, const Matmul& s, precision p, std::size_t workspace)
      : a_(layout(s, s.a, s.factors)),
        b_(layout(s, s.b, s.factors)),
        c_(layout(s, s.c, s.result)),
        d_(layout(s, s.d, s.result)) {
    cublasLtMatmulDesc_t operation = nullptr;
    const cudaDataType_t sums = s.factors == element::f64 ? CUDA_R_64F : CUDA_R_32F;
    check(cublasLtMatmulDescCreate(&operation, detail::compute_type(s.factors, p), sums), "cublasLtMatmulDescCreate");
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
  // `bias` is that of the call, as what the result is.
  template <class T, class A, class B, class C>
  void run(cublasLtHandle_t library, const MatmulCall<T, A, B, C>& call, const C* bias, void* workspace,
           std::size_t workspace_bytes, cudaStream_t stream) {
    static_assert(std::is_same_v<A, B>, "cuBLASLt multiplies factors of one type");
    if (bias) set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
    check(cublasLtMatmul(library, operation_.get(), &call.alpha, call.a, a_.get(), call.b, b_.get(), &call.beta, call.c,
                         c_.get(), call.d, d_.get(), &algorithm_, workspace, workspace_bytes, stream),
          "cublasLtMatmul");
  }

 private:
  static detail::BlasLayout layout(const Matmul& s, const Matmul::Matrix& m, element e) {
    cublasLtMatrixLayout_t made = nullptr;
    check(cublasLtMatrixLayoutCreate(&made, detail::data_type(e), static_cast<std::uint64_t>(m.rows),
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
  template <class T, class A, class B, class C>
  bool product(const Product<T, A, B, C>& p) const {
    const auto call = matmul_of(p);
    if (!call.fits) return false;
    use();
    const std::lock_guard lock(mutex_);
    if constexpr (std::is_same_v<A, T> && std::is_same_v<B, T> && std::is_same_v<C, T>) {
      return multiply(call, call.bias);
    } else {
      constexpr bool round_a = !std::is_same_v<A, bf16>, round_b = !std::is_same_v<B, bf16>,
                     round_bias = !std::is_same_v<C, T>;
      std::size_t size = round_bias && p.bias ? p.n : 0;
      if (round_a) size += padded(span_of(p.m, p.a_row, p.k, p.a_column, p.count, p.a_batch));
      if (round_b) size += padded(span_of(p.k, p.b_row, p.n, p.b_column, p.count, p.b_batch));
      bf16* room = rounded_room(size);
      const auto round = [&](const T* from, std::size_t count) {
        bf16* const to = room;
        using Kernel = ElementwiseKernel<vitrail::detail::ConvertValues<T, bf16>>;
        launch({blocks_for(count, Kernel::of_block)}, Kernel{{from, to}, count});
        room += padded(count);
        return to;
      };
      const auto rounded_call = matmul_of(rounded(p, round));
      if constexpr (round_bias) {
        return multiply(rounded_call, p.bias ? round(p.bias, p.n) : nullptr);
      } else {
        return multiply(rounded_call, p.bias);
      }
    }
  }

 private:
  static constexpr std::size_t workspace_bytes = std::size_t(32) << 20;  // what NVIDIA advises for Hopper
  struct Release {
    void operator()(void* memory) const { DeviceMemory::release(memory); }
  };
  struct Workspace : std::unique_ptr<void, Release> {
    explicit Workspace(std::size_t bytes) : std::unique_ptr<void, Release>(DeviceMemory::allocate(bytes)) {}
  };
  static constexpr std::size_t padded(std::size_t size) {
    return DeviceMemory::round_up(size * sizeof(bf16)) / sizeof(bf16);
  }
  template <class Call, class C>
  bool multiply(const Call& call, const C* bias) const {
    auto at = plans_.find(call.shape);
    if (at == plans_.end()) {
      at = plans_.emplace(call.shape, MatmulPlan(library_.get(), call.shape, Precision, workspace_bytes)).first;
    }
    if (!at->second) return false;
    at->second.run(library_.get(), call, bias, workspace_.get(), workspace_bytes, stream());
    return true;
  }
  // Room for factors and a bias that are rounded, of one product at a time. Memory that was too small stays: recorded
  // steps know its address.
  bf16* rounded_room(std::size_t size) const {
    if (size > rounded_size_) {
      rounded_.emplace_back(size * sizeof(bf16));
      rounded_size_ = size;
    }
    return size ? static_cast<bf16*>(rounded_.back().get()) : nullptr;
  }
  detail::BlasLibrary library_;
  Workspace workspace_;
  mutable std::mutex mutex_;
  mutable std::map<Matmul, MatmulPlan> plans_;
  mutable std::vector<Workspace> rounded_;
  mutable std::size_t rounded_size_ = 0;
};

}  // namespace vitrail::inline VITRAIL_TU::cuda
