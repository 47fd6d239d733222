// What the tests of the core share: expectations that are counted, and lists of named tests.
#pragma once
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "core/torch.h"

namespace lossatlas {

struct Test {
  const char* name;
  std::function<void()> run;
};

// Of expectations, so far.
int NumFailures();
void Check(bool condition, const char* expression, int line);
#define EXPECT(condition) ::lossatlas::Check((condition), #condition, __LINE__)

inline bool Near(double a, double b, double tolerance) { return std::abs(a - b) <= tolerance; }

std::vector<Test> ConvolutionEndsTests();
std::vector<Test> DoubleBackwardTests();
std::vector<Test> FirstLayersTests();
std::vector<Test> FrozenPrefixTests();
std::vector<Test> FoldedForwardTests();
std::vector<Test> PoolingTests();
std::vector<Test> RecorderTests();
std::vector<Test> WinogradTests();

}  // namespace lossatlas
