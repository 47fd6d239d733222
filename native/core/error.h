// The one exception type of the core: a message for people and a stable code for programs.
#pragma once
#include <stdexcept>
#include <string>
#include <utility>

namespace lossatlas {

class Error : public std::runtime_error {
 public:
  Error(const char* code, std::string message) : std::runtime_error(std::move(message)), code_(code) {}
  const char* code() const { return code_; }

 private:
  const char* code_;
};

namespace code {
inline constexpr const char* kModelLoad = "ERR_MODEL_LOAD";
inline constexpr const char* kNoParameters = "ERR_NO_PARAMETERS";
inline constexpr const char* kModeBakedIn = "ERR_MODE_BAKED_IN";
inline constexpr const char* kForward = "ERR_FORWARD";
inline constexpr const char* kCriterion = "ERR_CRITERION";
inline constexpr const char* kNoDoubleBackward = "ERR_NO_DOUBLE_BACKWARD";
inline constexpr const char* kInvalidData = "ERR_INVALID_DATA";
inline constexpr const char* kEmptyData = "ERR_EMPTY_DATA";
inline constexpr const char* kLabelRange = "ERR_LABEL_RANGE";
inline constexpr const char* kLayoutMismatch = "ERR_LAYOUT_MISMATCH";
inline constexpr const char* kDevice = "ERR_DEVICE";
inline constexpr const char* kOutOfMemory = "ERR_OUT_OF_MEMORY";
inline constexpr const char* kDisposed = "ERR_DISPOSED";
inline constexpr const char* kInvalidArgument = "ERR_INVALID_ARGUMENT";
inline constexpr const char* kShutdown = "ERR_SHUTDOWN";
inline constexpr const char* kLibtorch = "ERR_LIBTORCH";
inline constexpr const char* kInternal = "ERR_INTERNAL";
}  // namespace code

}  // namespace lossatlas
