/* SPDX-License-Identifier: MIT */
/*
 * Second-level translation: from the guest's physical addresses to the machine's. Offered by a module of its
 * own that registers itself in its constructor (vcpu_register_slat()). Without one the guest runs on the
 * CPU's own paging alone.
 */
#ifndef PLINTH_SLAT_H
#define PLINTH_SLAT_H

#include <stdint.h>

#include <plinth/boot.h>

/* What an access wants, and what a page allows. */
#define SLAT_READ    1u
#define SLAT_WRITE   2u
#define SLAT_EXECUTE 4u

struct slat {
	int (*init)(const struct plinth_boot *boot); /* within vcpu_init(); 0 or PLINTH_E_* */
	void (*fini)(void);			     /* within vcpu_fini() */
	uint64_t (*root)(void);			     /* of this CPU, as the hardware wants it */
	/*
	 * Before each launch, in root operation on the CPU in question: look at what may have changed since
	 * the last one, and drop translations; 0 or PLINTH_E_*.
	 */
	int (*flush)(void);
};

#endif
