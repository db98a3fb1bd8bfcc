/* SPDX-License-Identifier: MIT */
/*
 * A user process that wants in: random hypercalls, CPUID leaves, VMX and privileged instructions,
 * and, where it may open them, random MSR accesses through msr.ko and random ioctls of
 * /dev/plinth. Prints how each kind ended, which must not depend on the seed but for CPUID.
 *
 *   poke SEED ROUNDS
 *
 * Exit status 0 if nothing got through; what "through" is stands at each kind.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <plinth/boot.h>
#include <plinth/control.h>

static uint64_t state;
static sigjmp_buf back;
static volatile sig_atomic_t caught;

static uint64_t random64(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Small numbers and near misses of what means something are likelier than chance makes them. */
static uint64_t number(void)
{
	static const uint64_t likely[] = {0,	      1,	  7,
					  0xd,	      0x40000000, 0x40000001,
					  0x400000ff, 0x80000000, PLINTH_HYPERCALL_STOP,
					  0x10,	      0x3a,	  0x480,
					  0x2000,     0xc0000080, 0xc0002000,
					  ~0ull};

	switch (random64() % 4) {
	case 0: return likely[random64() % (sizeof(likely) / sizeof(likely[0]))] + random64() % 3 - 1;
	case 1: return random64() % 256;
	default: return random64();
	}
}

static void on_signal(int signal)
{
	caught = signal;
	siglongjmp(back, 1);
}

static void do_vmcall(void)
{
	uint64_t a = number(), b = number(), c = number(), d = number();

	__asm__ volatile("push %%rbx\n\tmov %1, %%rbx\n\tvmcall\n\tpop %%rbx"
			 : "+a"(a), "+r"(b), "+c"(c), "+d"(d)::"memory");
}

static void do_vmfunc(void)
{
	__asm__ volatile(".byte 0x0f, 0x01, 0xd4" ::"a"(number()), "c"(number()) : "memory");
}

static void do_vmxon(void)
{
	uint64_t operand = number();

	__asm__ volatile("vmxon %0" ::"m"(operand) : "memory", "cc");
}

static void do_vmread(void)
{
	uint64_t value;

	__asm__ volatile("vmread %1, %0" : "=r"(value) : "r"(number()) : "cc");
}

static void do_vmwrite(void)
{
	__asm__ volatile("vmwrite %0, %1" ::"r"(number()), "r"(number()) : "cc");
}

static void do_xsetbv(void)
{
	__asm__ volatile("xsetbv" ::"a"((uint32_t)number()), "c"((uint32_t)number()),
			 "d"((uint32_t)number()));
}

static void do_rdmsr(void)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"((uint32_t)number()));
}

static void do_wrmsr(void)
{
	__asm__ volatile("wrmsr" ::"a"((uint32_t)number()), "c"((uint32_t)number()), "d"((uint32_t)number()));
}

static void do_getsec(void)
{
	__asm__ volatile("push %%rbx\n\t.byte 0x0f, 0x37\n\tpop %%rbx" ::"a"((uint32_t)number()) : "memory");
}

static void do_invd(void)
{
	__asm__ volatile("invd");
}

static void do_cpuid(void)
{
	uint32_t a = (uint32_t)number(), b, c = (uint32_t)number(), d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
}

static int msr_file = -1, msr_write_file = -1, device = -1;

/* A round that did not go as it must. */
static void bad_round(void)
{
	caught = -1;
}

static void do_msr_read(void)
{
	uint64_t value;

	(void)!pread(msr_file, &value, sizeof(value), (off_t)(uint32_t)number());
}

/* A write of these does something, whatever the value. */
static int acts(uint32_t msr)
{
	return msr == 0x10 || msr == 0x79 || msr == 0x6e0 || (msr >= 0x800 && msr < 0x900);
}

/*
 * An MSR that cannot be read cannot be written either, but for a few that are for writing only and lie among
 * the numbers that no exit sees; others get the value they have.
 */
static void do_msr_write(void)
{
	uint32_t msr = (uint32_t)number();
	int outside = (msr >= 0x2000 && msr < 0xc0000000) || msr >= 0xc0002000;
	uint64_t value = number(), again;

	if (acts(msr))
		return;
	if (pread(msr_write_file, &value, sizeof(value), msr) != sizeof(value)) {
		if (outside && pwrite(msr_write_file, &value, sizeof(value), msr) >= 0)
			bad_round();
		return;
	}
	(void)!pwrite(msr_write_file, &value, sizeof(value), msr);
	if (pread(msr_write_file, &again, sizeof(again), msr) != sizeof(again))
		bad_round();
}

/* Never well-formed enough to stop the VMM, which a privileged process may. */
#define NO_SUCH_FLAG 0x80000000u

static void do_ioctl(void)
{
	static uint64_t room[512];
	uint32_t bytes = (uint32_t)(random64() % 2 ? random64() % 256 : number());
	uint32_t head[2] = {bytes, (uint32_t)number() | NO_SUCH_FLAG};
	unsigned long request = random64() % 4 ? PLINTH_CTL_NR(random64() % 32) : number();

	/* So short that the flags are not part of it, an argument says nothing wrong. */
	if (bytes >= sizeof(bytes) && bytes < sizeof(head))
		head[0] = sizeof(head);
	for (size_t i = 0; i < sizeof(room) / sizeof(room[0]); i++)
		room[i] = number();
	memcpy(room, head, sizeof(head));
	(void)ioctl(device, request, random64() % 8 ? (void *)room : (void *)number());
}

/*
 * Questions that are answered, into a buffer that was filled with one byte and then with another: what is not
 * of the answer stays as it was, and the answer is the same twice, so that nothing in it is left over from
 * somewhere else.
 */
static void do_question(void)
{
	static const unsigned int lists[] = {PLINTH_CTL_MODULES, PLINTH_CTL_MAPS, PLINTH_CTL_ERROR};
	static uint8_t answer[2][8192];
	unsigned int request = lists[random64() % 3];
	struct plinth_ctl_list list[2];
	uint64_t item_bytes = request == PLINTH_CTL_ERROR ? 1 : 1 + random64() % 600;
	uint64_t room = random64() % 12;

	for (unsigned int i = 0; i < 2; i++) {
		memset(answer[i], i ? 0xff : 0, sizeof(answer[i]));
		list[i] = (struct plinth_ctl_list){.size = sizeof(list[i]),
						   .item_bytes = (uint32_t)item_bytes,
						   .room = room,
						   .items = (uint64_t)answer[i]};
		if (ioctl(device, request, &list[i]))
			bad_round();
	}
	if (list[0].count != list[1].count)
		bad_round();
	for (uint64_t k = 0; k < sizeof(answer[0]); k++) {
		int untouched = answer[0][k] == 0 && answer[1][k] == 0xff;
		int of_it = k < room * item_bytes && k < list[0].count * item_bytes;

		if (untouched == of_it || (of_it && answer[0][k] != answer[1][k]))
			bad_round();
	}
}

static const struct kind {
	const char *name;
	void (*run)(void);
	int wanted; /* signal; 0: none */
	int *file;  /* needs this one open */
} kinds[] = {
	{"vmcall", do_vmcall, SIGILL, NULL},
	{"vmfunc", do_vmfunc, SIGILL, NULL},
	{"vmxon", do_vmxon, SIGILL, NULL},
	{"vmread", do_vmread, SIGILL, NULL},
	{"vmwrite", do_vmwrite, SIGILL, NULL},
	{"xsetbv", do_xsetbv, SIGSEGV, NULL},
	{"rdmsr", do_rdmsr, SIGSEGV, NULL},
	{"wrmsr", do_wrmsr, SIGSEGV, NULL},
	{"getsec", do_getsec, SIGILL, NULL},
	{"invd", do_invd, SIGSEGV, NULL},
	{"cpuid", do_cpuid, 0, NULL},
	{"msr read", do_msr_read, 0, &msr_file},
	{"msr write", do_msr_write, 0, &msr_write_file},
	{"ioctl", do_ioctl, 0, &device},
	{"question", do_question, 0, &device},
};

/* Returns how many rounds did not end as they should. */
static long poke(const struct kind *kind, long rounds)
{
	volatile long bad = 0;

	for (volatile long i = 0; i < rounds; i++) {
		caught = 0;
		if (!sigsetjmp(back, 1))
			kind->run();
		bad += caught != kind->wanted;
	}
	return bad;
}

int main(int argc, char **argv)
{
	static const int signals[] = {SIGILL, SIGSEGV, SIGBUS, SIGTRAP};
	long rounds = argc > 2 ? atol(argv[2]) : 100, bad = 0;

	state = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	state = state ? state : 1;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], on_signal);
	msr_file = open("/dev/cpu/0/msr", O_RDONLY);
	msr_write_file = open("/dev/cpu/0/msr", O_RDWR);
	device = open("/dev/plinth", O_RDWR);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		long failed;

		if (kinds[i].file && *kinds[i].file < 0) {
			printf("%s: not for us\n", kinds[i].name);
			continue;
		}
		failed = poke(&kinds[i], rounds);
		printf("%s: %ld rounds, %ld not as they should be\n", kinds[i].name, rounds, failed);
		bad += failed;
	}
	return bad ? 1 : 0;
}
