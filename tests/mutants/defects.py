# SPDX-License-Identifier: MIT
"""Defects that somebody could have written: (name, file, what stands there, what the defect makes of it)."""

from defects_introspection import INTROSPECTION_DEFECTS

STACKS = 'modules/vcpu/stacks.c'
SWITCH = 'modules/vcpu/switch.c'
GUEST = 'modules/vcpu/guest.c'
START = 'modules/vcpu/start.c'
VENDOR = 'modules/vcpu_intel/vendor.c'
LAUNCH = 'modules/vcpu_intel/launch.c'
EVENT = 'modules/vcpu/event.c'
REDELIVER = 'modules/vcpu/redeliver.c'
VMX_EVENT = 'modules/vcpu_intel/event.c'
EXIT = 'modules/vcpu_intel/exit.c'
LEAVE = 'modules/vcpu/leave.c'
RESTORE = 'modules/vcpu/restore.c'
INIT_SIGNAL = 'modules/vcpu/init_signal.c'
SYSTEM = 'modules/vcpu_intel/system.c'
SETUP = 'modules/vcpu_intel/setup.c'
ACTION = 'modules/vcpu/action.c'
FAULT = 'modules/vcpu/fault.c'
TABLES = 'modules/vcpu/tables.c'
CAPS = 'modules/vcpu_intel/caps.c'
REGS = 'modules/vcpu_intel/regs.c'
CONTROL_REGISTERS = 'modules/vcpu_intel/control_registers.c'
EXIT_FACTS = 'modules/vcpu_intel/exit_facts.c'
SEGMENT = 'modules/vcpu/segment.c'
CONTROL = 'modules/exit_handler/control.c'
CPUID = 'modules/exit_handler/cpuid.c'
MSR = 'modules/exit_handler/msr.c'
INSTRUCTION = 'modules/exit_handler/instruction.c'
HYPERCALL = 'modules/exit_handler/hypercall.c'
MEMORY = 'modules/memory/memory.c'
POOL = 'modules/memory/pool.c'
SPACE = 'modules/memory/space.c'
HEAP = 'modules/memory/heap.c'
POOL_CORE = 'drivers/common/pool.c'
ENTRY = 'modules/entry/init.c'
ENTRY_CPU = 'modules/entry/cpu.c'
ENTRY_NAME = 'modules/entry/name.c'
CPUS = 'drivers/common/cpus.c'
CORE = 'drivers/common/core.c'
CORE_EVENTS = 'drivers/common/events.c'
MODULES = 'drivers/common/modules.c'
CORE_SPACE = 'drivers/common/space.c'
VMM = 'drivers/common/vmm.c'
MAP = 'drivers/common/map.c'
MAP_CHECK = 'drivers/common/map_check.c'
EPT = 'modules/ept/ept.c'
FLUSH = 'modules/vcpu/flush.c'
GLANCE = 'modules/memory/glance.c'
GUEST_WALK = 'modules/vcpu/guest_walk.c'
GUEST_MEMORY = 'modules/vcpu/guest_memory.c'
WATCH = 'drivers/linux/watch.c'
EPT_TABLE = 'modules/ept/table.c'
EPT_DIRECT = 'modules/ept/direct.c'
EPT_SPACES = 'modules/ept/spaces.c'
EPT_PAGES = 'modules/ept/pages.c'
EPT_TOUCH = 'modules/ept/touch.c'
EPT_TYPES = 'modules/ept/types.c'
EPT_WINDOW = 'modules/ept/window.c'
SLAT_PAGES = 'drivers/common/slat_pages.c'
WATCHDOG = 'modules/vcpu/watchdog.c'
REPORT = 'modules/vcpu/report.c'
COUNTERS = 'modules/vcpu_intel/counters.c'
BENEATH = 'modules/exit_handler/beneath.c'
CHAIN = 'modules/exit_handler/chain.c'
POLICY = 'modules/exit_handler/msr_policy.c'
DISPATCH = 'modules/exit_handler/dispatch.c'
BITMAP = 'modules/vcpu_intel/msr_bitmap.c'
GUEST_MSR = 'modules/vcpu_intel/msr.c'
HISTORY = 'modules/vcpu/history.c'
VMCS = 'modules/vcpu_intel/vmcs.c'
LOG = 'modules/serial/log.c'
UART = 'modules/serial/uart.c'
STEP = 'lib/step.c'

DEFECTS = [
    # What a start does is not undone, or in the wrong order.
    ('CR4.VMXE stays set after a failed start', LAUNCH, '"CR4.VMXE", vmxe_up, vmxe_down', '"CR4.VMXE", vmxe_up, NULL'),
    ('VMX stays on after a failed start', START, '"root mode", root_up, root_down', '"root mode", root_up, NULL'),
    ('the VMCS stays active after a failed start', START, '"guest state", guest_up, guest_down', '"guest state", guest_up, NULL'),
    ('the VMCS stays active when it could not be filled', LAUNCH, '\tif (err)\n\t\tvendor_unload(vcpu);\n\treturn err;', '\treturn err;'),
    ('VMXON before CR4.VMXE', LAUNCH,
     '\t{"CR4.VMXE", vmxe_up, vmxe_down},\n\t{"VMXON", vmxon_up, vmxon_down},\n',
     '\t{"VMXON", vmxon_up, vmxon_down},\n\t{"CR4.VMXE", vmxe_up, vmxe_down},\n'),
    ('the feature-control lock is left open', LAUNCH, '\tif (!(value & FEATURE_CONTROL_LOCKED))\n',
     '\tif (value & FEATURE_CONTROL_LOCKED)\n\t\treturn 0;\n\tif (!value && ctx == (void *)1)\n'),
    ('no revision in the VMXON region', LAUNCH, '\trevision_write(cpu->vendor->vmxon);\n', ''),
    ('no revision in the VMCS', LAUNCH, '\trevision_write(vmcs);\n', ''),
    ('the result of VMPTRLD is not looked at', LAUNCH,
     'return err ? err : vmx_error("VMPTRLD", cpu_vmptrld(pa));', 'if (!err)\n\t\t(void)cpu_vmptrld(pa);\n\treturn err;'),
    ('VMCLEAR is forgotten before VMPTRLD', LAUNCH, 'int err = vmx_error("VMCLEAR", cpu_vmclear(pa));', 'int err = 0;'),
    ('a page leaks with every vCPU', VENDOR, '\tmem_page_free(vcpu->vendor->vmcs);\n', ''),
    ('a stack leaks with every CPU', STACKS, 'i = 0; i < CPU_STACKS; i++)\n\t\tmem_stack_free(', 'i = 1; i < CPU_STACKS; i++)\n\t\tmem_stack_free('),
    ('a failed launch is taken for a guest', START, '\tstate_set(vcpu, PLINTH_CPU_READY);\n\tvendor_refusal_log', '\tvendor_refusal_log'),
    # The state of guest and host.
    ('the guest starts with RAX not 0', START, '\tmemset(&vcpu->regs, 0, sizeof(vcpu->regs));\n',
     '\tmemset(&vcpu->regs, 1, sizeof(vcpu->regs));\n'),
    ('the guest starts with interrupts on', START, 'system->rflags = RFLAGS_FIXED;', 'system->rflags = RFLAGS_FIXED | RFLAGS_IF;'),
    ('the guest loses FS base', START, '\tlaunch.system.segment[SEG_FS].base = fs_base;\n', ''),
    ('a start does not look at what is in use', START, '\t{"features in use", in_use_up, NULL},\n', ''),
    ('the guest loses DR7', START, '\tsystem->dr7 = cpu_read_dr7();\n', ''),
    ('the guest loses SYSENTER_ESP', SETUP, 'if (msr_is_loaded(c, m))', 'if (m->field != VMCS_GUEST_SYSENTER_ESP && msr_is_loaded(c, m))'),
    ('the guest sees CR4.VMXE', SETUP, 'vmcs_write(VMCS_CR4_SHADOW, system->cr4);', 'vmcs_write(VMCS_CR4_SHADOW, system->cr4 | CR4_VMXE);'),
    ('the link pointer is not set', SETUP, '\tvmcs_write(VMCS_GUEST_LINK_POINTER, NO_LINK_POINTER);\n', ''),
    ('VPID 0', SETUP, 'vmcs_write(VMCS_VPID, guest->vpid);', 'vmcs_write(VMCS_VPID, 0);'),
    ("a failed VMWRITE of another guest's state is not noticed", SETUP, 'vmcs_write_error(cpu_local()->vcpu)', 'vmcs_write_error(vcpu)'),
    ('a failed VMWRITE is not noticed', SETUP, '\treturn vmcs_write_error(cpu_local()->vcpu);', '\t(void)vmcs_write_error(cpu_local()->vcpu);\n\treturn 0;'),
    ('the limit of a segment ignores its granularity', SEGMENT, 'return low >> 55 & 1 ? limit << 12 | 0xfff : limit;',
     'return limit;'),
    ('a null segment is usable', SEGMENT, '.rights = SEG_UNUSABLE};', '.rights = 0};'),
    ('no TSS in root mode', SETUP, 'vmcs_write(VMCS_HOST_TR_SELECTOR, root->tr);', 'vmcs_write(VMCS_HOST_TR_SELECTOR, 0);'),
    ('HOST_RSP at the wrong place', SETUP, '(uint64_t)&vcpu->on_exit)', '(uint64_t)&vcpu->on_action)'),
    ('the guest\'s page tables in root mode', SETUP, 'vmcs_write(VMCS_HOST_CR3, root->cr3);',
     'vmcs_write(VMCS_HOST_CR3, ~0ull);'),
    ('NMIs without a stack of their own', TABLES, 'return 1 + (', 'return vector == VECTOR_NMI ? 0 : 1 + ('),
    ('an NMI that exits is nobody\'s', HISTORY, '\tguest->recording[PLINTH_EXIT_EXCEPTION] = record_exception;\n', ''),
    ('the window of NMIs is never closed', VMX_EVENT, 'c->primary = on ? c->primary | primary : c->primary & ~primary;', 'c->primary |= primary;'),
    ('machine checks on the stack of faults', TABLES, 'vector == VECTOR_MC ? STACK_MC', 'vector == VECTOR_MC ? STACK_FAULT'),
    ('CR4.MCE in root mode as it was at the launch', SETUP, '(CR4_OSXSAVE | CR4_MCE) & cpu_rdmsr', 'CR4_OSXSAVE & cpu_rdmsr'),
    ('a machine check is the VMM\'s death', FAULT, 'if (fault->vector == VECTOR_MC) {', 'if (false) {'),
    ('root mode goes on whatever a machine check hit', FAULT, '\tif (!can_go_on())\n', '\tif (false)\n'),
    ('a guest without CR4.MCE gets a machine check', EVENT, '\tif (is_hosts(vcpu) && !(vcpu_read(vcpu, VCPU_CR4) & CR4_MCE))\n\t\tevent_shut_down(vcpu);\n', ''),
    ('a machine check that was queued is lost to an event', EVENT, '\telse if (is_machine_check(&queued))\n\t\tmc_owe(vcpu);\n', ''),
    ('a machine check overwrites an event', EVENT, 'if (queued.type != VCPU_EVENT_NONE && !is_nmi(&queued))', 'if (false)'),
    ('an NMI that was queued is lost to a machine check', EVENT, '\tgive_way(vcpu);\n\tvendor_queue(vcpu, &machine_check);',
     '\tvendor_queue(vcpu, &machine_check);'),
    ('a machine check on the way out is lost', EVENT, '\tif (is_machine_check(&queued))\n\t\tp->mc_owed = true;\n', ''),
    ('the kernel that has its CPU back is not told of a machine check', LEAVE, 'p->handback.machine_check = p->mc_owed;', 'p->handback.machine_check = 0;'),
    ('an entry that a machine check fails is the VMM\'s death', EXIT, '(vcpu->exit.reason & BASIC_REASON) == REASON_ENTRY_MC',
     '(vcpu->exit.reason & BASIC_REASON) == 99'),
    ('what an exit interrupted is delivered again after a failed entry', REDELIVER, 'if (vcpu->exit.kind == PLINTH_EXIT_ENTRY_FAILURE)', 'if (false)'),
    ('counters run in root mode', COUNTERS, 'return COUNTERS_VERSION(leaf.eax) >= WITH_GLOBAL_CONTROL;', 'return false;'),
    ('records are written in root mode', COUNTERS, '\tif (has_pebs())\n', '\tif (false)\n'),
    ('counters stand still after the stop', SYSTEM, '\tcounters_give_back(vcpu->vendor);\n', ''),
    ('an INIT finds root mode\'s tables with counters that run', INIT_SIGNAL, '\tcpu_write_cr3(mem_launch_tables());\n', ''),
    ('host PCIDE stays on', SETUP, '& ~(CR4_PCIDE | CR4_CET | CR4_PKS)', '& ~(CR4_VMXE | CR4_CET | CR4_PKS)'),
    ('VMXON with the kernel\'s gates', LAUNCH, '\tcpu_load_idt(&borrowed);\n', ''),
    ('the IDT is not given back after VMXON', LAUNCH, '\tcpu_load_idt(&kernels);\n\treturn result;', '\treturn result;'),
    ('inside SMX operation nobody may go into VMX operation', CAPS, 'cpu_read_cr4() & CR4_SMXE ? FEATURE_CONTROL_VMX_IN_SMX : 0', '0'),
    # What a CPU cannot do is not noticed.
    ('VT-x in use is not noticed', CAPS, 'if (cpu_read_cr4() & CR4_VMXE) {', 'if (!cpu_read_cr4()) {'),
    ('VT-x locked off is not noticed', CAPS, '&& !(feature_control & caps_ways_into_vmx())) {', '&& !feature_control) {'),
    ('bits of CR0 that VMX fixes are not looked at', CAPS, 'if (!bad0 && !bad4)', 'if (!bad4)'),
    ('must-be-one control bits are dropped', CAPS, 'return (want | (uint32_t)caps) & (uint32_t)(caps >> 32);',
     'return want & (uint32_t)(caps >> 32);'),
    ('an instruction that CPUID shows is not enabled', CAPS, '\t\t*secondary |= instructions[i].secondary;\n', ''),
    # Exits.
    ('RIP is not moved over a rare instruction', EXIT, '\tvmcs_write(VMCS_GUEST_RIP, rip);\n', ''),
    ('RIP does not wrap in 32-bit code', EXIT, '? rip : (uint32_t)rip;', '? rip : rip;'),
    ('the single-step trap after a skipped instruction is lost', EXIT, 'vcpu->exit.rflags & RFLAGS_TF &&', 'false &&'),
    ('blocking by STI outlives the instruction', EXIT, 'if (vcpu->exit.blocked & (VCPU_BLOCKED_STI | VCPU_BLOCKED_SS))', 'if (false)'),
    ('the stop goes on at the hypercall', ACTION, '\tcase EXIT_LEAVE: vendor_skip(vcpu); vcpu_leave(switch_to_host(vcpu));\n', '\tcase EXIT_LEAVE: vcpu_leave(switch_to_host(vcpu));\n'),
    ('an NMI overwrites an exception', EVENT, '\tif (event_queued(vcpu) || guest_blocks_nmi(vcpu))\n\t\tnmi_owe(vcpu);',
     '\tif (guest_blocks_nmi(vcpu))\n\t\tnmi_owe(vcpu);'),
    ('an NMI that is owed is never delivered', EVENT, '\t__atomic_add_fetch(&vcpu->cpu->priv->nmis_owed, 1, __ATOMIC_RELAXED);\n\tvendor_recall',
     '\tvendor_recall'),
    ('an NMI of the host goes to another guest', EVENT, '\tif (p->injecting || !is_hosts(vcpu)) {\n\t\tnmi_owe', '\tif (p->injecting) {\n\t\tnmi_owe'),
    ('an NMI that came while another guest ran is not told of', SWITCH, '\tif (!hold)\n\t\tevent_recall_owed', '\tif (hold)\n\t\tevent_recall_owed'),
    ('a CPU that leaves holds another guest\'s state', LEAVE, '\tswitch_unload_all(host->cpu);\n', ''),
    ('a guest is launched each time it is switched to', SWITCH, '\tnext->entered = true;\n', ''),
    ('what is mapped is taken for what is not', EXIT_FACTS, 'QUALIFICATION_ALLOWED 0x38u', 'QUALIFICATION_ALLOWED 0x07u'),
    ('a vCPU that is not current is read', REGS, '\tif (!vcpu_is_current(vcpu))\n\t\treturn 0;\n', ''),
    ('two CPUs hold one state', SWITCH, '\tif (vcpu->cpu)\n\t\treturn vcpu->cpu == cpu ? PLINTH_E_STATE : PLINTH_E_BUSY;\n', ''),
    ('an NMI on the way out is lost', EVENT,
     '\tif (is_nmi(&queued))\n\t\t__atomic', '\tif (false)\n\t\t__atomic'),
    ('an NMI is delivered twice', EVENT, '__atomic_sub_fetch(&p->nmis_owed, 1, __ATOMIC_RELAXED)', 'p->nmis_owed'),
    ('#GP without its error code', INSTRUCTION, 'vcpu_inject(vcpu, VECTOR_GP, true, 0);', 'vcpu_inject(vcpu, VECTOR_GP, false, 0);'),
    ('INVD from user mode', INSTRUCTION, '\tif (vcpu_read(vcpu, VCPU_CPL))\n\t\treturn exit_raise_gp(vcpu);\n\tcpu_wbinvd', '\tcpu_wbinvd'),
    ('XSETBV changes nothing', CONTROL, 'return cpu_xsetbv_safe(0, value) ? exit_raise_gp(vcpu) : EXIT_NEXT;', 'return EXIT_NEXT;'),
    ('XSETBV from user mode', CONTROL, 'if (vcpu_read(vcpu, VCPU_CPL) || (uint32_t)vcpu->regs.rcx', 'if ((uint32_t)vcpu->regs.rcx'),
    ('a CR3 write keeps bit 63', CONTROL_REGISTERS, '\tif (keep)\n\t\tvalue &= ~CR3_NOFLUSH;\n', ''),
    ('a CR3 write flushes nothing', CONTROL_REGISTERS, '\tif (!keep)\n\t\tflush_guest(p);\n', ''),
    ('a fault pushes RF as it finds it', EVENT, '\tpush_rf(vcpu, vector);\n', ''),
    ('RF outlives an access that the VMM did', EXIT, '\tif (vcpu->exit.rflags & RFLAGS_RF)\n', '\tif (false)\n'),
    ('no error code tells of an interrupt', REDELIVER, '\t\ttell_external(vcpu, &first, &queued);\n', '\t\t;\n'),
    ('a fault in the last words is told of, and so on', REPORT, '\tif (vcpu->cpu->local.in_fault <= FAULTS_TOLD)\n\t\tLOG_ERR', '\tLOG_ERR'),
    ('a failed VMWRITE is told of again and again', VMCS, '\tvcpu->vendor->write_failure = (struct vmcs_failure){0};\n', ''),
    ('LMSW clears PE', CONTROL, 'cr0 & ~(CR0_MP | CR0_EM | CR0_TS)', 'cr0 & ~(CR0_PE | CR0_MP | CR0_EM | CR0_TS)'),
    ('OSXSAVE does not follow the guest', CPUID, 'vcpu_read(vcpu, VCPU_CR4) & CR4_OSXSAVE', 'false'),
    ('RDMSR leaves the upper half', MSR, 'vcpu->regs.rdx = access.value >> 32;', 'vcpu->regs.rdx |= access.value >> 32;'),
    ('a bad MSR kills the VMM', GUEST_MSR, 'return cpu_wrmsr_safe(msr, value);', 'return cpu_wrmsr(msr, value), 0;'),
    ('anybody may stop the VMM', HYPERCALL, 'vcpu->regs.rcx == exit_state.stop_token[0] && vcpu->regs.rdx == exit_state.stop_token[1] &&', ''),
    ('the stop gives RAX back', HYPERCALL, '\t\tvcpu->regs.rax = 0;\n\t\treturn EXIT_LEAVE', '\t\treturn EXIT_LEAVE'),
    ('CR0 shadow and register are mixed up', CONTROL_REGISTERS, 'vmcs_write(shadow, value);', 'vmcs_write(shadow, vmcs_read(real));'),
    # Giving a CPU back.
    ('GS base is lost', RESTORE, '\tcpu_wrmsr(MSR_IA32_GS_BASE, g->segment[SEG_GS].base);\n', ''),
    ('DR7 is lost', RESTORE, '\tcpu_write_dr7(g->dr7);\n', ''),
    ('the IDT before TR', RESTORE, '\tcpu_load_tr(tr);\n\tcpu_load_idt(&g->idt);\n', '\tcpu_load_idt(&g->idt);\n\tcpu_load_tr(tr);\n'),
    ('LTR on the guest\'s own GDT', RESTORE, '\tcpu_load_tr(tr);\n', '\tcpu_load_gdt(&g->gdt);\n\tcpu_load_tr(tr);\n'),
    ('the guest\'s LDT is looked into on the launch tables', RESTORE, '\tif (s->selector & SELECTOR_TI)\n', '\tif (!s)\n'),
    ('LDTR is left as the VMM used it', RESTORE, '\tcpu_load_ldt(g->segment[SEG_LDTR].selector);\n', ''),
    ('an NMI after LTR takes a stack of the guest\'s task state', RESTORE, '\ttables_gates_stay(tables);\n', ''),
    ('a segment of bytes becomes one of pages', SEGMENT, 'rights >> 15 & 1 ? segment->limit >> 12 : segment->limit', 'segment->limit >> 12'),
    ('the launch tables are those of another process', MAP, '\tos_kernel_half(core_launch_pgd(core));\n\treturn',
     '\tif (!core_launch_pgd(core)[511])\n\t\tos_kernel_half(core_launch_pgd(core));\n\treturn'),
    ('the guest\'s tables before the VMM is left', RESTORE, 'cpu_write_cr3(mem_launch_tables());', 'cpu_write_cr3(g->cr3);'),
    ('CR4.VMXE stays set after a stop', SYSTEM, 'vcpu_read(vcpu, VCPU_CR4) & ~CR4_VMXE;', 'vcpu_read(vcpu, VCPU_CR4) | CR4_VMXE;'),
    ('VMXOFF is forgotten', LEAVE, '\tvendor_root_off(host->cpu);\n', ''),
    ('VMCLEAR is forgotten at the end', LEAVE, '\tvendor_unload(host);\n', ''),
    ('RFLAGS and RIP change places', LEAVE, '\tframe[1] = g->rflags;\n\tframe[2] = g->rip;\n\treturn', '\tframe[2] = g->rflags;\n\tframe[1] = g->rip;\n\treturn'),
    # Memory.
    ('a freed page is not cleared when it is used again', POOL, '\t\tmemset(page, 0, MEM_PAGE);\n', ''),
    ('pages of a stack leak', MEMORY, '\tspace_unmap_locked(bottom, pages, SPACE_STACK);\n\tpages_give_back(pa, pages);\n',
     '\tspace_unmap_locked(bottom, pages, SPACE_STACK);\n'),
    ('addresses of a stack leak', SPACE, 'MEM_PAGE - guard, pages + 2 * guard);', 'MEM_PAGE - guard, pages);'),
    ('stacks without a guard page', SPACE, 'use == SPACE_STACK ? PLINTH_STACK_GUARDS / 2 : 0', '0'),
    ('stacks that cannot be written', MEMORY, 'space_map_locked(pa, pages, MEM_RW, SPACE_STACK)',
     'space_map_locked(pa, pages, MEM_R, SPACE_STACK)'),
    ('whatever is unmapped is believed', MEMORY, '\tours = space_is(va, pages, SPACE_MAP);\n', '\tours = true;\n'),
    ('whatever is said to be a stack is freed', MEMORY, 'pages <= STACK_PAGES_MAX && space_is(bottom, pages, SPACE_STACK);',
     'pages && pages <= STACK_PAGES_MAX;'),
    ('a page of a stack is given back as a page', POOL, '\tif (pool.map[i] != taken_for(use, owner))\n\t\treturn false;\n', ''),
    ('headers of the heap are believed', HEAP, '\treturn is_sound(b) ? NULL : "lies between headers that are overwritten";',
     '\treturn NULL;'),
    ('the heap is searched beyond an overwritten header', HEAP, '\t\tif (!is_sound(b)) {', '\t\tif (false) {'),
    ('addresses are used again while a CPU keeps the old translation', SPACE, '\t\tif (seen && seen != space.unmapped)\n',
     '\t\tif (false)\n'),
    ('a CPU that flushed is not known to have', SPACE, '\t__atomic_store_n(&space.seen[cpu], unmapped, __ATOMIC_RELEASE);\n}\n\nvoid mem_cpu_enter',
     '\t(void)unmapped;\n}\n\nvoid mem_cpu_enter'),
    ('a pool in one piece keeps what its pieces would have taken', POOL_CORE, 'if (pool->pages - need > MORE_PAGES)',
     'if (pool->pages - need > need)'),
    ('fewer pages are counted than a CPU takes', POOL_CORE, 'core->n_cpus * PLINTH_CPU_PAGES', 'core->n_cpus * (PLINTH_CPU_PAGES - 1)'),
    ('page tables of the window are not counted', CORE_SPACE, ' + pool_pages +\n\t\t\t  plinth_window_pages(core->n_cpus));', ' + pool_pages);'),
    # What anybody may change meanwhile.
    ('the UART\'s port is read twice', UART, 'cpu_out8(base + UART_DATA, byte);', 'cpu_out8(uart_base + UART_DATA, byte);'),
    ('the log asks the shared region where to write', LOG, 'put_record(plinth_shared_own(log_shared, cpu), &line);',
     'put_record(plinth_shared_cpu(log_shared, cpu), &line);'),
    ('the stack to start on is not checked', MAP_CHECK, '\t\t\terr = judge_stack(check, &pt);\n', '\t\t\terr = 0;\n'),
    ('the stack is read again after the check', CPUS, 'c->stack_top, core->entry[ENTRY_START]',
     'core_shared_cpu(core, c->cpu)->stack_top, core->entry[ENTRY_START]'),
    ('what a CPU leaves behind is never forgotten', CORE_EVENTS, '\t\tcpus_make_exits(core);\n', '\t\t;\n'),
    ('exits do not flush what was unmapped', HISTORY, '\tmem_cpu_flush(vcpu->cpu->local.cpu);\n', ''),
    # Entry module and driver core.
    ('a prepared CPU is prepared again', ENTRY_CPU, '\tplinth_set(&block->stack_top, 0);\n', ''),
    ('the vCPU table leaks', ENTRY, '\tmem_free(entry_state.vcpus);\n', ''),
    ('a CPU that was released stays known', ENTRY_CPU, '\t\tentry_state.vcpus[target] = NULL;\n', ''),
    ('only the CPUs before the last are stopped', CPUS, 'for (uint32_t i = core->n_cpus; i--;)\n\t\tif (core->cpus[i].guest)',
     'for (uint32_t i = core->n_cpus - 1; i--;)\n\t\tif (core->cpus[i].guest)'),
    ('CPUs that run are left when one fails', CPUS, '\tif (err)\n\t\tcpus_stop(core);\n\treturn err;', '\treturn err;'),
    ('a CPU that could not be stopped is forgotten', CPUS,
     'core_corrupt(c->core, "CPU %u: could not be stopped: %s", c->cpu, plinth_strerror(err));', '(void)err;'),
    ('the claim outlives the stop', CPUS, '\tos_cpu_unclaim();\n', ''),
    ('others are kept away for ever', CORE, '\t\tos_virt_release();\n', '\t\t;\n'),
    ('the state changes although the command failed', CORE, '\tif (!err) {\n\t\tcore->state = command->to;', '\t{\n\t\tcore->state = command->to;'),
    ('the list of modules leaks when a file is bad', MODULES, '\tif (err)\n\t\tmodules_forget(core);\n\treturn err;', '\treturn err;'),
    ('images of a failed load leak', MODULES, '\t\t\tmodules_free(core);\n\t\t\treturn PLINTH_E_NOMEM;', '\t\t\treturn PLINTH_E_NOMEM;'),
    ('regions of the VMM leak', CORE_SPACE, '\t\tcore_free(core, region->kernel, region->pages);\n', ''),
    ('the list of page tables leaks', POOL_CORE, '\tcore_free_bytes(core, core->table, core->max_tables * sizeof(*core->table));\n', ''),
    ('the last step that worked is not undone', STEP, 'steps_down(steps, i, ctx);', 'steps_down(steps, i ? i - 1 : 0, ctx);'),
    ('steps are undone in the order they were done', STEP, '\twhile (n--)\n\t\tif (steps[n].down)\n\t\t\tsteps[n].down(ctx);',
     '\tfor (size_t i = 0; i < n; i++)\n\t\tif (steps[i].down)\n\t\t\tsteps[i].down(ctx);'),
    # An exit in the middle of an event.
    ('what an exit interrupted is lost', REDELIVER,
     '\t} else if (queued.type == VCPU_EVENT_NONE || event_can_wait(&queued)) {\n\t\tvcpu_reinject(vcpu);\n',
     '\t} else if (false) {\n'),
    ('an event is delivered again without its error code', VMX_EVENT,
     'vmcs_write(VMCS_ENTRY_EXCEPTION_ERROR, event->error);', 'vmcs_write(VMCS_ENTRY_EXCEPTION_ERROR, 0);'),
    ('an INT n is delivered again without its length', VMX_EVENT,
     'return event_type == VCPU_EVENT_SOFT_INTERRUPT || event_type == VCPU_EVENT_PRIVILEGED', 'return event_type == VCPU_EVENT_PRIVILEGED'),
    ('an INT3 is delivered again without its length', VMX_EVENT, ' ||\n\t       event_type == VCPU_EVENT_SOFT_EXCEPTION;', ';'),
    ('a bit that is reserved on entries is taken for an error code', VMX_EVENT, 'event.has_error = info & INFO_ERROR;',
     'event.has_error = (info & ~INFO_VALID) >> 11;'),
    ('an IRET that did not end unblocks NMIs', EVENT, '\tvendor_block(vcpu, VCPU_BLOCKED_NMI, 0);\n', ''),
    ('an NMI is delivered before an IRET that did not end', EVENT, '\t\tvendor_queue(vcpu, &nothing);\n\t\tnmi_owe(vcpu);\n', ''),
    ('any violation blocks NMIs', VMX_EVENT,
     'vcpu->exit.kind == PLINTH_EXIT_SLAT_VIOLATION &&\n\t       vcpu_detail(vcpu) & QUALIFICATION_NMI_UNBLOCKED',
     'vcpu->exit.kind == PLINTH_EXIT_SLAT_VIOLATION'),
    ('a fault on top of a page fault comes alone', REDELIVER, '1u << 13 | 1u << 14', '1u << 13'),
    ('a fault on top of #UD is a double fault', REDELIVER, '#define CONTRIBUTORY (1u << 0', '#define CONTRIBUTORY (1u << 6 | 1u << 0'),
    ('a fault on top of a double fault comes alone', REDELIVER, '\t} else if (shuts_down(&first)) {\n', '\t} else if (false) {\n'),
    ('blocking by STI outlives an injected event', EVENT, 'vendor_block(vcpu, 0, VCPU_BLOCKED_STI | VCPU_BLOCKED_SS | (is_nmi',
     'vendor_block(vcpu, 0, VCPU_BLOCKED_SS | (is_nmi'),
    ('a refused entry is taken for the exit it names', EXIT, '\tif (vcpu->exit.reason & ENTRY_FAILED)\n\t\treturn handle(vcpu, PLINTH_EXIT_ENTRY_FAILURE);\n', ''),
    # What the guest may see.
    ('hidden pages can be executed', EPT, 'ept.scratch_pa, SLAT_READ | SLAT_WRITE);', 'ept.scratch_pa, SLAT_ALL);'),
    ('hidden pages are the VMM\'s own', EPT, 'ept.scratch_pa, SLAT_READ | SLAT_WRITE);', '0, SLAT_READ | SLAT_WRITE);'),
    ('the guest can write the shared region', EPT, '0, SLAT_READ)', '0, SLAT_READ | SLAT_WRITE)'),
    ('of pages in a row the second is not hidden', EPT, 'run->bytes += PAGE_4K;', 'run->bytes = PAGE_4K;'),
    ('the last pages of the VMM are not hidden', EPT, '\tif (!err)\n\t\terr = hide_run(&run);\n', ''),
    ('a refused access is tried for ever', EPT_TOUCH, '|| (entry && (entry & wanted) != wanted))', ')'),
    ('memory beyond the CPU\'s addresses is mapped', EPT_TOUCH, 'gpa >= table_kind()->reach || (entry &&', '(entry &&'),
    ('a split page loses its neighbours', EPT_TABLE, '\t\tdirect_fill(t, level - 1, table_begin(gpa, level), false);\n', '\t\t;\n'),
    ('what is mapped is written over', EPT_DIRECT,
     '= *slot ? *slot : entry_for(space, gpa, level, structure);\n\n\t\tif (!entry)\n\t\t\treturn PLINTH_E_NOMEM;\n\t\tif (!*slot)\n',
     '= *slot && level > 3 ? *slot : entry_for(space, gpa, level, structure);\n\n\t\tif (!entry)\n\t\t\treturn PLINTH_E_NOMEM;\n\t\tif (entry != *slot)\n'),
    ('nothing allowed is taken for nothing there', EPT_SPACES, '| c->access | ENTRY_DECIDED;', '| c->access;'),
    ('a page can be written and not read', EPT_SPACES, ' || (access & SLAT_WRITE && !(access & SLAT_READ))', ''),
    ('exits take tables from the pool', EPT_DIRECT, 'return gpa < table_kind()->reach ? map(space, gpa, FROM_SPARE)',
     'return gpa < table_kind()->reach ? map(space, gpa, FROM_POOL)'),
    ('what is hidden can be had elsewhere', EPT_SPACES, '\tif (hidden_any(gpa + c->away, level))\n\t\treturn PLINTH_E_INVAL;\n', ''),
    ('half of a region is changed', EPT_SPACES, '\tif (!err)\n\t\tset_entries(c);\n', '\tset_entries(c);\n'),
    ('a table serves again while others may walk it', EPT_PAGES, ' || !slat_flushed(gone.ticket))', ')'),
    ('a flush that failed is taken for done', EPT_PAGES, '= ticket ? ticket : UINT64_MAX;', '= ticket;'),
    ('a CPU is not asked to flush', FLUSH, '\t\tif (current != here)\n\t\t\thandlers_set(current, flushing);\n', '\t\t(void)flushing;\n\t\t(void)current;\n'),
    ('a CPU that was sent an NMI is sent none ever again', FLUSH, 'cpu->priv->hastened <= flushed;', '!cpu->priv->hastened;'),
    ('NMIs that hasten are not counted', FLUSH, '\t__atomic_add_fetch(&cpu->shared->hastened, 1, __ATOMIC_SEQ_CST);\n', ''),
    ('the VMM\'s NMIs excuse any other for ever', WATCH, '\town->hastened = now;\n', ''),
    ('a look is not flushed', GLANCE, '\tcpu_invlpg(va);\n', ''),
    ('programs read the kernel\'s pages', GUEST_WALK, '\tif (access & GUEST_USER && !(rights & PT_BIT_USER))\n\t\treturn false;\n', ''),
    ('reserved bits of the guest\'s tables are ignored', GUEST_WALK, 'if (entry & reserved_in(paging, entry, level))', 'if (!entry && reserved_in(paging, entry, level))'),
    ('devices are read like memory', EPT_SPACES, 'ordinary = !hidden_any(page, 1) && mtrr_type(page, PAGE_4K) == TYPE_WB;', 'ordinary = !hidden_any(page, 1);'),
    ('pages of the VMM are read for a guest', EPT_SPACES, 'ordinary = !hidden_any(page, 1) && ', 'ordinary = '),
    ('second-level rights do not count', GUEST_MEMORY, ' ||\n\t    (allowed & wanted) != wanted)', ')'),
    ('a page is written before the next is looked up', GUEST_MEMORY, '\t\terr = find_page(vcpu, va, access, &piece->hpa[i], fault);\n',
     '\t\terr = find_page(vcpu, va, access, &piece->hpa[i], fault);\n\t\tif (err && i)\n\t\t\t*(char *)mem_glance(vcpu->cpu->local.cpu, piece->hpa[0]) = 0;\n'),
    ('a flush that was refused is done', FLUSH, '\tif (!err)\n\t\t__atomic_store_n', '\tif (err || !err)\n\t\t__atomic_store_n'),
    ('a window moves and the CPU remembers', EPT_WINDOW, '\terr = s->stale ? window_flush() : 0;\n', '\terr = 0;\n'),
    ('a change of memory types is not taken over', EPT_TYPES, '\tif (changed)\n\t\tspaces_retype();\n', ''),
    ('MTRRs that are half written count', EPT_TYPES, 'if (state.enabled || !(vcpu_read(vcpu, VCPU_CR0) & CR0_CD))', 'if (true)'),
    ('an instruction that gets nowhere is served for ever', EPT_WINDOW, '\tif (s->tries < STUCK)\n\t\treturn false;\n', '\treturn false;\n'),
    ('memory above 4 GiB has no tables of its own', SLAT_PAGES, 'for (size_t level = memory_level; level < LEVELS; level++)',
     'for (size_t level = LEVEL_ABOVE; level < LEVELS; level++)'),
    ('a GiB that is divided for the VMM alone has no table', SLAT_PAGES, 'level < memory_level ||', '!level ||'),
    ('tables for GiBs that are single pages', SLAT_PAGES, 'os_slat_gib_pages() ? LEVEL_ABOVE : LEVEL_GIBS',
     'os_slat_gib_pages() ? LEVEL_GIBS : LEVEL_GIBS'),
    ('what is trapped ends with ept', EPT_TOUCH, 'case FORBIDDEN: return exit_below(vcpu, below);',
     'case FORBIDDEN: return refuse_access(vcpu, "forbidden");'),
    ('what was lent is never free again', EPT_WINDOW, '\tif (!err)\n\t\tborrower = NOBODY;\n', ''),
    ('a borrower that is gone keeps what it was lent', EPT_WINDOW, 'if (!is_gone(borrower))', 'if (borrower != NOBODY)'),
    ('a borrower does not come back', EPT_TOUCH, 'if (!err && vcpu_step(vcpu, true))', 'if (!err && !vcpu)'),
    ('an NMI is lost while a step is asked for', EVENT, '\tif (!err)\n\t\tevent_recall_owed(vcpu);\n', ''),
    ('the scratch page leaks', EPT, '\tmem_page_free(ept.scratch);\n', ''),
    # The log, the states, destructors.
    ('a log record stays marked as being written', LOG, '\t__atomic_store_n(&record->sequence, sequence, __ATOMIC_RELEASE);\n', ''),
    ('a stack that is given back stays mapped', SPACE, '\tunmap((uint64_t)va, pages);\n\tlet_wait(', '\tlet_wait('),
    ('CORRUPT is forgotten when the command ends', CORE, '\tif (core->state == PLINTH_CORRUPT)\n\t\treturn PLINTH_E_CORRUPT;\n\tif (!err) {\n', '\tif (!err) {\n'),
    ('a command in CORRUPT gives no reason', CORE,
     '\t\treport_line(report, "%s refused: an earlier failure could not be undone: restart the machine",\n\t\t\t    command->name);\n', ''),
    ('the list of destructors leaks', VMM, '\tcore_free_bytes(core, core->finis, core->n_finis * sizeof(*core->finis));\n', ''),
    ('an error of entry_init() is not looked at', VMM, 'err = vmm_call(core, cpu, core->entry[ENTRY_INIT], core->space[SPACE_BOOT].va);',
     'err = vmm_call_void(core, cpu, core->entry[ENTRY_INIT]);'),
    # INIT, the watchdog, who may make a hypercall, MSRs by the list.
    ('a CPU that takes an INIT stays in VMX', INIT_SIGNAL, '\tvcpu_withdraw(vcpu);\n', ''),
    ('an INIT is used up by its exit', INIT_SIGNAL, 'if (reached)', 'if (reached && !xapic)'),
    ('a CPU that an INIT took away is waited for', CPUS, 'if (state_of(c) == PLINTH_CPU_RESET) {', 'if (false) {'),
    ('a loop in root mode is never noticed', WATCHDOG, '++p->loop_nmis >= LOOP_NMIS', 'p->loop_nmis >= LOOP_NMIS'),
    ('three NMIs in one long exit are a loop', WATCHDOG, '>= LOOP_NMIS && now - p->loop_since >= LOOP_TICKS', '>= LOOP_NMIS'),
    ('user mode may make the kernel\'s hypercalls', HYPERCALL, 'vcpu_read(vcpu, VCPU_CPL) ? BY_PROCESS : BY_KERNEL', 'BY_KERNEL'),
    ('the last number of a range is nobody\'s', CHAIN, 'number <= row->last', 'number < row->last'),
    ('whoever registered first is asked first', CHAIN, 'struct exit_link next = *below;\n\n\twhile (next.n) {\n\t\tconst struct chain_row *row = &next.policy->rows[--next.n];',
     'struct exit_link next = *below;\n\n\twhile (next.n) {\n\t\tconst struct chain_row *row = &next.policy->rows[next.policy->n - next.n--];'),
    ('a handler below is passed over', CHAIN, '&next.policy->rows[--next.n]', '&next.policy->rows[next.n = next.n > 1 ? next.n - 2 : 0]'),
    ('MSRs and hypercalls are one', CHAIN, 'row->sort == sort && row->first <= number', 'row->first <= number'),
    ('all subleaves are meant', CPUID, '(uint32_t)row->first <= q->subleaf && ', ''),
    ('the last registration is not told', CHAIN, 'i < policy->n; i++) {', 'i + 1 < policy->n; i++) {'),
    ('names are not told', ENTRY_NAME, 'return n * sizeof(*out);', 'return exit_registrations(out) * sizeof(*out);'),
    ('a registration too many', CHAIN, 'policy->n == EXIT_REGISTRATIONS', 'policy->n > EXIT_REGISTRATIONS'),
    ('the last to register is the one that goes', CHAIN, '\tfor (; i < policy->n; i++)\n\t\tpolicy->rows[i] = policy->rows[i + 1];\n', ''),
    ('a CPUID handler does not see the subleaf', CPUID, '.subleaf = (uint32_t)vcpu->regs.rcx', '.subleaf = 0'),
    ('whoever is above a kind is not asked', DISPATCH, 'is_hooked(kind) ? hooked : builtin_of(kind)', 'builtin_of(kind)'),
    ('a list of MSRs passes over one that is absent', MSR, '\treturn exit_raise_gp(vcpu);\n}\n\n/* -- which accesses', '\treturn EXIT_NEXT;\n}\n\n/* -- which accesses'),
    ('the hypervisors\' MSRs are read from the hardware', MSR, '|| exit_state.is_beneath)', '|| exit_state.is_beneath || !access->is_write)'),
    ('whoever goes takes the policy along', MSR, 'if (!err)\n\t\terr = msr_policy_apply((uint32_t)gone->first, (uint32_t)gone->last);', ''),
    ('whoever goes takes what others look at along', MSR, 'policy->rows[i].sort == PLINTH_REGISTERED_MSR', 'false'),
    ('the APIC moves', POLICY, '(access->value ^ now) & APIC_BASE_ADDRESS', '(access->value ^ now) & APIC_BASE_ADDRESS & now'),
    ('the CPU\'s records may lie in the VMM', POLICY, 'access->value - exit_state.slot_va < SLOT_BYTES', 'access->value == exit_state.slot_va'),
    ('execute disable goes', POLICY, 'access->value & MISC_ENABLE_NO_XD', 'false'),
    ('reads and writes of MSRs are mixed up', BITMAP, 'if (parts[i].what & what)', 'if (parts[i].what & (what ^ 3u))'),
    ('no MSR exits', BITMAP, '\t\t\tpart_set(bitmap, i, first, last, exits);\n', '\t\t\t(void)part_set;\n'),
    ('which MSRs constructors wanted is forgotten', MSR, 'int err = rows_apply();', 'int err = 0;'),
    ('an MSR of root mode is taken for the guest\'s', GUEST_MSR, '*value = vmcs_read(row->field);', '*value = cpu_rdmsr(msr);'),
    ('execute disable goes where there is one for both', GUEST_MSR, '!(value & EFER_NXE)', '!value'),
    ('root mode gets the guest\'s EFER', GUEST_MSR, '\tcpu_wrmsr(MSR_IA32_EFER, own);\n', ''),
    ('32-bit code is told of SYSCALL', CPUID, '!vcpu_read(vcpu, VCPU_CODE64)', 'false'),
    ('key locker is root mode\'s', CPUID, 'if (!((own ^ guests) & CR4_KL))', 'if (own ^ own)'),
    ('CPUID of processes does not fault', BENEATH, 'enables & CPUID_FAULTS', 'enables > CPUID_FAULTS'),
    ('processes call the hypervisor beneath as the kernel', BENEATH, '!exit_state.is_beneath || vcpu_read(vcpu, VCPU_CPL) ||', '!exit_state.is_beneath ||'),
    ('32-bit code calls the hypervisor beneath', BENEATH, '!vcpu_read(vcpu, VCPU_CODE64) ||', ''),
    ('nobody is beneath', BENEATH, 'exit_state.is_beneath = features.ecx & CPUID_1_ECX_HYPERVISOR;', 'exit_state.is_beneath = false;'),
    ('Plinth\'s leaf stands over the second hypervisor\'s', BENEATH, 'i < LEAF_TRIES && is_taken(leaf)', 'i < 2 && is_taken(leaf)'),
    ('Plinth\'s own calls go down', HYPERCALL, 'return ours ? exit_raise_ud(vcpu) : beneath_call(vcpu);', '(void)ours;\n\treturn beneath_call(vcpu);'),
    ('a hidden leaf hides XCR0', CONTROL, '\t\treturn ~0ull;', '\t\treturn 0;'),
    ('an MSR that entries load starts with 0', SETUP, 'vmcs_write(m->field, cpu_rdmsr(m->msr));', 'vmcs_write(m->field, m < &vmcs_msrs[ROW_PERF] ? cpu_rdmsr(m->msr) : 0);'),
    ('the guest owns bits of CR4 that nobody knows', SETUP, 'p->cr4_mask = ~(varies4 & VENDOR_CR4_KEPT);', 'p->cr4_mask = ~varies4 & 0xffffffffull;'),
    ('a guest sets what nobody knows of CR4', CONTROL_REGISTERS, 'cpu_rdmsr(MSR_IA32_VMX_CR4_FIXED1) & VENDOR_CR4_KEPT)', 'cpu_rdmsr(MSR_IA32_VMX_CR4_FIXED1))'),
    ('masked pointers are no CR3', CONTROL_REGISTERS, 'value & CR3_LAM && caps_has_lam()', 'value & CR3_LAM && !value'),
    ('CPUID shows FRED and LASS', CPUID, '\t\tanswer->eax &= ~(CPUID_7_1_EAX_LASS | CPUID_7_1_EAX_FRED);\n', ''),
    ('bits of CR4 in use that nobody knows', START, '\tif (unknown) {\n', '\tif (false) {\n'),
    ('a kernel on a shadow stack is taken', START, '\tif (kernel_shadow_stack(cr4)) {\n', '\tif (false) {\n'),
    ('root mode has the protection keys of the kernel', SETUP, '& ~(CR4_PCIDE | CR4_CET | CR4_PKS)', '& ~(CR4_PCIDE | CR4_CET)'),
    # What a registered process may ask for.
    # What only shows when several CPUs are in the VMM at once.
    ('the heap without its lock, at once', MEMORY, '\tmem_lock();\n\tp = heap_alloc_locked(bytes, align, owner);\n\tmem_unlock();\n',
     '\tp = heap_alloc_locked(bytes, align, owner);\n'),
    ('the pool without its lock, at once', MEMORY, '\tmem_lock();\n\tpage = pool_alloc_locked(POOL_PAGE, owner);\n\tmem_unlock();\n',
     '\tpage = pool_alloc_locked(POOL_PAGE, owner);\n'),
    ('mappings without their lock, at once', MEMORY, '\tmem_lock();\n\tva = space_map_locked(list, pages, prot, SPACE_MAP);\n\tmem_unlock();\n',
     '\tva = space_map_locked(list, pages, prot, SPACE_MAP);\n'),
    ('second-level tables without their lock, at once', EPT_TABLE, '\twhile (__atomic_test_and_set(&lock, __ATOMIC_ACQUIRE))\n',
     '\twhile (__atomic_test_and_set(&lock, __ATOMIC_ACQUIRE) && !lock)\n'),
    ('addresses are given out again before CPUs have flushed, at once', SPACE, 'if (seen && seen != space.unmapped)',
     'if (seen && seen != space.unmapped && !space.waiting)'),
    ('lines of two CPUs at once on the UART', LOG, 'bool locked = uart_try_lock();', 'bool locked = false;'),
    ('a record of the log is no atomic access, at once', LOG, 'plinth_words_store(&record->tsc, &line->tsc, sizeof(*line) / 8 - 1);',
     'memcpy(&record->tsc, &line->tsc, sizeof(*line) - 8);'),
    ('handlers are written while others call them, at once', GUEST, '\tif (host.handlers == handlers)\n\t\treturn;\n', ''),
] + INTROSPECTION_DEFECTS
