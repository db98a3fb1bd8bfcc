/* SPDX-License-Identifier: MIT */
/*
 * A message from user space to whoever has its name. The driver puts it into the mailbox, a page that any
 * guest's kernel can write at any moment; so it is copied once, and what is judged and handed on is the copy.
 */
#include <string.h>

#include <plinth/log.h>
#include <plinth/memory.h>

#include "internal.h"

_Static_assert(sizeof(struct plinth_mailbox) == 4096, "the mailbox is a page");

#define HEAD_WORDS (offsetof(struct plinth_mailbox, body) / sizeof(plinth_word))

int call_init(struct plinth_mailbox *mailbox)
{
	entry_state.desk = mem_alloc(sizeof(*entry_state.desk), 0);
	if (!entry_state.desk)
		return PLINTH_E_NOMEM;
	entry_state.mailbox = mailbox;
	return 0;
}

void call_fini(void)
{
	mem_free(entry_state.desk);
	entry_state.desk = NULL;
	entry_state.mailbox = NULL;
}

/*
 * Root mode must not read twice what a guest may change in between: after this nothing of it is read any
 * more.
 */
static int take_letter(struct call_desk *desk)
{
	const struct plinth_mailbox *box = entry_state.mailbox;
	struct plinth_mailbox *letter = &desk->letter;

	plinth_words_load(letter, box, HEAD_WORDS);
	if (letter->in_bytes > PLINTH_CALL_BYTES || letter->room > PLINTH_CALL_BYTES ||
	    !call_is_name(letter->name))
		return PLINTH_E_INVAL;
	plinth_words_load(letter->body, box->body, (letter->in_bytes + 7) / 8);
	/* What a handler does not write must not be what the last one wrote. */
	memset(desk->answer, 0, sizeof(desk->answer));
	return 0;
}

static void reply(const struct call_desk *desk, int result, uint64_t bytes)
{
	struct plinth_mailbox *box = entry_state.mailbox;
	const uint64_t about[] = {bytes, (uint64_t)(int64_t)result};

	plinth_words_store(box->body, desk->answer, (bytes + 7) / 8);
	plinth_words_store(&box->out_bytes, about, 2);
}

static int ask(const struct call_row *row, struct call *call)
{
	int err = row->handler(call, row->context);

	if (err)
		return err < 0 ? err : PLINTH_E_INVAL;
	if (call->out_bytes <= call->room)
		return 0;
	LOG_ERR("%s answers a call with %llu bytes where there is room for %llu", row->name,
		(unsigned long long)call->out_bytes, (unsigned long long)call->room);
	return PLINTH_E_LIMIT;
}

static int answer_letter(struct call_desk *desk)
{
	struct call call = {.in = desk->letter.body, .out = desk->answer};
	const struct call_row *row;
	int err = take_letter(desk);

	if (err)
		return err;
	row = call_row_of(desk->letter.name);
	if (!row) {
		reply(desk, 0, call_list(call.out));
		return PLINTH_E_NAME;
	}
	call.in_bytes = desk->letter.in_bytes;
	call.room = desk->letter.room;
	err = ask(row, &call);
	reply(desk, err, err ? 0 : call.out_bytes);
	return 0;
}

int call_answer(void)
{
	int err;

	/*
	 * The driver makes one call at a time; whoever else in the guest's kernel knows the token need not.
	 */
	if (__atomic_exchange_n(&entry_state.is_busy, 1, __ATOMIC_ACQUIRE))
		return PLINTH_E_BUSY;
	err = answer_letter(entry_state.desk);
	__atomic_store_n(&entry_state.is_busy, 0, __ATOMIC_RELEASE);
	return err;
}
