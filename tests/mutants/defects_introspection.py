# SPDX-License-Identifier: MIT
"""Defects of introspection, as those of defects.py."""

INTROSPECT = 'drivers/linux/introspect.c'
INTROSPECTION = 'modules/introspection/introspection.c'
CLIENTS = 'modules/introspection/clients.c'
REGISTERS = 'modules/introspection/registers.c'
VIEW = 'modules/introspection/view.c'
ACCESS = 'modules/introspection/access.c'
PEEK = 'drivers/linux/peek.c'
WATCH = 'modules/ept/watch.c'
TOUCH = 'modules/ept/touch.c'
PAGES = 'modules/events/pages.c'
RING = 'modules/events/ring.c'
MSRS = 'modules/events/msrs.c'
LISTENER = 'modules/events/listener.c'

INTROSPECTION_DEFECTS = [
    ('the memory of a window is freed while a CPU may go by it', INTROSPECT, 'if (!answer.pending)', 'if (answer.pending <= 1)'),
    ('a window whose end nobody has answered counts as ended', INTROSPECT, 'return err == PLINTH_E_NAME || !guests();', 'return true;'),
    ('a window that a stop ends shows what is there then', INTROSPECT, 'mutex_lock(&introspect_mutex);\n\tzap_all();', 'mutex_lock(&introspect_mutex);'),
    ('another process uses the window of an open file', INTROSPECT, '!window || window->mm != current->mm || window->is_closed', '!window || window->is_closed'),
    ('a refused registration is never ended', INTROSPECT, '\tif (err)\n\t\tsettle(window);\n', '\tif (err)\n\t\twindow->id = 0;\n'),
    ('half a page of memory is shown', INTROSPECT, 'start = PAGE_ALIGN(run->start)', 'start = ALIGN_DOWN(run->start, PAGE_SIZE)'),
    ('whoever may administrate may see all memory', INTROSPECT, '!capable(CAP_SYS_RAWIO)', 'false && !capable(CAP_SYS_RAWIO)'),
    ('the kernel is answered as the process whose page tables it has', INTROSPECTION, 'vcpu_read(vcpu, VCPU_CPL) == 3 && ', ''),
    ('a failed translation leaves an address behind', INTROSPECTION, 'err ? 0 : gpa', 'err ? vcpu->regs.rdi : gpa'),
    ('a neighbour is taken for a registered process', CLIENTS, 'x86_is_on(cr3, c->cr3, c->is_isolated)', 'x86_is_on(cr3, c->cr3, true)'),
    ('a process whose end has begun is answered', CLIENTS, 'c->id && !c->is_ending && x86_is_on(', 'c->id && x86_is_on('),
    ('half a page of memory is a page', CLIENTS, ' && run->end - start >= bytes', ''),
    ('a window is seen through another', CLIENTS, 'is_ram(page, PAGE_BYTES) && !clients_owner(page)', 'is_ram(page, PAGE_BYTES)'),
    ('a window stays as it is when its process ends', CLIENTS, 'err = view_restore(client, client->window, INTROSPECTION_WINDOW_BYTES);', 'err = 0;'),
    ('a window is free before every CPU has flushed', CLIENTS, '*pending = err || !view_settled(client);', '(void)view_settled(client);\n\t*pending = err;'),
    ('what is no memory is shown', VIEW, '\tif (!clients_may_see(target))\n\t\treturn PLINTH_E_INVAL;\n', ''),
    ('any page leads elsewhere', VIEW, '!client || clients_owner(page) != client', '!client'),
    ('whoever may read may write', VIEW, 'SLAT_READ | (client->may_write ? SLAT_WRITE : 0)', 'SLAT_READ | SLAT_WRITE'),
    ('a call does not wait for other CPUs', VIEW, 'return !client->is_stale && slat_flushed(client->ticket);', 'return !client->is_stale;'),
    ('a process that writes where it may read gets the page', VIEW, 'vcpu_read(vcpu, VCPU_CPL) || view_restore(', 'view_restore('),
    ('registers are set by who may only read', REGISTERS, '\tif (!who->may_write)\n\t\treturn FAILED;\n', ''),
    ('a process has any control register that it asks for', REGISTERS, 'default: return value == register_value(vcpu, row);', 'default: return true;'),
    ('more than the buffer is written', REGISTERS, ' || text.bytes >= vcpu->regs.rsi', ''),
    ('a buffer is written with the rights of the kernel', REGISTERS, 'text.bytes + 1, GUEST_USER', 'text.bytes + 1, 0'),
    ('memory is looked at on whatever page tables the CPU has', ACCESS, 'asked->root && !x86_is_on(vcpu_read(vcpu, VCPU_CR3), asked->root, false)', 'false'),
    ('a message that is cut off is written to memory as if it were whole', ACCESS, 'return in_bytes == ASKED_HEAD + data_in(asked);', 'return true;'),
    ('what was not read is handed out', ACCESS, '(reply->result ? 0 : data_out(asked))', 'data_out(asked)'),
    ('any address is physical memory', PEEK, '\t\tif (!page_is_ram(page))\n\t\t\treturn false;\n', ''),
    ('the last byte of what is read is not the kernel\'s', PEEK, '(address + (bytes ? bytes - 1 : 0)) >> 63', 'true'),
    ('memory is looked at for whoever may administrate', PEEK, 'err = introspect_permitted(&peek->user);', 'err = 0;'),
    ('the memory of a process is kept for ever', PEEK, '\t\tmmput(peek->mm);\n', '\t\t;\n'),
    ('a process is looked at in somebody else\'s address space', PEEK, '\tkthread_use_mm(peek->mm);\n', ''),
    ('a CPU that has passed by a watched page does so for ever', TOUCH, '*err = passes ? watch_pass(false) : 0;', '*err = 0;'),
    ('what is watched is seen in the view, too', WATCH, 'gpa | SLAT_ALL;', 'gpa;'),
    ('the view stays as it was when something is decided', TOUCH, '\ttable_lock();\n\twatch_follow();\n', '\ttable_lock();\n'),
    ('tables of watches are never used again', WATCH, 'c->ticket && slat_flushed(c->ticket)', 'false'),
    ('a page that leads elsewhere is watched', WATCH, 'hpa == gpa && access == SLAT_ALL', 'true'),
    ('what was not asked for is recorded', PAGES, '!(access->wanted & page->access) || ', ''),
    ('the listener is told of itself', PAGES, ' || listener_is_at(vcpu_read(vcpu, VCPU_CR3))', ''),
    ('a listener that died keeps its watches', PAGES, 'if (page && listener_is_gone())', 'if (false)'),
    ('a watch that failed stays noted', PAGES, '\t\tif (err)\n\t\t\tdrop_page(about->address);\n', ''),
    ('events that are lost are not counted', RING, 'ring->lost++;', '(void)ring->lost;'),
    ('the next listener gets what the one before has left', RING, 'if (ring->session == session)', 'if (ring->session)'),
    ('a second listener takes the first one its place', LISTENER, 'if (listener.session && !listener_is_gone())', 'if (false)'),
    ('a hidden breakpoint is executed from the page itself', WATCH, 'entry_set(slot, (*slot & ~ENTRY_ADDRESS) | pa);', '(void)pa;'),
    ('a write that was refused is told as done', MSRS, 'action == EXIT_NEXT);', 'true);'),
    ('an MSR that nobody watches any more exits for ever', MSRS, 'if (!watched->session && !guests)', 'if (false)'),
    ('which MSRs exit is changed beneath a guest', MSRS, 'if (!watched->exits && guests)', 'if (false)'),
]
