/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "trap.h"

#include <signal.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include <plinth/intrinsics.h>

struct trap trap;
sigjmp_buf trap_left;

#define FLAG_CARRY 1ull
#define FLAG_ZERO  0x40ull

/* -- an instruction, taken apart ------------------------------------------------------------ */

struct insn {
	const uint8_t *at;
	bool size, rep; /* prefixes 66, F3 */
	uint8_t rex;
	uint8_t mod, reg, rm;
	uint64_t address; /* of a memory operand */
	greg_t *gregs;
};

static greg_t *gpr(struct insn *i, unsigned int number)
{
	static const uint8_t index[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
					  REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
					  REG_R12, REG_R13, REG_R14, REG_R15};

	return &i->gregs[index[number]];
}

static void prefixes(struct insn *i)
{
	for (;; i->at++) {
		if (*i->at == 0x66)
			i->size = true;
		else if (*i->at == 0xf3)
			i->rep = true;
		else if ((*i->at & 0xf0) == 0x40)
			i->rex = *i->at;
		else
			return;
	}
}

static int32_t displacement(struct insn *i, unsigned int bytes)
{
	int32_t value = 0;

	memcpy(&value, i->at, bytes);
	i->at += bytes;
	return bytes == 1 ? (int8_t)value : value;
}

/* Operands as compilers write them: a register, or memory at one with a displacement. */
static void modrm(struct insn *i)
{
	uint8_t byte = *i->at++, base;
	bool relative;

	i->mod = byte >> 6;
	i->reg = (byte >> 3 & 7) | (i->rex & 4) << 1;
	base = byte & 7;
	i->rm = base | (i->rex & 1) << 3;
	if (i->mod == 3)
		return;
	relative = !i->mod && base == 5;
	if (base == 4)
		base = *i->at++ & 7;
	i->address = relative ? 0 : (uint64_t)*gpr(i, base | (i->rex & 1u) << 3);
	if (i->mod || relative)
		i->address += (uint64_t)(int64_t)displacement(i, i->mod == 1 ? 1 : 4);
	if (relative)
		i->address += (uint64_t)i->at;
}

static uint64_t load(uint64_t address, unsigned int bytes)
{
	uint64_t value = 0;

	memcpy(&value, (const void *)address, bytes);
	return value;
}

/* -- what it does ---------------------------------------------------------------------------- */

static void note(enum trap_name name, uint64_t a, uint64_t b, uint64_t c)
{
	if (trap.n < TRAP_RECORDS)
		trap.record[trap.n++] = (struct trap_record){name, a, b, c};
}

static void note_regs(struct insn *i)
{
	for (unsigned int k = 0; k < 16; k++)
		trap.regs.gpr[k] = (uint64_t)*gpr(i, k);
	trap.regs.rip = (uint64_t)i->gregs[REG_RIP];
}

static void vmx_ends(struct insn *i)
{
	uint64_t flags = (uint64_t)i->gregs[REG_EFL] & ~(FLAG_CARRY | FLAG_ZERO);

	i->gregs[REG_EFL] = (greg_t)(flags | (trap.carry ? FLAG_CARRY : 0) | (trap.zero ? FLAG_ZERO : 0));
}

static uint64_t edx_eax(struct insn *i)
{
	return (uint64_t)i->gregs[REG_RDX] << 32 | (uint32_t)i->gregs[REG_RAX];
}

static void control_register(struct insn *i, uint8_t opcode)
{
	bool debug = opcode & 1, write = opcode & 2;

	modrm(i);
	if (write)
		note(debug ? T_WRITE_DR : T_WRITE_CR, i->reg, (uint64_t)*gpr(i, i->rm), 0);
	else
		note(debug ? T_READ_DR : T_READ_CR, i->reg, 0, 0);
	if (write && !debug)
		trap.cr[i->reg] = (uint64_t)*gpr(i, i->rm);
	if (!write)
		*gpr(i, i->rm) = (greg_t)(debug ? trap.dr7 : trap.cr[i->reg]);
}

/* 0F 01 with a register: no operand at all. */
static void group_7_plain(struct insn *i, uint8_t byte)
{
	switch (byte) {
	case 0xc2: note(T_VMLAUNCH, 0, 0, 0); break;
	case 0xc3: note(T_VMRESUME, 0, 0, 0); break;
	case 0xc4: note(T_VMXOFF, 0, 0, 0); break;
	case 0xd1: note(T_XSETBV, (uint32_t)i->gregs[REG_RCX], edx_eax(i), 0); return;
	default: _exit(99);
	}
	if (trap.leaves && (byte == 0xc2 || byte == 0xc3)) {
		note_regs(i);
		siglongjmp(trap_left, 1);
	}
	vmx_ends(i);
}

static void group_7(struct insn *i)
{
	static const enum trap_name names[8] = {T_SGDT, T_SIDT, T_LGDT, T_LIDT,
						T_NONE, T_NONE, T_NONE, T_INVLPG};
	uint8_t byte = *i->at;

	modrm(i);
	if (i->mod == 3) {
		group_7_plain(i, byte);
		return;
	}
	if (i->reg == 7)
		note(T_INVLPG, i->address, 0, 0);
	else
		note(names[i->reg], load(i->address, 2), load(i->address + 2, 8), 0);
	if (i->reg < 2) {
		memset((void *)i->address, 0xff, 2);
		memcpy((void *)(i->address + 2), &trap.tables_base, 8);
	}
}

static void group_6(struct insn *i)
{
	static const enum trap_name names[4] = {T_SLDT, T_STR, T_LLDT, T_LTR};

	modrm(i);
	note(names[i->reg & 3], i->reg < 2 ? 0 : (uint16_t)*gpr(i, i->rm), 0, 0);
	if (i->reg < 2)
		*gpr(i, i->rm) = 0x28;
}

static void vmcs_pointer(struct insn *i)
{
	modrm(i);
	note(i->size ? T_VMCLEAR : i->rep ? T_VMXON : T_VMPTRLD, load(i->address, 8), 0, 0);
	vmx_ends(i);
}

static void vmcs_field(struct insn *i, bool write)
{
	uint64_t field, value;

	modrm(i);
	field = (uint64_t)*gpr(i, i->reg);
	value = write	     ? (i->mod == 3 ? (uint64_t)*gpr(i, i->rm) : load(i->address, 8))
		: trap.field ? trap.field(field)
			     : 0;
	note(write ? T_VMWRITE : T_VMREAD, field, value, 0);
	if (!write && i->mod == 3 && !trap.carry && !trap.zero)
		*gpr(i, i->rm) = (greg_t)value;
	else if (!write && !trap.carry && !trap.zero)
		memcpy((void *)i->address, &value, 8);
	vmx_ends(i);
}

static void invalidate(struct insn *i)
{
	enum trap_name name = *i->at++ == 0x80 ? T_INVEPT : T_INVVPID;

	modrm(i);
	note(name, (uint64_t)*gpr(i, i->reg), load(i->address, 8), load(i->address + 8, 8));
	vmx_ends(i);
}

static void far_return(struct insn *i)
{
	uint64_t rsp = (uint64_t)i->gregs[REG_RSP];

	note(T_FAR_RETURN, load(rsp + 8, 8), 0, 0);
	i->at = (const uint8_t *)load(rsp, 8);
	i->gregs[REG_RSP] += 16;
}

static void two_bytes(struct insn *i)
{
	uint8_t opcode = *i->at++;

	switch (opcode) {
	case 0x00: group_6(i); break;
	case 0x01: group_7(i); break;
	case 0x09: note(T_WBINVD, 0, 0, 0); break;
	case 0x0b:
		note(T_UD, 0, 0, 0);
		note_regs(i);
		siglongjmp(trap_left, 1);
	case 0x20:
	case 0x21:
	case 0x22:
	case 0x23: control_register(i, opcode); break;
	case 0x30: note(T_WRMSR, (uint32_t)i->gregs[REG_RCX], edx_eax(i), 0); break;
	case 0x32:
		note(T_RDMSR, (uint32_t)i->gregs[REG_RCX], 0, 0);
		i->gregs[REG_RAX] = (greg_t)(uint32_t)trap.msr;
		i->gregs[REG_RDX] = (greg_t)(trap.msr >> 32);
		break;
	case 0x38: invalidate(i); break;
	case 0x78: vmcs_field(i, false); break;
	case 0x79: vmcs_field(i, true); break;
	case 0xc7: vmcs_pointer(i); break;
	default: _exit(98);
	}
}

/*
 * VMCALL itself may lead to a hypervisor that the test runs on, and no signal comes: the test writes INTO
 * over it, which is undefined in 64-bit mode. The answer is the complement of every register.
 */
static void hypercall(struct insn *i)
{
	note(T_VMCALL, (uint64_t)i->gregs[REG_RAX], 0, 0);
	note_regs(i);
	for (unsigned int n = 0; n < 16; n++)
		if (n != 4)
			*gpr(i, n) = ~*gpr(i, n);
}

static void execute(struct insn *i)
{
	uint8_t opcode = *i->at++;

	switch (opcode) {
	case 0x0f: two_bytes(i); break;
	case 0x8e:
		modrm(i);
		note(T_LOAD_SEG, i->reg & 7u, (uint16_t)*gpr(i, i->rm), 0);
		break;
	case 0xcb: far_return(i); break;
	case 0xce: hypercall(i); break;
	case 0xcd: note(T_INT2, *i->at++, 0, 0); break;
	case 0xec:
		note(T_IN, (uint16_t)i->gregs[REG_RDX], 0, 0);
		i->gregs[REG_RAX] = (i->gregs[REG_RAX] & ~0xffll) | trap.port;
		break;
	case 0xee: note(T_OUT, (uint16_t)i->gregs[REG_RDX], (uint8_t)i->gregs[REG_RAX], 0); break;
	case 0xf4: note(T_HLT, 0, 0, 0); break;
	default: _exit(97);
	}
}

static void on_signal(int number, siginfo_t *info, void *context)
{
	ucontext_t *c = context;
	struct insn i = {.at = (const uint8_t *)c->uc_mcontext.gregs[REG_RIP], .gregs = c->uc_mcontext.gregs};
	uint64_t landing = trap.refused ? cpu_fixup((uint64_t)i.at) : 0;

	(void)number;
	(void)info;
	if (landing) {
		i.gregs[REG_RIP] = (greg_t)landing;
		return;
	}
	prefixes(&i);
	execute(&i);
	i.gregs[REG_RIP] = (greg_t)i.at;
}

void trap_reset(void)
{
	static uint8_t stack[65536];
	const stack_t alternative = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction action = {.sa_sigaction = on_signal,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

	memset(&trap, 0, sizeof(trap));
	sigaltstack(&alternative, NULL);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGILL, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}
