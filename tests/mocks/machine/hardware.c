/* SPDX-License-Identifier: MIT */
/* Machines of any size. */
#include <stddef.h>

#include "machine.h"

static const char *complaint(const struct machine_hardware *hardware)
{
	uint32_t bits = hardware->cpu.address_bits;

	if (!hardware->n_cpus || hardware->n_cpus > MODEL_CPUS)
		return "1 to 1024 processors are possible";
	if (bits < MACHINE_BITS_LEAST || bits > MACHINE_BITS_MOST)
		return "36 to 52 address bits are possible";
	return NULL;
}

bool machine_build(const struct machine_hardware *hardware, const char **why)
{
	struct physical_layout memory = hardware->memory;
	const struct model_kind *kind = model_changed(&hardware->cpu);

	*why = kind ? complaint(hardware) : "there is no such kind of CPU";
	if (*why)
		return false;
	machine_reset(kind, hardware->n_cpus);
	machine.heap_bytes = 0;
	memory.address_bits = hardware->cpu.address_bits;
	if (!physical_lay_out(&memory))
		*why = "so much memory does not fit with so many address bits";
	return !*why;
}
