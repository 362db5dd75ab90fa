// Casts of numbers to every sort of type, and what is refused.

#include "numbers_v1.hpp"

#include <cstdio>
#include <cstring>
#include <fstream>
#include <limits>
#include <vector>

template <class F> bool refuses(F f) {
  try { f(); } catch (const std::invalid_argument&) { return true; }
  return false;
}

int main() {
  const numbers_v1::Emulator emulator;
  const std::size_t size = numbers_v1::Emulator::inputs[0].size;
  std::ifstream file("numbers.txt");
  std::vector<double> x(size), expected(size), y(size);
  const auto read = [&](std::vector<double>& tensor) {
    for (double& number : tensor) {
      std::uint64_t bits;
      if (!(file >> bits)) return false;
      std::memcpy(&number, &bits, 8);
    }
    return true;
  };
  std::size_t differ = 0, count = 0;
  while (read(x) && read(expected)) {
    emulator.predict(x.data(), y.data());
    for (std::size_t i = 0; i < size; ++i) {
      if (y[i] != expected[i]) std::printf("element %zu: %a became %a, not %a\n", i, x[i], y[i], expected[i]);
      differ += y[i] != expected[i];
      ++count;
    }
  }
  for (double bad : {std::numeric_limits<double>::quiet_NaN(), -std::numeric_limits<double>::infinity()}) {
    x.assign(size, 0.0);
    x[1] = bad;
    if (!refuses([&] { emulator.predict(x.data(), y.data()); })) return 3;
  }
  std::vector<std::int64_t> raw(size), out(size);
  emulator.predict_raw(raw.data(), out.data());
  raw[0] = 1 << 20;  // The first type has eight bits.
  if (!refuses([&] { emulator.predict_raw(raw.data(), out.data()); })) return 4;
  std::printf("%zu\n", count);
  return differ != 0;
}
