// scopes.hpp - which module each operation of a traced step belongs to: for summaries, profiles and error messages.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "../config.hpp"

namespace vitrail::inline VITRAIL_TU {

// A module is known by where it is and what it is: its first member lies at the same address.
struct ModuleId {
  const void *address = nullptr, *type = nullptr;
  friend constexpr bool operator==(const ModuleId&, const ModuleId&) = default;
};
template <class M>
inline constexpr char type_mark = 0;
template <class M>
constexpr ModuleId id_of(const M& module) {
  return {&module, &type_mark<M>};
}
// A module as a walk finds it: "blocks.3.attn".
struct NamedModule {
  std::string path;
  ModuleId id;
};

// One call of a module's forward.
struct Scope {
  ModuleId module;
  int parent = -1;
  std::vector<std::size_t> output;  // shape per sample of what it returned
};
struct Scopes {
  std::vector<Scope> calls;       // in the order in which they began
  std::vector<int> of_operation;  // the innermost call, by operation; -1: none
  int open = -1;

  void enter(const ModuleId& module) {
    calls.push_back({module, open, {}});
    open = static_cast<int>(calls.size()) - 1;
  }
  void leave(std::vector<std::size_t> output) {
    Scope& scope = calls[static_cast<std::size_t>(open)];
    scope.output = std::move(output);
    open = scope.parent;
  }
  // By operation: the path of its module, "" outside of all of them.
  std::vector<std::string> paths(const std::vector<NamedModule>& modules) const {
    std::vector<std::string> names;
    for (int call : of_operation) {
      std::string name;
      // A module that the walk does not know (made in a forward function) counts to the one that called it.
      for (bool found = false; call >= 0 && !found; call = calls[static_cast<std::size_t>(call)].parent) {
        for (const NamedModule& module : modules) {
          if (module.id != calls[static_cast<std::size_t>(call)].module) continue;
          name = module.path;
          found = true;
        }
      }
      names.push_back(name);
    }
    return names;
  }
};

}  // namespace vitrail::inline VITRAIL_TU
