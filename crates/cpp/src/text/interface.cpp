// The shared library: see @NAME@.h. Written by rtl4ml; changes are lost.
#if defined(_WIN32)
#define VISIBLE __declspec(dllexport)
#else
#define VISIBLE __attribute__((visibility("default")))
#endif

#include "@NAME@.h"
#include "@NAME@.hpp"

#include <iterator>
#include <new>

namespace {

using @NAME@::Emulator;

struct Ports {
  rtl4ml_port inputs[std::size(Emulator::inputs)];
  rtl4ml_port outputs[std::size(Emulator::outputs)];
};

struct Instance {
  rtl4ml_emulator interface;  // The first member: a pointer to it is a pointer to the whole.
  Ports ports;
};

int predict(const rtl4ml_emulator*, const double* const* inputs, double* const* outputs) {
  try {
    Emulator().predict(@ARGUMENTS@);
    return 0;
  } catch (...) {
    return 1;
  }
}

int predict_raw(const rtl4ml_emulator*, const int64_t* const* inputs, int64_t* const* outputs) {
  try {
    Emulator().predict_raw(@ARGUMENTS@);
    return 0;
  } catch (...) {
    return 1;
  }
}

}  // namespace

extern "C" VISIBLE const rtl4ml_emulator* @NAME@_create(void) {
  Instance* instance = new (std::nothrow) Instance;
  if (instance == nullptr) return nullptr;
  for (std::size_t i = 0; i < std::size(Emulator::inputs); ++i) {
    instance->ports.inputs[i] = {Emulator::inputs[i].name, Emulator::inputs[i].size};
  }
  for (std::size_t i = 0; i < std::size(Emulator::outputs); ++i) {
    instance->ports.outputs[i] = {Emulator::outputs[i].name, Emulator::outputs[i].size};
  }
  instance->interface = {1,
                         @NAME@::model_name,
                         @NAME@::model_version,
                         std::size(Emulator::inputs),
                         instance->ports.inputs,
                         std::size(Emulator::outputs),
                         instance->ports.outputs,
                         predict,
                         predict_raw};
  return &instance->interface;
}

extern "C" VISIBLE void @NAME@_destroy(const rtl4ml_emulator* emulator) {
  delete reinterpret_cast<const Instance*>(emulator);
}
