// The one catch ladder: whatever was thrown becomes a stable code and a message for people.
#pragma once
#include <string>

namespace lossatlas {

struct Failure {
  std::string code;
  std::string message;
};

// To be called inside a catch block.
Failure CurrentFailure();

// libtorch's messages carry stacks and TorchScript tracebacks; these keep the sentence that matters.
std::string FirstLine(const std::string& text);
std::string LastLine(const std::string& text);

}  // namespace lossatlas
