// spilling.cu - a kernel with more values than registers: what our programs are compiled with must say so.
__global__ void __launch_bounds__(1024, 2) spilling(float* x) {
  float values[80];
#pragma unroll
  for (int i = 0; i < 80; ++i) values[i] = x[i * threadIdx.x];
#pragma unroll
  for (int i = 0; i < 80; ++i) {
#pragma unroll
    for (int j = 0; j < 80; ++j) values[i] = values[i] * values[j] + 1;
  }
  float sum = 0;
#pragma unroll
  for (int i = 0; i < 80; ++i) sum += values[i] * i;
  x[threadIdx.x] = sum;
}
