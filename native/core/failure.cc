#include "core/failure.h"

#include <new>

#include "core/error.h"
#include "core/torch.h"

namespace lossatlas {
namespace {

// "derivative for aten::foo is not implemented", "the derivative for 'foo' is not implemented"
bool LacksDerivative(const std::string& text) {
  return text.find("derivative for") != std::string::npos &&
         text.find("not implemented") != std::string::npos;
}

Failure FromLibtorch(const std::string& text) {
  if (LacksDerivative(text)) {
    return {code::kNoDoubleBackward,
            "An operator of the model has no second derivative: " + FirstLine(text) +
                ". Replace it by differentiable operators (for attention, the plain softmax form)."};
  }
  if (text.find("not enough memory") != std::string::npos ||
      text.find("out of memory") != std::string::npos) {
    return {code::kOutOfMemory, FirstLine(text) + ". Use fewer samples per batch or a lower memoryBudget."};
  }
  return {code::kLibtorch, FirstLine(text)};
}

}  // namespace

std::string FirstLine(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \n");
  if (begin == std::string::npos) return text;
  std::string line = text.substr(begin, text.find('\n', begin) - begin);
  // libtorch names classes with an address in memory, which says nothing to anybody and differs each time.
  const std::string note = " (of Python compilation unit at: ";
  for (size_t at = line.find(note); at != std::string::npos; at = line.find(note)) {
    const size_t end = line.find(')', at);
    if (end == std::string::npos) break;
    line.erase(at, end - at + 1);
  }
  return line;
}

std::string LastLine(const std::string& text) {
  // TorchScript puts the operator's own message last, before c10's "Exception raised from ..." trailer.
  std::string body = text.substr(0, text.find("\nException raised from"));
  const size_t end = body.find_last_not_of(" \n");
  if (end == std::string::npos) return text;
  body.resize(end + 1);
  const size_t begin = body.rfind('\n');
  return begin == std::string::npos ? body : body.substr(begin + 1);
}

Failure CurrentFailure() {
  try {
    throw;
  } catch (const Error& e) {
    return {e.code(), e.what()};
  } catch (const c10::OutOfMemoryError& e) {
    return {code::kOutOfMemory, FirstLine(e.what_without_backtrace())};
  } catch (const c10::Error& e) {
    return FromLibtorch(e.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    return {code::kOutOfMemory, "The machine has no memory left for this step. Use fewer samples per batch."};
  } catch (const std::exception& e) {
    return FromLibtorch(e.what());
  } catch (...) {
    return {code::kInternal, "An exception of unknown type was thrown."};
  }
}

}  // namespace lossatlas
