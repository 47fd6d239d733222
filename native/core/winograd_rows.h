// Products of any number of rows by MultiplyRows, which stands before it.

using RowsFunction = void (*)(int64_t, const Element*, int64_t, const Element*, float*);

// By height less one.
template <int kVectors, bool kFromZero, int... kHeights>
static constexpr std::array<RowsFunction, kRows> RowsTable(std::integer_sequence<int, kHeights...>) {
  return {&MultiplyRows<kHeights + 1, kVectors, kFromZero>...};
}
using Heights = std::make_integer_sequence<int, kRows>;
static constexpr std::array<RowsFunction, kRows> kMultiply[2][2] = {
    {RowsTable<1, false>(Heights{}), RowsTable<1, true>(Heights{})},
    {RowsTable<2, false>(Heights{}), RowsTable<2, true>(Heights{})}};

static void Multiply(int64_t rows, int64_t depth, int64_t panel, const Element* a, int64_t stride,
                     const Element* b, float* c, bool adds) {
  const auto& by_height = kMultiply[panel == kLanes ? 0 : 1][adds ? 0 : 1];
  const int64_t blocks = (rows + kRows - 1) / kRows;
  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t first = FirstRow(rows, blocks, block);
    const int64_t height = FirstRow(rows, blocks, block + 1) - first;
    by_height[height - 1](depth, a + first * stride, stride, b, c + first * panel);
  }
}
