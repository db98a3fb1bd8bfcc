/* SPDX-License-Identifier: MIT */
/*
 * Runs CPUID on each CPU from user space and prints what it got.
 *
 *   cpuid_probe [--leaf HEX] [--cpu N] [--count N] [--signature]
 *
 * --count repeats the instruction, to make VM exits; --signature prints only
 * the text in EBX:ECX:EDX, where a hypervisor puts its name (leaf 40000000h).
 */
#include <ctype.h>
#include <getopt.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct regs {
	uint32_t eax, ebx, ecx, edx;
};

static void cpuid(uint32_t leaf, struct regs *r)
{
	__asm__ volatile("cpuid"
			 : "=a"(r->eax), "=b"(r->ebx), "=c"(r->ecx), "=d"(r->edx)
			 : "a"(leaf), "c"(0));
}

static void signature(const struct regs *r, char text[13])
{
	memcpy(text, &r->ebx, 4);
	memcpy(text + 4, &r->ecx, 4);
	memcpy(text + 8, &r->edx, 4);
	text[12] = '\0';
	for (int i = 0; i < 12; i++)
		if (!isprint((unsigned char)text[i]))
			text[i] = '.';
}

static int probe(int cpu, uint32_t leaf, long count, int only_signature)
{
	struct regs r = {0};
	cpu_set_t set;
	char text[13];

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set)) {
		fprintf(stderr, "cpuid_probe: cannot run on CPU %d\n", cpu);
		return 1;
	}
	for (long i = 0; i < count; i++)
		cpuid(leaf, &r);
	signature(&r, text);
	if (only_signature)
		printf("cpu %d: %s\n", cpu, text);
	else
		printf("cpu %d: leaf %08x: eax %08x ebx %08x ecx %08x edx %08x \"%s\"\n", cpu, leaf, r.eax,
		       r.ebx, r.ecx, r.edx, text);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"leaf", required_argument, NULL, 'l'},
		{"cpu", required_argument, NULL, 'c'},
		{"count", required_argument, NULL, 'n'},
		{"signature", no_argument, NULL, 's'},
		{0},
	};
	uint32_t leaf = 0x40000000;
	int only_signature = 0;
	long count = 1;
	int first = 0;
	int last = (int)sysconf(_SC_NPROCESSORS_ONLN) - 1;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'l': leaf = (uint32_t)strtoul(optarg, NULL, 16); break;
		case 'c': first = last = atoi(optarg); break;
		case 'n': count = atol(optarg); break;
		case 's': only_signature = 1; break;
		default: return 2;
		}
	}
	for (int cpu = first; cpu <= last; cpu++)
		if (probe(cpu, leaf, count, only_signature))
			return 1;
	return 0;
}
