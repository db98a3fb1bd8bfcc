/* SPDX-License-Identifier: MIT */
/*
 * What the sweeps over exits share: guests in rare states, one exit of one of them, and the oracle's verdict
 * on it.
 */
#ifndef TESTS_MOCKS_EXITS_H
#define TESTS_MOCKS_EXITS_H

#include "oracle.h"
#include "sweep.h"

/* States of a guest, in any combination that exits_illegal() does not refuse. */
#define USER	   1u /* CPL 3 */
#define STEPPING   2u /* RFLAGS.TF */
#define BRANCHES   4u /* ... with DEBUGCTL.BTF */
#define AFTER_STI  8u
#define AFTER_SS   16u /* behind MOV SS */
#define NARROW	   32u /* compatibility mode, about to wrap at 4 GiB */
#define WIDE_EDGE  64u /* 64-bit mode, about to cross 4 GiB */
#define GUEST_BITS 7u

/** exits_illegal() - why there is no such guest, or NULL. */
const char *exits_illegal(unsigned int bits);

/** exits_power_on() - a machine with one CPU of that kind, and a guest on it. */
void exits_power_on(const struct model_kind *kind);
/** exits_put_guest() - the guest is in that state, and else as it was started. */
void exits_put_guest(unsigned int bits);
/** exits_rsp() - a stack pointer with which a guest in that state can be given its CPU back. */
uint64_t exits_rsp(unsigned int bits);
/** exits_pattern() - recognisable values in all registers. */
struct vcpu_regs exits_pattern(void);

/** exits_try() - this exit of the guest, which was put into the state @bits, ends as the oracle says. */
void exits_try(unsigned int bits, const struct model_exit *exit);
/** exits_try_mov() - MOV to CR0, CR3 or CR4 from RAX, which may exit, of a guest in no rare state. */
void exits_try_mov(uint32_t cr);
/** exits_try_all() - of guests in all states; @regs: their registers, NULL: as they were. */
void exits_try_all(struct model_exit exit, const struct vcpu_regs *regs);
/** exits_expect_ud() - the last entry delivers #UD. */
void exits_expect_ud(void);

#endif
