/* SPDX-License-Identifier: MIT */
/*
 * Stands where Linux' set-up code expects the decompressor (code32_start).
 *
 * The kernel lies uncompressed at its final place already, so all that is
 * left to do is what the 64-bit boot protocol asks: long mode, an identity
 * map, flat segments, %rsi = boot parameters, jump to the kernel's entry.
 * Source: Linux' Documentation/x86/boot.rst, "64-bit Boot Protocol".
 */
	.set	CR4_PAE, 1 << 5
	.set	CR0_PG_PE, 0x80000001
	.set	MSR_EFER, 0xc0000080
	.set	EFER_LME, 1 << 8
	.set	TABLE, 3		/* present, writable */
	.set	PAGE_2M, 0x83		/* present, writable, 2 MiB page */
	.set	BOOT_CS, 0x10
	.set	BOOT_DS, 0x18
	.set	DEBUG_PORT, 0xe9

	.code32
	.globl	_start
_start:
	jmp	enter
	.balign	8
kernel_entry:				/* at offset 8: set by the image builder */
	.quad	0

enter:
	cli
	cld
	movl	%esi, %ebp
	movl	$hello, %esi
	movl	$hello_len, %ecx
	movl	$DEBUG_PORT, %edx
	rep outsb
	movl	%ebp, %esi

	/* One page directory: 512 pages of 2 MiB, the first GiB one to one. */
	movl	$(pdpt + TABLE), pml4
	movl	$(pd + TABLE), pdpt
	movl	$PAGE_2M, %eax
	movl	$pd, %edi
1:	movl	%eax, (%edi)
	addl	$8, %edi
	addl	$(2 << 20), %eax
	cmpl	$(pd + 0x1000), %edi
	jb	1b

	lgdt	gdt_pointer
	movl	%cr4, %eax
	orl	$CR4_PAE, %eax
	movl	%eax, %cr4
	movl	$pml4, %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	rdmsr
	orl	$EFER_LME, %eax
	wrmsr
	movl	%cr0, %eax
	orl	$CR0_PG_PE, %eax
	movl	%eax, %cr0
	ljmp	$BOOT_CS, $long_mode

	.code64
long_mode:
	movl	$BOOT_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %fs
	movl	%eax, %gs
	movl	%eax, %ss
	movl	$stack_top, %esp
	movl	%esi, %esi		/* clear what the upper half may hold */
	jmp	*kernel_entry

hello:	.ascii	"@pc kernel\n"
	.set	hello_len, . - hello

	.balign	8
gdt:	.quad	0, 0
	.quad	0x00af9a000000ffff	/* BOOT_CS: 64-bit code */
	.quad	0x00cf92000000ffff	/* BOOT_DS: flat data */
gdt_pointer:
	.word	. - gdt - 1
	.long	gdt

	.org	0x800
stack_top:
	.org	0x1000
pml4:	.org	0x2000
pdpt:	.org	0x3000
pd:	.org	0x4000
