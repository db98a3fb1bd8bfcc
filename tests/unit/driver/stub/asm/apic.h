/* SPDX-License-Identifier: MIT */
#ifndef STUB_ASM_APIC_H
#define STUB_ASM_APIC_H

struct apic {
	void (*send_IPI)(int cpu, int vector);
};
extern const struct apic *apic;

#endif
