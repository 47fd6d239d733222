// The program that TypeScript read from a .pt2 file.
#pragma once
#include <napi.h>

#include "core/exported_program.h"

namespace lossatlas {

// {storages: Uint8Array[], tensors, classes: [path, name][], inputs: string[], nodes, output, lostDropout,
// nonPersistent: string[]}; lib/native/exported-program.ts has the types. ERR_INVALID_ARGUMENT.
ExportedProgram ReadProgram(const Napi::Value& value);

}  // namespace lossatlas
