# SPDX-License-Identifier: MIT
"""Rules about machine code, checked on llvm-objdump's disassembly (AT&T syntax).

Intel SDM volume 1, "Instruction Set Summary" says which instructions touch x87, MMX and SSE state; the
System V x86-64 ABI, "The Stack Frame" defines the red zone: the 128 bytes below %rsp.
"""

import re
import subprocess
from collections import namedtuple

Instruction = namedtuple('Instruction', 'address mnemonic operands text')
Frame = namedtuple('Frame', 'total below_rbp')
Finding = namedtuple('Finding', 'rule function offset text advice')

FUNCTION = re.compile(r'^([0-9a-f]+) <(.+)>:$')
INSTRUCTION = re.compile(r'^\s*([0-9a-f]+):\s+(.*\S)\s*$')
PREFIX = re.compile(r'^(lock|rep|repe|repz|repne|repnz|data16|addr32|notrack|rex64|[c-g]s)\s+')
FP_REGISTER = re.compile(r'%([xyz]?mm\d+|st\b|k[0-7]\b)')
FP_MNEMONIC = re.compile(r'^(f\w+|wait|emms|v?ldmxcsr|v?stmxcsr|vzero\w+|xsave\w*|xrstor\w*|xsusldtrk)$')
MEMORY = re.compile(r'(-?0x[0-9a-f]+|-?\d+)?\((%\w+)(,[^)]*)?\)')
IMMEDIATE = re.compile(r'^\$(-?0x[0-9a-f]+|-?\d+), *%rsp$')

RED_ZONE_ADVICE = 'compile with -mno-red-zone; in assembly make room before writing'
FP_ADVICE = 'compile with -mgeneral-regs-only; these registers hold the guest\'s values'


def disassemble(objdump, path):
    """Yields (function, start, [Instruction])."""
    out = subprocess.run([objdump, '-d', '--no-show-raw-insn', '--print-imm-hex', path],
                         check=True, capture_output=True, text=True).stdout
    name, start, code = None, 0, []
    for line in out.splitlines():
        head = FUNCTION.match(line)
        if head:
            if name:
                yield name, start, code
            name, start, code = head.group(2), int(head.group(1), 16), []
            continue
        found = INSTRUCTION.match(line)
        if found and name:
            code.append(parse(int(found.group(1), 16), found.group(2)))
    if name:
        yield name, start, code


def parse(address, text):
    text = re.sub(r'\s+', ' ', re.sub(r'\s*(#|<).*$', '', text)) or text
    rest = text
    while PREFIX.match(rest):
        rest = PREFIX.sub('', rest, count=1)
    mnemonic, _, operands = rest.partition(' ')
    return Instruction(address, mnemonic, operands, text)


def reservation(i):
    """Bytes by which an instruction moves %rsp down; None when it moves %rsp to a place not known here."""
    amount = IMMEDIATE.match(i.operands)
    memory = MEMORY.match(i.operands)
    if i.mnemonic.startswith('push'):
        return 8
    if i.mnemonic.startswith('sub') and amount:
        return max(int(amount.group(1), 0), 0)
    if i.mnemonic.startswith('add') and amount:
        return max(-int(amount.group(1), 0), 0)
    if i.mnemonic.startswith('lea') and i.operands.endswith('%rsp') and memory:
        return max(-int(memory.group(1) or '0', 0), 0) if memory.group(2) == '%rsp' else 0
    if i.operands.endswith(' %rsp') and not i.mnemonic.startswith(('cmp', 'test')):
        return None
    return 0


def measure_frame(code):
    """What the function reserves at most, in total and below its frame pointer."""
    total, below_rbp = 0, None
    for i in code:
        if i.mnemonic.startswith('mov') and i.operands == '%rsp, %rbp':
            below_rbp = below_rbp or 0
            continue
        n = reservation(i)
        if n is None:
            return Frame(None, None)
        if below_rbp is not None:
            below_rbp += n
        if i.operands != '%rbp':
            total += n
    return Frame(total, below_rbp)


def below_stack(instruction, frame):
    """True when the instruction reaches below what the function has reserved.

    With an index register a negative displacement may be array[i - 1] of an array in the frame: wrong only where
    there is no frame.
    """
    memory = MEMORY.search(instruction.operands)
    if not memory or not memory.group(1):
        return False
    displacement, base, index = int(memory.group(1), 0), memory.group(2), memory.group(3)
    if base == '%rsp':
        return displacement < 0 and (not index or frame.total == 0)
    if base == '%rbp' and frame.below_rbp is not None:
        return -displacement > frame.below_rbp and (not index or frame.below_rbp == 0)
    return False


def moves_stack_pointer(instruction, following):
    """LEA of the next stack pointer, at once or in two steps: no access."""
    target = instruction.operands.rpartition(' ')[2]
    return instruction.mnemonic.startswith('lea') and (
        target == '%rsp' or following is not None and following.operands == f'{target}, %rsp')


def uses_fp(instruction):
    return FP_REGISTER.search(instruction.operands) or FP_MNEMONIC.match(instruction.mnemonic)


def check_code(objdump, path, allow_fp=()):
    """Yields a Finding for each instruction that breaks a rule."""
    for function, start, code in disassemble(objdump, path):
        frame = measure_frame(code)
        for i, following in zip(code, code[1:] + [None]):
            rule = None
            if '<unknown>' in i.text or i.mnemonic in ('(bad)', '.byte'):
                rule, advice = 'undecodable', 'keep data out of code: tables belong into .rodata'
            elif below_stack(i, frame) and not moves_stack_pointer(i, following):
                rule, advice = 'red-zone', RED_ZONE_ADVICE
            elif uses_fp(i) and function not in allow_fp:
                rule, advice = 'fp', FP_ADVICE
            elif i.mnemonic == 'std':
                rule, advice = 'direction-flag', 'do not set DF: an exit or NMI would run C code with it set'
            if rule:
                yield Finding(rule, function, i.address - start, i.text, advice)
