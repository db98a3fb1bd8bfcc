/* SPDX-License-Identifier: MIT */
/*
 * Exits in the middle of something: while an event is being delivered, each type with and
 * without an error code, and in an IRET that is about to unblock NMIs. From guests in every rare
 * state, blocking NMIs or not, against the oracle.
 */
#include "exits.h"

#include "drivers/common/internal.h"

#define INFO_ERROR	    0x800u
#define INFO_UNDEFINED	    0x1000u
#define TYPE_INTERRUPT	    0x000u
#define TYPE_NMI	    0x200u
#define TYPE_FAULT	    0x300u
#define TYPE_SOFT_INTERRUPT 0x400u
#define TYPE_INT1	    0x500u /* a privileged software exception */
#define TYPE_SOFT_EXCEPTION 0x600u
#define BLOCKS_NMI	    8u

#define VIOLATION_UNBLOCKS 0x1000u
#define HIDDEN		   1u /* an address that stands for that of a page of the VMM */

/* Exits that can come in the middle of a delivery, or right before one. */
static const struct model_exit exits[] = {
	{.kind = PLINTH_EXIT_SLAT_VIOLATION,
	 .detail = 0x181,
	 .physical = 0x123456789}, /* not mapped: it is from now on */
	{.kind = PLINTH_EXIT_SLAT_VIOLATION,
	 .detail = 0x19c,
	 .physical = HIDDEN}, /* refused: code in a hidden page */
	{.kind = PLINTH_EXIT_SLAT_VIOLATION,
	 .detail = 0x181,
	 .physical = 1ull << 39},				 /* beyond all physical addresses */
	{.kind = PLINTH_EXIT_TASK_SWITCH, .detail = 0xc0000028}, /* task switch */
	{.kind = PLINTH_EXIT_TIMER},				 /* the timer */
	{.kind = PLINTH_EXIT_NMI_WINDOW},			 /* NMI window */
};

#define N_EXITS (sizeof(exits) / sizeof(exits[0]))

/* Where that page lies is known once the VMM is loaded. */
static uint64_t place_of_page(uint64_t physical)
{
	return physical == HIDDEN ? os_virt_to_phys(core_launch_pgd(machine.core)) : physical;
}

static void try_guests(const struct model_exit *exit, unsigned int nmi)
{
	for (unsigned int bits = 0; bits < 1u << GUEST_BITS; bits++) {
		if (exits_illegal(bits))
			continue;
		exits_put_guest(bits);
		model.cpu[0].interruptibility |= nmi;
		sweep_label("kind %u, 0x%llx, delivering 0x%x, length %llu, guest 0x%x%s", exit->kind,
			    (unsigned long long)exit->detail, exit->vectoring,
			    (unsigned long long)exit->length, bits, nmi ? ", NMIs blocked" : "");
		exits_try(bits, exit);
	}
}

static void try_event(uint32_t info, uint32_t error, uint64_t length)
{
	for (size_t i = 0; i < N_EXITS; i++) {
		struct model_exit exit = exits[i];

		exit.physical = place_of_page(exit.physical);
		exit.vectoring = info;
		exit.vectoring_error = error;
		exit.length = length;
		try_guests(&exit, 0);
		try_guests(&exit, BLOCKS_NMI);
		/* Bit 12 may be anything, and must not find its way into an entry. */
		exit.vectoring |= INFO_UNDEFINED;
		try_guests(&exit, 0);
	}
}

static bool has_error(uint32_t vector)
{
	return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;
}

/* Vectors of faults; 2 to 4 come as other types, 21 wants a CPU with CET. */
static bool is_fault(uint32_t vector)
{
	return vector < 2 || (vector > 4 && vector != 21);
}

Test(events, faults)
{
	exits_power_on(&model_kinds[0]);
	for (uint32_t vector = 0; vector < 32; vector++) {
		bool error = has_error(vector);

		if (is_fault(vector))
			try_event(ORACLE_VALID | TYPE_FAULT | (error ? INFO_ERROR : 0) | vector,
				  error ? 0xfff8 : 0, 0);
	}
	sweep_report("exits while an exception is delivered");
}

Test(events, interrupts)
{
	static const uint32_t vectors[] = {32, 128, 236, 255};

	exits_power_on(&model_kinds[0]);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		try_event(ORACLE_VALID | TYPE_INTERRUPT | vectors[i], 0, 0);
	try_event(ORACLE_VALID | TYPE_NMI | 2, 0, 0);
	sweep_report("exits while an interrupt or an NMI is delivered");
}

Test(events, software)
{
	static const struct {
		uint32_t info;
		uint64_t length, last; /* with prefixes an instruction has up to 15 bytes */
	} events[] = {
		{TYPE_SOFT_INTERRUPT | 0x80, 2, 15}, {TYPE_SOFT_INTERRUPT | 0x03, 2, 2},
		{TYPE_SOFT_INTERRUPT | 0xff, 2, 2},  {TYPE_INT1 | 1, 1, 15},
		{TYPE_SOFT_EXCEPTION | 3, 1, 15},    {TYPE_SOFT_EXCEPTION | 4, 1, 1},
	};

	exits_power_on(&model_kinds[0]);
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		for (uint64_t length = events[i].length; length <= events[i].last; length += 1 + length / 4)
			try_event(ORACLE_VALID | events[i].info, 0, length);
	sweep_report("exits while an event of software's is delivered");
}

Test(events, iret)
{
	exits_power_on(&model_kinds[0]);
	for (size_t i = 0; i < N_EXITS && exits[i].kind == PLINTH_EXIT_SLAT_VIOLATION; i++) {
		for (unsigned int access = 0; access < 64; access++) {
			struct model_exit exit = exits[i];

			exit.physical = place_of_page(exit.physical);
			exit.detail = VIOLATION_UNBLOCKS | access;
			try_guests(&exit, 0);
			/* Not by an IRET: nothing changes. */
			exit.detail = access;
			try_guests(&exit, 0);
			try_guests(&exit, BLOCKS_NMI);
		}
	}
	sweep_report("EPT violations, in an IRET and not");
}

/* A refused entry (bit 31), whatever is said to be the basic reason; the VMM reports it and goes. */
Test(events, refused_entries)
{
	static const unsigned int guests[] = {0, USER};

	exits_power_on(&model_kinds[0]);
	for (uint64_t basic = 0; basic < 80; basic++) {
		for (size_t i = 0; i < sizeof(guests) / sizeof(guests[0]); i++) {
			const struct model_exit exit = {.reason = 1ull << 31 | basic};

			exits_put_guest(guests[i]);
			sweep_label("refused entry, basic reason %llu, guest 0x%x", (unsigned long long)basic,
				    guests[i]);
			exits_try(guests[i], &exit);
		}
	}
	sweep_report("refused entries");
}
