/* SPDX-License-Identifier: MIT */
/*
 * What CPUID says in 32-bit code of a 64-bit kernel (compatibility mode), a line a leaf: some bits depend on
 * the mode of the code that asks. Natively and under the VMM the text must be the same.
 */
#include <stdint.h>
#include <stdio.h>

struct answer {
	uint32_t eax, ebx, ecx, edx;
};

/*
 * void compat_cpuid(struct answer *): EAX and ECX are the question. To 32-bit code and back by far jumps; the
 * program is linked below 4 GiB. What registers keep across the modes is their lower half, hence memory.
 */
__asm__(".text\n"
	"compat_cpuid:\n"
	"	push %rbx\n"
	"	mov %rsp, stack(%rip)\n"
	"	mov %rdi, where(%rip)\n"
	"	mov (%rdi), %eax\n"
	"	mov 8(%rdi), %ecx\n"
	"	ljmpl *to_32(%rip)\n"
	"	.code32\n"
	"in_32:	cpuid\n"
	"	ljmp $0x33, $in_64\n"
	"	.code64\n"
	"in_64:	mov stack(%rip), %rsp\n"
	"	mov where(%rip), %rdi\n"
	"	mov %eax, (%rdi)\n"
	"	mov %ebx, 4(%rdi)\n"
	"	mov %ecx, 8(%rdi)\n"
	"	mov %edx, 12(%rdi)\n"
	"	pop %rbx\n"
	"	ret\n"
	".data\n"
	"	.balign 8\n"
	"stack:	.quad 0\n"
	"where:	.quad 0\n"
	"to_32:	.long in_32\n"
	"	.word 0x23\n"
	".text\n");
void compat_cpuid(struct answer *answer);

#define HYPERVISOR (1u << 31)

static struct answer ask(uint32_t leaf, uint32_t subleaf)
{
	struct answer answer = {.eax = leaf, .ecx = subleaf};

	compat_cpuid(&answer);
	return answer;
}

static void show(uint32_t leaf, uint32_t subleaf)
{
	struct answer a = ask(leaf, subleaf);

	if (leaf == 1) /* documented: it is set under the VMM */
		a.ecx &= ~HYPERVISOR;
	if (leaf == 7 && subleaf == 1) /* and these are not: LASS, FRED */
		a.eax &= ~(1u << 6 | 1u << 17);
	printf("%08x %x: %08x %08x %08x %08x\n", leaf, subleaf, a.eax, a.ebx, a.ecx, a.edx);
}

static void show_range(uint32_t first)
{
	uint32_t last = ask(first, 0).eax;

	for (uint32_t leaf = first; leaf <= last; leaf++)
		for (uint32_t subleaf = 0; subleaf < 3; subleaf++)
			show(leaf, subleaf);
}

int main(void)
{
	show_range(0);
	show_range(0x80000000);
	return 0;
}
