/* SPDX-License-Identifier: MIT */
/* As much of the kernel's lists as drivers/linux/introspect.c needs. */
#ifndef STUB_LINUX_LIST_H
#define STUB_LINUX_LIST_H

#include <stddef.h>

struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD(name) struct list_head name = {&(name), &(name)}

#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

#define list_for_each_entry(at, head, member)                                                                \
	for ((at) = container_of((head)->next, __typeof__(*(at)), member); &(at)->member != (head);          \
	     (at) = container_of((at)->member.next, __typeof__(*(at)), member))

#define list_for_each_entry_safe(at, following, head, member)                                                \
	for ((at) = container_of((head)->next, __typeof__(*(at)), member),                                   \
	    (following) = container_of((at)->member.next, __typeof__(*(at)), member);                        \
	     &(at)->member != (head);                                                                        \
	     (at) = (following), (following) = container_of((at)->member.next, __typeof__(*(at)), member))

static inline void INIT_LIST_HEAD(struct list_head *item)
{
	item->next = item->prev = item;
}

static inline void list_add_tail(struct list_head *item, struct list_head *head)
{
	item->next = head;
	item->prev = head->prev;
	head->prev->next = item;
	head->prev = item;
}

static inline void list_del_init(struct list_head *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	INIT_LIST_HEAD(item);
}

#endif
