// training_checkpoint.hpp - a training as one safetensors file from which it goes on to the bit: the parameters under
// their own names, beside them "optimiser.first.NAME", "optimiser.second.NAME" and "ema.NAME", and in the metadata the
// numbers of the state.
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "../backend/values.hpp"
#include "checkpoint.hpp"
#include "tensor_problems.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

inline constexpr std::uint64_t training_version = 1;

template <class T>
concept SavedNumber = std::unsigned_integral<T> || std::same_as<T, double>;

// The shortest decimal text that reads back as the same number; to_chars and from_chars know no locale.
template <SavedNumber T>
std::string number_text(T value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}
// The number that all of the text is; nothing if it is none that T can hold.
template <SavedNumber T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}
// The problem with the number of that name in the file; `value` is set if there is none.
template <SavedNumber T>
std::string read_number(const Safetensors& file, const std::string& name, T& value) {
  const auto found = file.metadata().find(name);
  const std::string line = "\n  " + name + ": expected a" + (std::same_as<T, double> ? " number" : " whole number");
  if (found == file.metadata().end()) return line + ", not in the file";
  const auto number = parse_number<T>(found->second);
  if (!number) return line + ", found " + spelled(found->second);
  value = *number;
  return {};
}
inline std::string training_problems(const Safetensors& file) {
  std::uint64_t version = 0;
  std::string problem = read_number(file, training_key, version);
  if (problem.empty() && version != training_version) {
    problem = std::string("\n  ") + training_key + ": expected " + number_text(training_version) + ", found " +
              number_text(version);
  }
  return problem;
}

}  // namespace detail

// Writes the model's parameters and the state of its training, a TrainingState or anything with its model, problem,
// each_setting and visit; `metadata` goes along. The file appears whole or not at all: it is written beside, synced and
// renamed. Throws io_error, also for metadata under a name that the state needs and for a state with a problem.
template <class FileOperations = PosixFile, class Model, class State>
void save_training(const std::filesystem::path& path, const Model& model, const State& state,
                   std::map<std::string, std::string> metadata = {}) {
  detail::HostCopies<typename Model::Memory, typename Model::value> copies;
  const auto fail = [&](const std::string& what) { throw io_error(path.string() + ": " + what); };
  if (&state.model() != &model) fail("expected the state of this model's training, found another's");
  if (const std::string found = state.problem(); !found.empty()) fail("the training cannot be saved: " + found);
  const auto add_number = [&](const std::string& name, detail::SavedNumber auto value) {
    if (!metadata.emplace(name, detail::number_text(value)).second) {
      fail("metadata " + spelled(name) + ": expected another name, found one of the training's own");
    }
  };
  add_number(detail::training_key, detail::training_version);
  state.each_setting(add_number);
  std::vector<TensorToWrite> tensors;
  model.each_parameter([&](const auto& info, const auto* values, bool) {
    using T = std::remove_cvref_t<decltype(*values)>;
    tensors.push_back({info.path, dtype_of<T>, info.shape, copies.of(values, info.size)});
  });
  State::visit(state, [&](const std::string& name, const auto& member) {
    if constexpr (detail::SavedNumber<std::remove_cvref_t<decltype(member)>>) {
      add_number(name, member);
    } else {
      for (const auto& info : model.trainable().table) {
        tensors.push_back({name + "." + info.path, dtype_of<typename Model::value>, info.shape,
                           copies.of(member.data() + info.offset, info.size)});
      }
    }
  });
  write_safetensors<FileOperations>(path, tensors, metadata);
}

// Fills the model and the state from a file of save_training; fit then goes on where that training was. The state must
// have been made for this model and with the same settings: recipe, seeds, number of images, augmentation. All is
// checked before anything is copied: when it throws io_error, which names all that is missing, malformed or different,
// model and state are as they were.
template <class Model, class State>
void load_training(const std::filesystem::path& path, Model& model, State& state) {
  static_assert(std::is_nothrow_move_assignable_v<State>, "load_training: or the state could be left half changed");
  const Safetensors file = Safetensors::open(path);
  const auto fail = [&](const std::string& what) { throw io_error(file.name() + ": " + what); };
  if (&state.model() != &model) fail("expected the state of this model's training, found another's");
  if (const std::string found = state.problem(); !found.empty()) fail("nothing can be loaded now: " + found);
  std::string problems = detail::training_problems(file);
  if (!problems.empty()) fail("expected a training that save_training wrote:" + problems);

  state.each_setting([&](const std::string& name, detail::SavedNumber auto expected) {
    auto found = expected;
    problems += detail::read_number(file, name, found);
    if (found != expected) {
      problems +=
          "\n  " + name + ": expected " + detail::number_text(expected) + ", found " + detail::number_text(found);
    }
  });
  std::vector<detail::ExpectedTensor> expected;
  const auto expect = [&](const std::string& name, const auto& info) {
    expected.push_back({name, info.shape, dtype_of<typename Model::value>});
  };
  model.each_parameter([&](const auto& info, const auto*, bool) { expect(info.path, info); });
  State loaded = state.fresh();
  State::visit(loaded, [&](const std::string& name, auto& member) {
    if constexpr (detail::SavedNumber<std::remove_cvref_t<decltype(member)>>) {
      problems += detail::read_number(file, name, member);
    } else {
      for (const auto& info : model.trainable().table) expect(name + "." + info.path, info);
    }
  });
  problems += detail::tensor_problems(file, expected, "part of this training", [](std::string_view) { return false; });
  if (!problems.empty()) fail("the file does not fit the training:" + problems);
  if (const std::string found = loaded.problem(); !found.empty()) fail("the training cannot go on: " + found);

  State::visit(loaded, [&](const std::string& name, auto& member) {
    if constexpr (!detail::SavedNumber<std::remove_cvref_t<decltype(member)>>) {
      for (const auto& info : model.trainable().table) {
        detail::fill_from_host<typename Model::Memory>(
            member.data() + info.offset, info.size, [&](typename Model::value* values) {
              return file.read(file.at(name + "." + info.path), std::span(values, info.size)), true;
            });
      }
    }
  });
  model.assign([&](const auto& info, auto* values) { file.read(file.at(info.path), std::span(values, info.size)); });
  state = std::move(loaded);
}

}  // namespace vitrail::inline VITRAIL_TU
