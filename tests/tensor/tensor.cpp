// tensor.cpp - tensors, batches and labels: values in and out, printing, bounds, Eigen both ways.
#include <cstdint>
#include <sstream>

#include "catch.hpp"
#include "vitrail/nn/policy.hpp"
#include "vitrail/nn/policy_serial.hpp"
#include "vitrail/tensor/eigen.hpp"

namespace vt = vitrail;

using Matrix = vt::Tensor<vt::Shape<2, 3>, vt::serial>;

TEST_CASE("a tensor holds what it is given, row by row, in aligned memory") {
  Matrix t{1, 2, 3, 4, 5, 6};
  CHECK(t.at(0, 2) == 3);
  CHECK(t.at(1, 0) == 4);
  t.at(1, 0) = 7;
  CHECK(t.to_vector() == std::vector<float>{1, 2, 3, 7, 5, 6});
  CHECK(reinterpret_cast<std::uintptr_t>(t.data()) % 64 == 0);
  CHECK(Matrix().to_vector() == std::vector<float>(6, 0));
  const Matrix other = t.copy();
  t.at(0, 0) = -1;
  CHECK(other.at(0, 0) == 1);
  CHECK(sizeof(vt::Tensor<vt::Shape<4096, 4096>, vt::serial>) <= 16);  // never on the stack
}

TEST_CASE("sizes and indices that do not fit throw, with both numbers") {
  CHECK_THROWS_WITH((Matrix{1, 2, 3}), "Tensor: 3 values given, 6 expected");
  Matrix t;
  CHECK_THROWS_WITH(t.at(0, 3), "at: index 3 of axis 1 is not below 3");
  CHECK_THROWS_AS(t.at(-1, 0), vt::shape_error);
  const std::vector<float> seven(7);
  CHECK_THROWS_WITH((vt::Batch<vt::Shape<2, 3>, vt::serial>(std::span<const float>(seven))),
                    "Batch: 7 values given, 6 expected");
}

TEST_CASE("printing shows nested brackets and shortens long axes") {
  std::ostringstream out;
  out << Matrix{1, 2, 3, 4, 5, 6} << '\n' << vt::Tensor<vt::Shape<>, vt::serial>{2.5f} << '\n';
  vt::Tensor<vt::Shape<100>, vt::serial_double> t;
  for (int i = 0; i < 100; ++i) t.at(i) = i;
  out << t;
  CHECK(out.str() == "[[1, 2, 3],\n [4, 5, 6]]\n2.5\n[0, 1, 2, ..., 97, 98, 99]");
}

TEST_CASE("a batch has a run-time number of samples and keeps its memory when it shrinks") {
  vt::Batch<vt::Shape<2>, vt::serial> batch(3);
  batch[2].at(1) = 5;
  const float* memory = batch.data();
  batch.resize(1);
  batch.resize(3);
  CHECK(batch.data() == memory);
  CHECK(batch.to_vector() == std::vector<float>{0, 0, 0, 0, 0, 5});
  CHECK(batch.view()[2].at(1) == 5);
}

TEST_CASE("Eigen sees a tensor's own memory, and a tensor is made from any expression") {
  Matrix t{1, 2, 3, 4, 5, 6};
  vt::as_eigen(t).row(1) *= 10;
  CHECK(t.at(1, 2) == 60);
  const auto squared = vt::from_eigen<vt::Shape<2, 2>, vt::serial>(vt::as_eigen(t) * vt::as_eigen(t).transpose());
  CHECK(squared.at(0, 1) == 1 * 40 + 2 * 50 + 3 * 60);
  CHECK_THROWS_AS((vt::from_eigen<vt::Shape<3, 2>, vt::serial>(vt::as_eigen(t))), vt::shape_error);
}
