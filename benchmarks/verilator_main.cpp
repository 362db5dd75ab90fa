// Random inputs into a circuit in every cycle, as fast as Verilator's model goes.
//
//     model SECONDS: prints clock cycles and the processor's seconds for them.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "Vmodel.h"
#include "verilated.h"

namespace {

std::uint64_t state = 88172645463325252ull;

std::uint32_t random_bits() {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return static_cast<std::uint32_t>(state >> 16);
}

template <class T> void randomize(T& port, int bits) {
  const std::uint64_t any = (static_cast<std::uint64_t>(random_bits()) << 32) | random_bits();
  port = static_cast<T>(bits >= 64 ? any : any & ((std::uint64_t{1} << bits) - 1));
}

template <std::size_t words> void randomize(VlWide<words>& port, int bits) {
  for (std::size_t word = 0; word < words; ++word) {
    const int rest = bits - 32 * static_cast<int>(word);
    port[word] = rest >= 32 ? random_bits() : random_bits() & ((1u << rest) - 1);
  }
}

void cycle(Vmodel& model) {
  model.clk = 1;
  model.eval();
  model.clk = 0;
  model.eval();
}

}  // namespace

int main(int, char** arguments) {
  const double enough = std::atof(arguments[1]);
  VerilatedContext context;
  Vmodel model{&context};
  model.clk = 0;
  model.rst = 1;
  model.in_valid = 0;
  model.eval();
  for (int i = 0; i < 4; ++i) cycle(model);
  model.rst = 0;
  model.in_valid = 1;
  long cycles = 0, outputs = 0;
  double seconds = 0;
  const std::clock_t started = std::clock();
  while (seconds < enough) {
    for (int i = 0; i < 200; ++i, ++cycles) {
      RANDOMIZE
      cycle(model);
      outputs += model.out_valid;
    }
    seconds = static_cast<double>(std::clock() - started) / CLOCKS_PER_SEC;
  }
  std::printf("%ld %f\n", cycles, seconds);
  return outputs == 0;
}
