// Variables of the environment by which a part of lossatlas makes way for libtorch's own, to compare.
#pragma once
#include <cstdlib>
#include <cstring>

namespace lossatlas {

// Whether the environment says <variable>=<value>.
inline bool EnvironmentSays(const char* variable, const char* value) {
  const char* found = std::getenv(variable);
  return found != nullptr && std::strcmp(found, value) == 0;
}

}  // namespace lossatlas
