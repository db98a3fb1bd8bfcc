/* SPDX-License-Identifier: MIT */
/*
 * Reads every MSR number of some ranges through the msr driver, on each CPU, and prints the
 * value or that there is none: natively and under the VMM the text must be the same.
 *
 *   msr_sweep [FIRST LAST]...   hexadecimal; default: what RDMSR bitmaps cover
 *
 * A run of equal answers is one line. MSRs that count time, and those that belong to
 * whatever the CPU was doing, are left out.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct range {
	uint32_t first, last;
};

static const struct range covered[] = {{0, 0x1fff}, {0xc0000000, 0xc0001fff}};

/* Counters, deadlines, local APIC, FS and GS base of the moment. */
static const struct range moving[] = {
	{0x10, 0x10},	{0xe7, 0xe8},	{0x3b, 0x3b},	{0xc1, 0xc8},
	{0x309, 0x30b}, {0x6e0, 0x6e0}, {0x800, 0x8ff}, {0xc0000100, 0xc0000102},
};

struct answer {
	int absent;
	uint64_t value;
};

static int is_moving(uint32_t msr)
{
	for (size_t i = 0; i < sizeof(moving) / sizeof(moving[0]); i++)
		if (msr >= moving[i].first && msr <= moving[i].last)
			return 1;
	return 0;
}

static struct answer ask(int file, uint32_t msr)
{
	struct answer answer = {0, 0};

	answer.absent = pread(file, &answer.value, sizeof(answer.value), msr) != sizeof(answer.value);
	return answer;
}

static int same(const struct answer *a, const struct answer *b)
{
	return a->absent == b->absent && a->value == b->value;
}

static void print(int cpu, uint32_t first, uint32_t last, const struct answer *answer)
{
	if (answer->absent)
		printf("cpu %d: %08x-%08x: none\n", cpu, first, last);
	else
		printf("cpu %d: %08x-%08x: %llx\n", cpu, first, last, (unsigned long long)answer->value);
}

static void sweep(int file, int cpu, const struct range *range)
{
	struct answer run = {-1, 0};
	uint32_t start = range->first;

	for (uint64_t msr = range->first; msr <= range->last; msr++) {
		struct answer answer;

		if (is_moving((uint32_t)msr))
			continue;
		answer = ask(file, (uint32_t)msr);
		if (run.absent >= 0 && !same(&answer, &run)) {
			print(cpu, start, (uint32_t)msr - 1, &run);
			start = (uint32_t)msr;
		}
		run = answer;
	}
	print(cpu, start, range->last, &run);
}

static int sweep_cpu(int cpu, const struct range *ranges, size_t count)
{
	char name[32];
	int file;

	snprintf(name, sizeof(name), "/dev/cpu/%d/msr", cpu);
	file = open(name, O_RDONLY);
	if (file < 0) {
		fprintf(stderr, "msr_sweep: %s: %s (modprobe msr)\n", name, strerror(errno));
		return 1;
	}
	for (size_t i = 0; i < count; i++)
		sweep(file, cpu, &ranges[i]);
	close(file);
	return 0;
}

int main(int argc, char **argv)
{
	struct range own[8];
	const struct range *ranges = covered;
	size_t count = sizeof(covered) / sizeof(covered[0]);
	int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);

	if (argc > 1) {
		count = (size_t)(argc - 1) / 2;
		if (argc % 2 == 0 || count > sizeof(own) / sizeof(own[0])) {
			fprintf(stderr, "usage: msr_sweep [FIRST LAST]...\n");
			return 2;
		}
		for (size_t i = 0; i < count; i++)
			own[i] = (struct range){(uint32_t)strtoul(argv[1 + 2 * i], NULL, 16),
						(uint32_t)strtoul(argv[2 + 2 * i], NULL, 16)};
		ranges = own;
	}
	for (int cpu = 0; cpu < cpus; cpu++)
		if (sweep_cpu(cpu, ranges, count))
			return 1;
	return 0;
}
