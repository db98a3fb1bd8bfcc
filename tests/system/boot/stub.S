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
	.set	CR4_LA57, 1 << 12
	.set	CR0_PG_PE, 0x80000001
	.set	MSR_EFER, 0xc0000080
	.set	EFER_LME, 1 << 8
	.set	TABLE, 3		/* present, writable */
	.set	PAGE_2M, 0x83		/* present, writable, 2 MiB page */
	.set	BOOT_CS, 0x10
	.set	BOOT_DS, 0x18
	.set	DEBUG_PORT, 0xe9
	.set	SMI_COMMAND, 0xb2
	.set	ACPI_ENABLE, 0xf1	/* of Bochs' firmware */

	.code32
	.globl	_start
_start:
	jmp	enter
	.balign	8
kernel_entry:				/* at offset 8: set by the image builder */
	.quad	0
five_levels:				/* at offset 16: the same; 1: of page tables, which the kernel then keeps */
	.long	0

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
	movl	$(pml4 + TABLE), pml5
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
	movl	$pml4, %ebx
	movl	$CR4_PAE, %ecx
	cmpl	$0, five_levels
	je	2f
	/* Bochs does not come back from an SMI with LA57: the one that the kernel would make is made before. */
	movb	$ACPI_ENABLE, %al
	outb	%al, $SMI_COMMAND
	movl	$pml5, %ebx
	orl	$CR4_LA57, %ecx
2:	movl	%cr4, %eax
	orl	%ecx, %eax
	movl	%eax, %cr4
	movl	%ebx, %cr3
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
pml5:	.org	0x5000
