/* SPDX-License-Identifier: MIT */
/*
 * Every CPU drops what it remembers of second-level translation: the one that asks at once, the others at
 * their next exit. Nobody's usual exit looks whether something is asked for: a vCPU of which it is has
 * another table of handlers, which flush, put the usual one back and go on with it.
 *
 * Context: root mode or boot stack, interrupts off. The lock is held for a walk over the vCPUs, and nothing
 * is taken under it.
 */
#include "internal.h"

static struct {
	char lock;
	struct cpu *cpus; /* all there are */
	uint64_t asked;	  /* the newest ticket */
} flush;

static enum exit_action flush_first(struct vcpu *vcpu);

static vcpu_exit_fn *const flushing[PLINTH_EXIT_KINDS] = {[0 ... PLINTH_EXIT_KINDS - 1] = flush_first};

static void lock(void)
{
	while (__atomic_test_and_set(&flush.lock, __ATOMIC_ACQUIRE))
		cpu_pause();
}

static void unlock(void)
{
	__atomic_clear(&flush.lock, __ATOMIC_RELEASE);
}

static void handlers_set(struct vcpu *vcpu, vcpu_exit_fn *const *handlers)
{
	__atomic_store_n(&vcpu->handlers, handlers, __ATOMIC_SEQ_CST);
}

/* The number is read first: whoever asks later has the handlers exchanged again. */
static int flush_by(struct vcpu *vcpu, int (*do_it)(struct vcpu *vcpu))
{
	const uint64_t asked = __atomic_load_n(&flush.asked, __ATOMIC_SEQ_CST);
	int err = do_it(vcpu);

	if (!err)
		__atomic_store_n(&vcpu->cpu->priv->flushed, asked, __ATOMIC_RELEASE);
	return err;
}

static int flush_slat(struct vcpu *vcpu)
{
	return vcpu_common.slat ? vcpu_common.slat->flush(vcpu) : 0;
}

static int flush_now(struct vcpu *vcpu)
{
	return flush_by(vcpu, flush_slat);
}

int flush_at_start(struct vcpu *vcpu)
{
	vcpu->cpu->priv->apic_id = apic_id();
	return flush_by(vcpu, vendor_flush);
}

/* A CPU that refuses has said so in the log; whoever waits for it sees that it is not done. */
static enum exit_action flush_first(struct vcpu *vcpu)
{
	handlers_set(vcpu, vcpu->guest->recording);
	(void)!flush_now(vcpu);
	return vcpu_handle(vcpu, vcpu->exit.kind);
}

void flush_join(struct cpu *cpu)
{
	lock();
	cpu->priv->next = flush.cpus;
	flush.cpus = cpu;
	unlock();
}

void flush_part(struct cpu *cpu)
{
	struct cpu **link = &flush.cpus;

	lock();
	while (*link && *link != cpu)
		link = &(*link)->priv->next;
	if (*link)
		*link = cpu->priv->next;
	unlock();
}

void flush_forget(void)
{
	lock();
	unlock();
}

/* The vCPU was made current before this is read; whoever asks counts before it looks which one is. */
void flush_after_switch(struct vcpu *vcpu)
{
	if (vcpu->cpu->priv->flushed < __atomic_load_n(&flush.asked, __ATOMIC_SEQ_CST))
		(void)!flush_now(vcpu);
}

uint64_t vcpu_flush(void)
{
	struct vcpu *here = cpu_local()->vcpu;
	uint64_t ticket;

	lock();
	ticket = __atomic_add_fetch(&flush.asked, 1, __ATOMIC_SEQ_CST);
	for (struct cpu *cpu = flush.cpus; cpu; cpu = cpu->priv->next) {
		struct vcpu *current = __atomic_load_n(&cpu->local.vcpu, __ATOMIC_SEQ_CST);

		if (current != here)
			handlers_set(current, flushing);
	}
	unlock();
	return here && here->cpu->priv->loaded && flush_now(here) ? 0 : ticket;
}

static bool runs_guest(const struct cpu *cpu)
{
	return __atomic_load_n(&cpu->shared->state, __ATOMIC_ACQUIRE) == PLINTH_CPU_GUEST;
}

/* A CPU that is no guest remembers nothing that counts: it flushes before it is one. */
static bool is_flushed(const struct cpu *cpu, uint64_t ticket)
{
	return __atomic_load_n(&cpu->priv->flushed, __ATOMIC_ACQUIRE) >= ticket || !runs_guest(cpu);
}

bool vcpu_flushed(uint64_t ticket)
{
	bool all = ticket <= __atomic_load_n(&flush.asked, __ATOMIC_SEQ_CST);

	lock();
	for (struct cpu *cpu = flush.cpus; cpu && all; cpu = cpu->priv->next)
		all = is_flushed(cpu, ticket);
	unlock();
	return all;
}

/*
 * The NMI is the guest's, as all are: its kernel's handler makes the exit. One that is on its way to a CPU
 * does for whatever is asked for until it has flushed; more would only be more to handle. How far the CPU has
 * come is read once: it goes on meanwhile, and what it did after the first look would make the second one
 * find that nothing is on its way.
 */
static bool is_slow(const struct cpu *cpu, uint64_t ticket)
{
	const uint64_t flushed = __atomic_load_n(&cpu->priv->flushed, __ATOMIC_ACQUIRE);

	return runs_guest(cpu) && flushed < ticket && cpu->priv->hastened <= flushed;
}

/* The counter moves first: who finds it moved makes an exit, and whoever comes later finds that it has. */
static void hasten(struct cpu *cpu, volatile uint32_t *xapic)
{
	cpu->priv->hastened = __atomic_load_n(&flush.asked, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&cpu->shared->hastened, 1, __ATOMIC_SEQ_CST);
	cpu_send_nmi(xapic, cpu->priv->apic_id);
}

void vcpu_hasten(uint64_t ticket)
{
	const uint32_t here = cpu_local()->cpu;
	volatile uint32_t *xapic;

	if (!apic_reach(&xapic))
		return;
	lock();
	for (struct cpu *cpu = flush.cpus; cpu; cpu = cpu->priv->next)
		if (cpu->local.cpu != here && is_slow(cpu, ticket))
			hasten(cpu, xapic);
	unlock();
}
