/* SPDX-License-Identifier: MIT */
/* The caller's registers, as a JSON object in its memory. */
#include <string.h>

#include <plinth/error.h>
#include <plinth/guest_memory.h>
#include <plinth/vcpu_state.h>
#include <plinth/x86.h>

#include "internal.h"

/* Of what is written at most 650 bytes are used; white space in what is read has room, too. On the stack. */
#define TEXT_BYTES 1024u

enum row_kind {
	GENERAL, /* by its number in instructions */
	PLACE,	 /* RIP */
	FLAGS,
	FIXED, /* nobody sets it */
};

struct row {
	char name[9];
	uint8_t kind; /* enum row_kind */
	uint8_t reg;  /* enum vcpu_reg, or the number */
};

/* The names are LibVMI's; in its order, which is that of struct plinth_ctl_registers. */
static const struct row rows[] = {
	{"CR0", FIXED, VCPU_CR0},
	{"CR2", FIXED, VCPU_CR2},
	{"CR3", FIXED, VCPU_CR3},
	{"CR4", FIXED, VCPU_CR4},
	{"RAX", GENERAL, 0},
	{"RBX", GENERAL, 3},
	{"RCX", GENERAL, 1},
	{"RDX", GENERAL, 2},
	{"RBP", GENERAL, 5},
	{"RSI", GENERAL, 6},
	{"RDI", GENERAL, 7},
	{"RSP", GENERAL, 4},
	{"R08", GENERAL, 8},
	{"R09", GENERAL, 9},
	{"R10", GENERAL, 10},
	{"R11", GENERAL, 11},
	{"R12", GENERAL, 12},
	{"R13", GENERAL, 13},
	{"R14", GENERAL, 14},
	{"R15", GENERAL, 15},
	{"RIP", PLACE, VCPU_RIP},
	{"RFL", FLAGS, VCPU_RFLAGS},
	{"MSR_EFER", FIXED, VCPU_EFER},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

_Static_assert(sizeof(struct plinth_ctl_registers) == ROWS * sizeof(uint64_t), "each row is a member");

static uint64_t register_value(struct vcpu *vcpu, const struct row *row)
{
	return row->kind == GENERAL ? vcpu_gpr(vcpu, row->reg) : vcpu_read(vcpu, (enum vcpu_reg)row->reg);
}

void registers_copy(struct vcpu *vcpu, struct plinth_ctl_registers *to)
{
	uint64_t values[ROWS];

	for (size_t i = 0; i < ROWS; i++)
		values[i] = register_value(vcpu, &rows[i]);
	memcpy(to, values, sizeof(values));
}

/* A page that is not there yet, or not to be written yet, is the kernel's to provide. */
static enum outcome outcome_of(struct vcpu *vcpu, int err, const struct guest_fault *fault)
{
	if (err != PLINTH_E_FAULT)
		return err ? FAILED : DONE;
	guest_inject_fault(vcpu, fault);
	return AGAIN;
}

/* -- get --------------------------------------------------------------------------------------- */

enum outcome registers_get(struct vcpu *vcpu, const struct client *who)
{
	char out[TEXT_BYTES];
	struct json_text text = {.at = out, .room = sizeof(out)};
	struct guest_fault fault;

	(void)who;
	for (size_t i = 0; i < ROWS; i++)
		json_number(&text, rows[i].name, (int64_t)register_value(vcpu, &rows[i]));
	json_end(&text);
	if (text.bytes >= sizeof(out) || text.bytes >= vcpu->regs.rsi)
		return FAILED;
	return outcome_of(vcpu, guest_write(vcpu, vcpu->regs.rdi, out, text.bytes + 1, GUEST_USER, &fault),
			  &fault);
}

/* -- set --------------------------------------------------------------------------------------- */

struct wish {
	uint32_t asked; /* a bit for each row */
	uint64_t value[ROWS];
};

_Static_assert(ROWS <= 32, "a bit for each row");

/* Each once at the most. */
static int take_wish(const char *name, size_t bytes, int64_t value, void *context)
{
	struct wish *wish = context;

	for (size_t i = 0; i < ROWS; i++) {
		if (strlen(rows[i].name) != bytes || memcmp(rows[i].name, name, bytes))
			continue;
		if (wish->asked >> i & 1)
			return PLINTH_E_INVAL;
		wish->asked |= 1u << i;
		wish->value[i] = (uint64_t)value;
		return 0;
	}
	return PLINTH_E_INVAL;
}

/* CF, PF, AF, ZF, SF, DF, OF, AC and ID: what no privilege and no trap hangs on. */
#define FLAGS_FREE 0x240cd5ull

static bool is_address(struct vcpu *vcpu, uint64_t address)
{
	return x86_is_canonical(address, vcpu_read(vcpu, VCPU_CR4) & CR4_LA57 ? 57 : 48);
}

static bool may_be(struct vcpu *vcpu, const struct row *row, uint64_t value)
{
	switch (row->kind) {
	case GENERAL: return true;
	case PLACE: return is_address(vcpu, value);
	case FLAGS: return !((value ^ register_value(vcpu, row)) & ~(FLAGS_FREE | RFLAGS_RF));
	default: return value == register_value(vcpu, row);
	}
}

static bool may_have(struct vcpu *vcpu, const struct wish *wish)
{
	for (size_t i = 0; i < ROWS; i++)
		if (wish->asked >> i & 1 && !may_be(vcpu, &rows[i], wish->value[i]))
			return false;
	return true;
}

static void set(struct vcpu *vcpu, const struct row *row, uint64_t value)
{
	const uint64_t flags = vcpu_read(vcpu, VCPU_RFLAGS);

	if (row->kind == GENERAL)
		vcpu_set_gpr(vcpu, row->reg, value);
	else if (row->kind == PLACE)
		(void)!vcpu_write(vcpu, VCPU_RIP, value);
	else if (row->kind == FLAGS)
		(void)!vcpu_write(vcpu, VCPU_RFLAGS, (flags & ~FLAGS_FREE) | (value & FLAGS_FREE));
}

/*
 * The instruction is done first, with all that hangs on the state in which it was executed; then the caller
 * is what it wants to be. RIP as it is means: behind it.
 */
static void fulfil(struct vcpu *vcpu, const struct wish *wish)
{
	vcpu_skip(vcpu);
	for (size_t i = 0; i < ROWS; i++)
		if (wish->asked >> i & 1 && !(rows[i].kind == PLACE && wish->value[i] == vcpu->exit.rip))
			set(vcpu, &rows[i], wish->value[i]);
}

static enum outcome read_wish(struct vcpu *vcpu, struct wish *wish)
{
	const size_t bytes = vcpu->regs.rsi < TEXT_BYTES ? vcpu->regs.rsi : TEXT_BYTES;
	struct guest_fault fault;
	char in[TEXT_BYTES];
	int err = guest_read(vcpu, vcpu->regs.rdi, in, bytes, GUEST_USER, &fault);

	if (err)
		return outcome_of(vcpu, err, &fault);
	return json_read(in, bytes, take_wish, wish) ? FAILED : DONE;
}

enum outcome registers_set(struct vcpu *vcpu, const struct client *who)
{
	struct wish wish = {.asked = 0};
	enum outcome outcome;

	if (!who->may_write)
		return FAILED;
	outcome = read_wish(vcpu, &wish);
	if (outcome != DONE)
		return outcome;
	if (!may_have(vcpu, &wish))
		return FAILED;
	fulfil(vcpu, &wish);
	return ELSEWHERE;
}
