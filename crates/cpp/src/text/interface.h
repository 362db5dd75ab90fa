/* The network `@MODEL@`, version @VERSION@, behind two C symbols: for programs that load it when
 * they run, from any language. Written by rtl4ml; changes are lost.
 *
 * Both symbols bear the model's name and version, and nothing else of the library is visible: any
 * number of models, and of versions of a model, live in one process. */
#ifndef @NAME@_H
#define @NAME@_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The same for every emulator that rtl4ml writes. */
#ifndef RTL4ML_EMULATOR_INTERFACE_1
#define RTL4ML_EMULATOR_INTERFACE_1

typedef struct rtl4ml_port {
  const char* name;
  size_t size; /* How many numbers. */
} rtl4ml_port;

typedef struct rtl4ml_emulator rtl4ml_emulator;
struct rtl4ml_emulator {
  uint32_t interface; /* 1 */
  const char* name;
  const char* version;
  size_t input_count;
  const rtl4ml_port* inputs;
  size_t output_count;
  const rtl4ml_port* outputs;
  /* One inference: a pointer for each input and for each output. Return 0, or 1 where an input is
   * not finite, not in its format, or there is no memory. Safe to call from any thread. */
  int (*predict)(const rtl4ml_emulator* self, const double* const* inputs, double* const* outputs);
  int (*predict_raw)(const rtl4ml_emulator* self, const int64_t* const* inputs,
                     int64_t* const* outputs);
};

#endif

/* NULL where there is no memory. */
const rtl4ml_emulator* @NAME@_create(void);
void @NAME@_destroy(const rtl4ml_emulator* emulator);

#ifdef __cplusplus
}
#endif

#endif
