/* SPDX-License-Identifier: MIT */
#include "public_cases.h"

#include <criterion/criterion.h>
#include <stddef.h>

#include <plinth/vmcs.h>
#include <plinth/x86.h>

#define BEYOND			 (1ull << PUBLIC_WIDTH)
#define WIDTH			 PUBLIC_WIDTH
#define NOT_CANONICAL		 0xaaaaaaaaaaaaaaaaull
#define VALID			 0x80000000u
#define EVENT(type, vector)	 (VALID | (type) << 8 | (vector))
#define WITH_ERROR(type, vector) (EVENT(type, vector) | 1u << 11)
#define ANY_ERROR		 (1ull << 56) /* of IA32_VMX_BASIC */
#define MEMORY			 0x10000ull
#define UNUSABLE		 0x10000u
#define LDT_RIGHTS		 0x82u
#define EPTP			 0x1001eull
#define EFER_ALL		 0xd01ull
#define NO_VIRTUAL                                                                                           \
	(SECONDARY_X2APIC | SECONDARY_APIC_REGISTERS | SECONDARY_VIRTUAL_DELIVERY | SECONDARY_APIC_ACCESSES)
#define NO_NESTED                                                                                            \
	(SECONDARY_EPT | SECONDARY_UNRESTRICTED | SECONDARY_MODE_EXEC | SECONDARY_PML |                      \
	 SECONDARY_PT_GUEST_PHYS)
#define DELIVERS (SECONDARY_VIRTUAL_DELIVERY)

enum { CHANGES = 6 };

/* The states: (name, capabilities more, changes {field, bits away, bits added}). */
static const struct state {
	const char *name;
	uint64_t basic; /* more of IA32_VMX_BASIC */
	int lam;
	struct {
		uint32_t field;
		uint64_t clear, set;
	} change[CHANGES]; /* field 0 ends */
} states[] = {
/* clang-format off */
#define TO(field, value) { VMCS_##field, ~0ull, value }
#define WITH(field, bits) { VMCS_##field, 0, bits }
#define WITHOUT(field, bits) { VMCS_##field, bits, 0 }
	{ "PLAIN", 0, 0, { { 0, 0, 0 } } },
	{ "MASKING", 0, 1, { { 0, 0, 0 } } },
	{ "NO_SECONDARY", 0, 0, { WITHOUT(PRIMARY_CONTROLS, PRIMARY_SECONDARY) } },
	{ "IO_BITMAPS", 0, 0, { WITH(PRIMARY_CONTROLS, PRIMARY_IO_BITMAPS) } },
	{ "NO_MSR_BITMAP", 0, 0, { WITHOUT(PRIMARY_CONTROLS, PRIMARY_MSR_BITMAPS) } },
	{ "TPR_SHADOW", 0, 0, { WITH(PRIMARY_CONTROLS, PRIMARY_TPR_SHADOW), TO(VIRTUAL_APIC_ADDRESS, MEMORY),
				WITHOUT(SECONDARY_CONTROLS, NO_VIRTUAL) } },
	{ "APIC_ACCESSES", 0, 0, { WITH(PRIMARY_CONTROLS, PRIMARY_TPR_SHADOW), TO(VIRTUAL_APIC_ADDRESS, MEMORY),
				   WITH(SECONDARY_CONTROLS, SECONDARY_APIC_ACCESSES), TO(APIC_ACCESS_ADDRESS, MEMORY) } },
	{ "DELIVERY", 0, 0, { WITH(PRIMARY_CONTROLS, PRIMARY_TPR_SHADOW), TO(VIRTUAL_APIC_ADDRESS, MEMORY),
			      WITH(SECONDARY_CONTROLS, DELIVERS), WITH(PIN_CONTROLS, PIN_EXTERNAL_INTERRUPT) } },
	{ "POSTED", 0, 0, { WITH(PRIMARY_CONTROLS, PRIMARY_TPR_SHADOW), TO(VIRTUAL_APIC_ADDRESS, MEMORY),
			    WITH(SECONDARY_CONTROLS, DELIVERS), WITH(EXIT_CONTROLS, EXIT_ACK_INTR),
			    WITH(PIN_CONTROLS, PIN_EXTERNAL_INTERRUPT | PIN_POSTED_INTERRUPTS) } },
	{ "NO_VPID", 0, 0, { WITHOUT(SECONDARY_CONTROLS, SECONDARY_VPID) } },
	{ "VIRTUAL_NMIS", 0, 0, { WITH(PIN_CONTROLS, PIN_NMI | PIN_VIRTUAL_NMI) } },
	{ "EPT", 0, 0, { { VMCS_SECONDARY_CONTROLS, NO_NESTED, SECONDARY_EPT }, TO(EPT_POINTER, EPTP), TO(PML_ADDRESS, MEMORY) } },
	{ "NO_EPT", 0, 0, { WITHOUT(SECONDARY_CONTROLS, NO_NESTED) } },
	{ "PML", 0, 0, { { VMCS_SECONDARY_CONTROLS, NO_NESTED, SECONDARY_EPT | SECONDARY_PML }, TO(EPT_POINTER, EPTP) } },
	{ "TIMER", 0, 0, { WITH(PIN_CONTROLS, PIN_PREEMPTION_TIMER), WITH(EXIT_CONTROLS, EXIT_SAVE_TIMER) } },
	{ "NO_TIMER", 0, 0, { WITHOUT(PIN_CONTROLS, PIN_PREEMPTION_TIMER) } },
	{ "ONE_STORED", 0, 0, { TO(EXIT_MSR_STORE_COUNT, 1), TO(EXIT_MSR_STORE_ADDRESS, MEMORY) } },
	{ "TWO_STORED", 0, 0, { TO(EXIT_MSR_STORE_COUNT, 2), TO(EXIT_MSR_STORE_ADDRESS, MEMORY) } },
	{ "ONE_LOADED", 0, 0, { TO(ENTRY_MSR_LOAD_COUNT, 1), TO(ENTRY_MSR_LOAD_ADDRESS, MEMORY) } },
	{ "TWO_LOADED", 0, 0, { TO(ENTRY_MSR_LOAD_COUNT, 2), TO(ENTRY_MSR_LOAD_ADDRESS, MEMORY) } },
	{ "EVENT_LENGTH_1", 0, 0, { TO(ENTRY_INSTRUCTION_LENGTH, 1), TO(ENTRY_EXCEPTION_ERROR, 0) } },
	{ "EVENT_GP", 0, 0, { TO(ENTRY_INTERRUPTION_INFO, WITH_ERROR(3u, 13)), TO(ENTRY_EXCEPTION_ERROR, 0) } },
	{ "EVENT_INT_N", 0, 0, { TO(ENTRY_INTERRUPTION_INFO, EVENT(4u, 0)) } },
	{ "EVENT_INT1", 0, 0, { TO(ENTRY_INTERRUPTION_INFO, EVENT(5u, 1)) } },
	{ "EVENT_INT3", 0, 0, { TO(ENTRY_INTERRUPTION_INFO, EVENT(6u, 3)) } },
	{ "REAL_MODE_NO_EPT", 0, 0, { WITHOUT(SECONDARY_CONTROLS, NO_NESTED), WITHOUT(GUEST_CR0, CR0_PE | CR0_PG),
				      TO(ENTRY_EXCEPTION_ERROR, 0) } },
	{ "REAL_MODE", 0, 0, { { VMCS_SECONDARY_CONTROLS, NO_NESTED, SECONDARY_EPT | SECONDARY_UNRESTRICTED }, TO(EPT_POINTER, EPTP),
			       WITHOUT(GUEST_CR0, CR0_PE | CR0_PG), TO(ENTRY_EXCEPTION_ERROR, 0) } },
	{ "REAL_MODE_ANY_ERROR", ANY_ERROR, 0, { { VMCS_SECONDARY_CONTROLS, NO_NESTED, SECONDARY_EPT | SECONDARY_UNRESTRICTED },
			       TO(EPT_POINTER, EPTP), WITHOUT(GUEST_CR0, CR0_PE | CR0_PG), TO(ENTRY_EXCEPTION_ERROR, 0) } },
	{ "UNRESTRICTED", 0, 0, { { VMCS_SECONDARY_CONTROLS, NO_NESTED, SECONDARY_EPT | SECONDARY_UNRESTRICTED }, TO(EPT_POINTER, EPTP) } },
	{ "UNRESTRICTED_ANY_ERROR", ANY_ERROR, 0, { { VMCS_SECONDARY_CONTROLS, NO_NESTED, SECONDARY_EPT | SECONDARY_UNRESTRICTED },
			       TO(EPT_POINTER, EPTP) } },
	{ "HOST_EFER_LOADED", 0, 0, { WITH(EXIT_CONTROLS, EXIT_LOAD_EFER), TO(HOST_EFER, EFER_ALL) } },
	{ "HOST_EFER_KEPT", 0, 0, { WITHOUT(EXIT_CONTROLS, EXIT_LOAD_EFER) } },
	{ "HOST_PAT_LOADED", 0, 0, { WITH(EXIT_CONTROLS, EXIT_LOAD_PAT) } },
	{ "HOST_PAT_KEPT", 0, 0, { WITHOUT(EXIT_CONTROLS, EXIT_LOAD_PAT) } },
	{ "HOST_COUNTERS", 0, 0, { WITH(EXIT_CONTROLS, EXIT_LOAD_PERF) } },
	{ "DEBUG_LOADED", 0, 0, { WITH(ENTRY_CONTROLS, ENTRY_LOAD_DEBUG) } },
	{ "DEBUG_KEPT", 0, 0, { WITHOUT(ENTRY_CONTROLS, ENTRY_LOAD_DEBUG) } },
	{ "GUEST_PAT_LOADED", 0, 0, { WITH(ENTRY_CONTROLS, ENTRY_LOAD_PAT) } },
	{ "GUEST_PAT_KEPT", 0, 0, { WITHOUT(ENTRY_CONTROLS, ENTRY_LOAD_PAT) } },
	{ "GUEST_EFER_LOADED", 0, 0, { WITH(ENTRY_CONTROLS, ENTRY_LOAD_EFER), TO(GUEST_EFER, EFER_ALL) } },
	{ "GUEST_EFER_KEPT", 0, 0, { WITHOUT(ENTRY_CONTROLS, ENTRY_LOAD_EFER) } },
	{ "GUEST_COUNTERS", 0, 0, { WITH(ENTRY_CONTROLS, ENTRY_LOAD_PERF) } },
	{ "BOUNDS", 0, 0, { WITH(ENTRY_CONTROLS, ENTRY_LOAD_BND) } },
	{ "NO_BOUNDS", 0, 0, { WITHOUT(ENTRY_CONTROLS, ENTRY_LOAD_BND) } },
	{ "LDT", 0, 0, { TO(GUEST_LDTR_RIGHTS, LDT_RIGHTS), TO(GUEST_LDTR_SELECTOR, 0x54), TO(GUEST_LDTR_BASE, 0),
			 TO(GUEST_LDTR_LIMIT, 0xffff) } },
	{ "NO_LDT", 0, 0, { TO(GUEST_LDTR_RIGHTS, UNUSABLE) } },
	{ "NO_SS", 0, 0, { WITH(GUEST_SS_RIGHTS, UNUSABLE) } },
	{ "INTERRUPTS_ON", 0, 0, { WITH(GUEST_RFLAGS, RFLAGS_IF) } },
	{ "STEPPING_BEHIND_MOV_SS", 0, 0, { WITH(GUEST_RFLAGS, RFLAGS_TF), TO(GUEST_INTERRUPTIBILITY, 2), TO(GUEST_DEBUGCTL, 0) } },
};

enum op { VALUES, BITS, MORE, LESS };

static const struct row {
	const char *function, *state;
	enum public_answer answer;
	enum op op;
	uint32_t field;
	uint64_t first, last;
} rows[] = {
#define ROW(op, function, state, answer, field, first, last) \
	{ #function, #state, PUBLIC_##answer, op, VMCS_##field, first, last },
#define VALUES(...) ROW(VALUES, __VA_ARGS__)
#define BITS(...)   ROW(BITS, __VA_ARGS__)
#define MORE(...)   ROW(MORE, __VA_ARGS__)
#define LESS(...)   ROW(LESS, __VA_ARGS__)
#include "public_cases.def"
};
/* clang-format on */

static const struct state *state_of(const struct row *row)
{
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (!strcmp(states[i].name, row->state))
			return &states[i];
	cr_assert_fail("there is no state %s", row->state);
	return NULL;
}

static void prepare(const struct public_judge *judge, const struct state *s)
{
	judge->reset();
	judge->caps->basic = (judge->caps->basic & ~ANY_ERROR) | s->basic;
	judge->caps->lam = (uint32_t)s->lam;
	judge->caps->perf_global = PUBLIC_COUNTERS;
	for (unsigned int i = 0; i < CHANGES && s->change[i].field; i++) {
		uint64_t value = judge->get(s->change[i].field);

		judge->set(s->change[i].field, (value & ~s->change[i].clear) | s->change[i].set);
	}
}

static uint64_t value_of(const struct row *row, uint64_t before, uint64_t i)
{
	switch (row->op) {
	case VALUES: return i;
	case BITS: return 1ull << i;
	case MORE: return before | 1ull << i;
	default: return before & ~(1ull << i);
	}
}

/* Whoever refuses the guest has looked at the rest. */
static bool same(enum public_answer wanted, enum public_answer got)
{
	return wanted == got || (wanted == PUBLIC_PASSES && (got == PUBLIC_ENTERS || got == PUBLIC_EXIT_33));
}

unsigned int public_cases_ask(const struct public_judge *judge)
{
	static const char *const words[] = {"enters", "passes controls and host", "error 7", "error 8",
					    "exit 33"};
	unsigned int n = 0;

	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		const struct row *row = &rows[r];

		for (uint64_t i = row->first; i <= row->last; i++) {
			enum public_answer got;
			uint64_t value;

			prepare(judge, state_of(row));
			value = value_of(row, judge->get(row->field), i);
			judge->set(row->field, value);
			got = judge->ask();
			cr_expect(same(row->answer, got),
				  "%s, state %s, field 0x%04x = 0x%llx: %s instead of %s", row->function,
				  row->state, row->field, (unsigned long long)value, words[got],
				  words[row->answer]);
			n++;
		}
	}
	return n;
}
