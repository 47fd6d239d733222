#include "core/model.h"

#include "core/error.h"

namespace lossatlas {

Mode ParseMode(const std::string& name) {
  if (name == "eval") return Mode::kEval;
  if (name == "train") return Mode::kTrain;
  throw Error(code::kInvalidArgument, "mode '" + name + "' is not eval or train");
}

const char* ModeName(Mode mode) { return mode == Mode::kTrain ? "train" : "eval"; }

}  // namespace lossatlas
