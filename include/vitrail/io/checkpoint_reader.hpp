// checkpoint_reader.hpp - fits the tensors of a file to the parameters of a model, before anything is read.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "key_map.hpp"
#include "positions.hpp"
#include "safetensors.hpp"

namespace vitrail::inline VITRAIL_TU {

// What to do with a head that the file does not have, or has for another number of classes. keep: the model's own
// stays, and a head in the file that does not fit it is left out.
enum class head_policy { refuse, keep };
// What to do with position embeddings of another image size; see resample_positions.
enum class position_policy { refuse, resample };

struct LoadOptions {
  KeyMap keys = timm;
  head_policy head = head_policy::refuse;
  position_policy positions = position_policy::refuse;
};

namespace detail {

// In the metadata of a file of save_training: the version of what is in it.
inline constexpr const char* training_key = "vitrail.training";

// A parameter that is to be filled.
struct ExpectedParameter {
  std::string name;
  std::vector<std::size_t> shape;
};

class CheckpointReader {
 public:
  // Throws io_error that names every parameter that is missing, misshapen or in pieces, and every tensor of the file
  // that is none of the model's. The file must outlive it.
  CheckpointReader(const Safetensors& file, const std::vector<ExpectedParameter>& parameters,
                   const LoadOptions& options)
      : file_(&file), options_(options) {
    for (const ExpectedParameter& p : parameters) {
      sources_[p.name].shape = p.shape;
      const bool token = p.name == "cls_token" || p.name == "dist_token" || p.name == "reg_token";
      if (token && p.shape.size() > 1) prefix_ += p.shape[p.shape.size() - 2];
    }
    // Some models have positions for the patches alone.
    if (const auto found = sources_.find("pos_embed"); found != sources_.end()) {
      const std::vector<std::size_t>& shape = found->second.shape;
      if (shape.size() == 3 && grid_side(shape[1], prefix_) == 0) prefix_ = 0;
    }
    find_pieces();
    for (const ExpectedParameter& p : parameters) check(p.name, sources_[p.name]);
    if (problems_.empty()) return;
    if (head_misfits_ + position_misfits_ == misfits_) {  // else it is another model, and no option helps
      if (head_misfits_) problems_ += "\n  (head_policy::keep loads all but the head)";
      if (position_misfits_)
        problems_ += "\n  (position_policy::resample fits the positions to the model's image size)";
    }
    throw io_error(file.name() + ": the checkpoint does not fit the model:" + problems_);
  }

  // Reads a parameter into memory of its size. False: it is to stay as it is.
  template <class T>
  bool read(const std::string& name, std::span<T> to) const {
    const Source& source = sources_.at(name);
    if (source.kept) return false;
    for (const KeyPiece& piece : source.pieces) {
      const TensorInfo& info = file_->at(piece.tensor);
      const std::span<T> part = to.subspan(to.size() / piece.to.count * piece.to.index, to.size() / piece.to.count);
      if (source.resampled) {
        const std::vector<T> values = file_->read<T>(piece.tensor);
        resample_positions(std::span<const T>(values), prefix_, source.shape.back(), part);
      } else if (piece.from.count > 1) {
        const std::vector<T> values = file_->read<T>(piece.tensor);
        std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(part.size() * piece.from.index), part.size(),
                    part.begin());
      } else {
        file_->read(info, part);
      }
    }
    return true;
  }

 private:
  struct Source {
    std::vector<std::size_t> shape;
    std::vector<KeyPiece> pieces;
    bool kept = false, resampled = false;
  };
  static bool is_head(std::string_view name) {
    return name.starts_with("head.") || name.starts_with("head_dist.") || name.starts_with("fc.");
  }

  // PyTorch's batch norms count their batches, which nothing here reads.
  bool counts_batches(std::string_view name) const {
    constexpr std::string_view counter = "num_batches_tracked";
    if (!name.ends_with(counter)) return false;
    return sources_.contains(std::string(name.substr(0, name.size() - counter.size())) + "running_mean");
  }
  void find_pieces() {
    const bool training = file_->metadata().contains(training_key);
    std::vector<std::string> names;
    for (const TensorInfo& tensor : file_->tensors()) {
      if (training && (tensor.name.starts_with("optimiser.") || tensor.name.starts_with("ema."))) continue;
      if (!counts_batches(tensor.name)) names.push_back(tensor.name);
    }
    for (KeyPiece& piece : map_keys(options_.keys, names)) {
      if (!piece.known) {
        problem(piece.tensor, std::string("in the file, but no name that ") + options_.keys.name + " uses");
      } else if (const auto found = sources_.find(piece.parameter); found != sources_.end()) {
        found->second.pieces.push_back(std::move(piece));
      } else if (!piece.parameter.empty() && !(is_head(piece.parameter) && options_.head == head_policy::keep)) {
        const std::string as = piece.parameter == piece.tensor ? "" : " (there " + piece.parameter + ")";
        problem(piece.tensor, "in the file, but no parameter of the model" + as);
        head_misfits_ += is_head(piece.parameter);
      }
    }
  }
  void check(const std::string& name, Source& source) {
    std::string misfit;
    std::vector<int> groups;  // how often each group of rows is there
    for (const KeyPiece& piece : source.pieces) {
      const TensorInfo& info = file_->at(piece.tensor);
      const std::vector<std::size_t>& found = info.shape;
      groups.resize(std::max(groups.size(), piece.to.count));
      ++groups[piece.to.index];
      std::vector<std::size_t> expected = source.shape;
      if (!expected.empty()) expected[0] = expected[0] / piece.to.count * piece.from.count;
      if (!convertible<double>(info.type)) {
        misfit += (misfit.empty() ? "" : ", and ") + std::string("expected a floating-point dtype, found ") +
                  std::string(dtype_name(info.type));
      }
      const bool divisible = source.shape.empty() || source.shape[0] % piece.to.count == 0;
      if (found == expected && divisible) continue;
      if (name == "pos_embed" && options_.positions == position_policy::resample && resamples(found, source.shape)) {
        source.resampled = true;
        continue;
      }
      misfit += (misfit.empty() ? "expected " : ", and expected ") + spelled_shape(expected) + ", found " +
                spelled_shape(found);
      if (piece.tensor != name) misfit += " in " + spelled(piece.tensor);
      position_misfits_ += name == "pos_embed" && resamples(found, source.shape);
    }
    if (source.pieces.empty()) {
      misfit = "expected " + spelled_shape(source.shape) + ", not in the file";
    } else if (std::ranges::any_of(groups, [](int n) { return n != 1; })) {
      misfit += (misfit.empty() ? "" : ", and ") + std::string("expected each part of its rows once, found");
      for (const KeyPiece& piece : source.pieces) misfit += " " + spelled(piece.tensor);
    }
    if (misfit.empty()) return;
    source.kept = is_head(name) && options_.head == head_policy::keep;
    if (source.kept) return;
    problem(name, misfit);
    head_misfits_ += is_head(name);
  }
  // Whether both are rows for the tokens before the patches and for a square of patches.
  bool resamples(const std::vector<std::size_t>& found, const std::vector<std::size_t>& expected) const {
    return found.size() == 3 && expected.size() == 3 && found[0] == expected[0] && found[2] == expected[2] &&
           grid_side(found[1], prefix_) > 0 && grid_side(expected[1], prefix_) > 0;
  }
  void problem(const std::string& name, const std::string& what) {
    problems_ += "\n  " + spelled(name) + ": " + what;
    ++misfits_;
  }

  const Safetensors* file_;
  LoadOptions options_;
  std::map<std::string, Source, std::less<>> sources_;
  std::size_t prefix_ = 0;  // rows of the positions before the patches
  std::string problems_;
  std::size_t misfits_ = 0, head_misfits_ = 0, position_misfits_ = 0;
};

}  // namespace detail

}  // namespace vitrail::inline VITRAIL_TU
