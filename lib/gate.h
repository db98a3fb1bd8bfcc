/* SPDX-License-Identifier: MIT */
/*
 * Descriptors as the CPU reads them (SDM, "Segment Descriptors" and "64-Bit Mode IDT"; the same in the APM).
 */
#ifndef PLINTH_LIB_GATE_H
#define PLINTH_LIB_GATE_H

#include <stdint.h>

#include <plinth/intrinsics.h>

#define GATE_INTERRUPT 0x8e00ull
#define GATE_IST       (7ull << 32)

/**
 * gate_to() - an interrupt gate of 64-bit mode that leads to @stub, on interrupt stack @ist of the task
 * state; 0: the one in use.
 */
static inline struct cpu_gate gate_to(uint64_t stub, uint64_t cs, uint64_t ist)
{
	return (struct cpu_gate){
		.low = (stub & 0xffff) | cs << 16 | ist << 32 | GATE_INTERRUPT << 32 |
		       (stub >> 16 & 0xffff) << 48,
		.high = stub >> 32,
	};
}

#endif
