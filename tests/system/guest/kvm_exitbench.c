/* SPDX-License-Identifier: MIT */
/*
 * Ticks per CPUID in a guest of the kernel's own KVM: the yardstick for exitbench. The guest is a
 * few bytes of real-mode code that counts CX down, with CPUID in the loop or without.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <x86intrin.h>

#define COUNT  500
#define ROUNDS 8
#define BYTES  0x1000

static const uint8_t with_cpuid[] = {
	0x66, 0x31, 0xc0, /* 1: xor  %eax, %eax */
	0x89, 0xcf,	  /*    mov  %cx, %di   (CPUID overwrites CX) */
	0x0f, 0xa2,	  /*    cpuid */
	0x89, 0xf9,	  /*    mov  %di, %cx */
	0xe2, 0xf5,	  /*    loop 1b */
	0xf4,		  /*    hlt */
};
static const uint8_t without[] = {
	0x66, 0x31, 0xc0, 0x89, 0xcf, 0x89, 0xf9, 0xe2, 0xf7, 0xf4,
};

struct machine {
	int vm, vcpu;
	uint8_t *memory;
	struct kvm_run *run;
};

/* Where it went wrong; errno says why. */
static int fail(const char *what)
{
	perror(what);
	return -1;
}

static int machine_create(struct machine *m)
{
	struct kvm_userspace_memory_region region = {.memory_size = BYTES};
	int kvm = open("/dev/kvm", O_RDWR);
	int bytes;

	if (kvm < 0)
		return fail("/dev/kvm");
	m->vm = ioctl(kvm, KVM_CREATE_VM, 0);
	m->memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	region.userspace_addr = (uint64_t)m->memory;
	if (m->vm < 0 || ioctl(m->vm, KVM_SET_USER_MEMORY_REGION, &region))
		return fail("KVM_CREATE_VM");
	m->vcpu = ioctl(m->vm, KVM_CREATE_VCPU, 0);
	bytes = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (m->vcpu < 0 || bytes < 0)
		return fail("KVM_CREATE_VCPU");
	m->run = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, m->vcpu, 0);
	return m->run == MAP_FAILED ? fail("mmap of the vCPU") : 0;
}

/* From address 0 in real mode with CX = COUNT. */
static int machine_reset(struct machine *m)
{
	struct kvm_regs regs = {.rcx = COUNT, .rflags = 2};
	struct kvm_sregs sregs;

	if (ioctl(m->vcpu, KVM_GET_SREGS, &sregs))
		return fail("KVM_GET_SREGS");
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(m->vcpu, KVM_SET_SREGS, &sregs) || ioctl(m->vcpu, KVM_SET_REGS, &regs))
		return fail("KVM_SET_REGS");
	return 0;
}

/* Ticks of the quickest run, or 0. */
static uint64_t measure(struct machine *m, const uint8_t *code, size_t bytes)
{
	uint64_t best = UINT64_MAX;

	memcpy(m->memory, code, bytes);
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t start;

		if (machine_reset(m))
			return 0;
		start = __rdtsc();
		if (ioctl(m->vcpu, KVM_RUN, 0) || m->run->exit_reason != KVM_EXIT_HLT) {
			fprintf(stderr, "kvm_exitbench: exit reason %u\n", m->run->exit_reason);
			return 0;
		}
		start = __rdtsc() - start;
		if (start < best)
			best = start;
	}
	return best;
}

int main(void)
{
	struct machine m;
	uint64_t with, empty;

	if (machine_create(&m))
		return 1;
	with = measure(&m, with_cpuid, sizeof(with_cpuid));
	empty = measure(&m, without, sizeof(without));
	if (!with || !empty)
		return 1;
	printf("KVM: %.2f ticks per CPUID\n", (double)(with - empty) / COUNT);
	return 0;
}
