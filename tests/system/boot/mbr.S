/* SPDX-License-Identifier: MIT */
/*
 * Boot sector of the emulated PC's disk.
 *
 * Copies a list of disk pieces to physical addresses, above 1 MiB too, and
 * starts Linux' real-mode set-up code, which finds the memory map and so on
 * exactly as on any PC. There is no boot menu and nothing is decompressed:
 * both would cost minutes in an emulator.
 *
 * The image builder writes the list at PIECES: {first sector, sectors,
 * physical address}, 32 bits each, ended by a piece of no sectors.
 * Source: Linux' Documentation/x86/boot.rst, "Running the Kernel".
 */
	.set	BOUNCE, 0x10000		/* int 0x13 reads here, below 1 MiB */
	.set	CHUNK, 64		/* sectors for one int 0x13, 32 KiB */
	.set	PIECES, 0x180		/* offset of the list in this sector */
	.set	SETUP_SEG, 0x9000	/* where the builder puts the set-up code */
	.set	SETUP_STACK, 0xdff0	/* behind its heap, see image.py */
	.set	DEBUG_PORT, 0xe9	/* the emulator shows what is sent here */

	.code16
	.globl	_start
_start:
	cli
	cld
	ljmp	$0, $canonical
canonical:
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movw	$_start, %sp
	movb	%dl, drive
	movw	$hello, %si
	movw	$hello_len, %cx
	call	say

	inb	$0x92, %al		/* open A20, without a reset (bit 0) */
	andb	$0xfe, %al
	orb	$2, %al
	outb	%al, $0x92

	movw	$(_start + PIECES), %bp
next_piece:
	cmpl	$0, 4(%bp)
	je	start_linux
next_chunk:
	movl	$CHUNK, %ecx
	cmpl	4(%bp), %ecx
	jbe	1f
	movl	4(%bp), %ecx
1:	call	read_chunk
	call	copy_chunk
	addl	%ecx, (%bp)
	subl	%ecx, 4(%bp)
	jnz	next_chunk
	addw	$12, %bp
	jmp	next_piece

start_linux:
	movw	$SETUP_SEG, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %fs
	movw	%ax, %gs
	movw	%ax, %ss
	movw	$SETUP_STACK, %sp
	ljmp	$(SETUP_SEG + 0x20), $0

/* Reads %ecx sectors from sector (%bp) to BOUNCE. Keeps %ecx and %bp. */
read_chunk:
	movw	%cx, packet_count
	movl	(%bp), %eax
	movl	%eax, packet_sector
	movw	$packet, %si
	movb	drive, %dl
	movb	$0x42, %ah
	pushl	%ecx
	pushw	%bp
	sti
	int	$0x13
	cli
	popw	%bp
	popl	%ecx
	jc	fail
	ret

/*
 * Copies %ecx sectors from BOUNCE to physical address 8(%bp) and moves that
 * address on. The 4 GiB segment limit it needs is loaded each time, since
 * the BIOS may have put back its own.
 */
copy_chunk:
	lgdt	gdt_pointer
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	movw	$8, %bx
	movw	%bx, %ds
	movw	%bx, %es
	andb	$0xfe, %al
	movl	%eax, %cr0
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movl	$BOUNCE, %esi
	movl	8(%bp), %edi
	pushl	%ecx
	shll	$7, %ecx		/* sectors to 32-bit words */
	addr32 rep movsl
	popl	%ecx
	movl	%edi, 8(%bp)
	ret

fail:
	movw	$read_error, %si
	movw	$read_error_len, %cx
	call	say
1:	hlt
	jmp	1b

/* Sends %cx bytes at %si to the emulator. */
say:
	movw	$DEBUG_PORT, %dx
	rep outsb
	ret

hello:	.ascii	"@pc loader\n"
	.set	hello_len, . - hello
read_error:
	.ascii	"@pc disk_error\n"
	.set	read_error_len, . - read_error
drive:	.byte	0

	.balign	4
packet:	.byte	16, 0			/* disk address packet of int 0x13/0x42 */
packet_count:
	.word	0
	.word	0, BOUNCE >> 4
packet_sector:
	.quad	0

gdt:	.quad	0
	.quad	0x00cf92000000ffff	/* data, base 0, limit 4 GiB */
gdt_pointer:
	.word	. - gdt - 1
	.long	gdt

	.org	PIECES
	.org	510
	.word	0xaa55
