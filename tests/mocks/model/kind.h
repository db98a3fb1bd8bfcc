/* SPDX-License-Identifier: MIT */
/* A kind of CPU: what it offers. The one place where what the vendors have stands side by side. */
#ifndef TESTS_MOCKS_MODEL_KIND_H
#define TESTS_MOCKS_MODEL_KIND_H

#include <stdbool.h>
#include <stdint.h>

#include <plinth/vmx_check.h>

struct model_vendor;

struct model_kind {
	const char *name;
	const struct model_vendor *vendor;
	uint32_t physical_bits, linear_bits; /* address widths */
	uint64_t cr4;			     /* the bits that there are */
	uint64_t perf_global;		     /* those of IA32_PERF_GLOBAL_CTRL */
	bool lam;			     /* linear-address masking */
	bool no_1g;			     /* no pages of 1 GiB, whatever the second level has */
	bool x2apic, deaf_apic;		     /* the local APIC: in that mode; sends its CPU no INIT */
	bool rdtscp, invpcid, xsaves, waitpkg, pconfig, rdpid, msrlist, pt;
	bool no_debug_store, no_mca; /* no_mca: without the registers that tell of machine checks */
	bool key_locker, faults;     /* CPUID leaf 19h; CPUID faulting, of a hypervisor */
	uint32_t hypervisor;	     /* beneath everything: so many blocks of CPUID leaves are its */
	uint32_t counters;	     /* version of the architectural performance counters */
	uint64_t cr4_extra;	     /* set in every CPU at reset */
	uint32_t highest_leaf;	     /* of CPUID; 0: the usual one */

	/* VT-x; of the capabilities what stands above is the CPU's. */
	struct vmx_caps caps;
	bool no_vmx;
	bool in_smx, refuses_vmxon; /* after a measured launch; a hypervisor below has the last word */
	bool init_stays; /* an INIT is still there after the exit that told of it, as in some CPUs */
	uint64_t feature_control;
};

extern const struct model_kind model_kinds[];
extern const unsigned int model_n_kinds;

/* Another machine than one of the list. */
struct model_change {
	const char *kind; /* of model_kinds; NULL: the first */
	uint32_t address_bits;
	uint32_t lacks; /* MODEL_LACKS_* */
};

/* Of the second level: pages of 1 GiB, accessed bits; of what is remembered by tags, ways to forget it. */
#define MODEL_LACKS_1G		 1u
#define MODEL_LACKS_ACCESSED	 2u
#define MODEL_LACKS_FLUSH_PAGE	 4u
#define MODEL_LACKS_FLUSH_ONE	 8u
#define MODEL_LACKS_FLUSH_ALL	 16u
#define MODEL_LACKS_FLUSH_GLOBAL 32u

/** model_changed() - that kind of CPU; valid until the next call. NULL: there is no such kind. */
const struct model_kind *model_changed(const struct model_change *change);

#endif
