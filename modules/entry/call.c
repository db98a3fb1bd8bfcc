/* SPDX-License-Identifier: MIT */
/*
 * Messages from user space to extensions. The driver puts one into the mailbox, a page that any guest's
 * kernel can write at any moment; so it is copied once, and what is judged and handed on is the copy.
 */
#include <stdbool.h>
#include <string.h>

#include <plinth/call.h>
#include <plinth/log.h>
#include <plinth/shared.h>

#include "internal.h"

#define LOG_TAG "entry"

_Static_assert(sizeof(struct plinth_mailbox) == 4096, "the mailbox is a page");

#define HEAD_WORDS (offsetof(struct plinth_mailbox, body) / sizeof(plinth_word))

/* In the order of registration; changes only where no message is answered. */
static struct call_row {
	char name[PLINTH_CALL_NAME];
	call_fn *handler;
	void *context;
} rows[CALL_REGISTRATIONS];
static uint32_t n_rows;

static struct plinth_mailbox *shared_box;

/* One message at a time: memory for it was there before any CPU was a guest. */
static uint32_t is_busy;
static struct plinth_mailbox letter;
static _Alignas(8) uint8_t answer[PLINTH_CALL_BYTES];

void call_set_mailbox(struct plinth_mailbox *mailbox)
{
	shared_box = mailbox;
}

/* -- who is there ------------------------------------------------------------------- */

static bool is_name(const char *name)
{
	size_t n = 0;

	while (n < PLINTH_CALL_NAME && name[n] > ' ' && name[n] <= '~')
		n++;
	return n && n < PLINTH_CALL_NAME && !name[n];
}

static struct call_row *row_of(const char *name)
{
	for (uint32_t i = 0; i < n_rows; i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

int call_register(const char *name, call_fn *handler, void *context)
{
	if (!name || !is_name(name) || !handler)
		return PLINTH_E_INVAL;
	if (row_of(name))
		return PLINTH_E_BUSY;
	if (n_rows == CALL_REGISTRATIONS)
		return PLINTH_E_LIMIT;
	rows[n_rows] = (struct call_row){.handler = handler, .context = context};
	memcpy(rows[n_rows].name, name, strlen(name));
	n_rows++;
	return 0;
}

int call_unregister(const char *name, call_fn *handler, void *context)
{
	struct call_row *row = name ? row_of(name) : NULL;

	if (!row || row->handler != handler || row->context != context)
		return PLINTH_E_INVAL;
	n_rows--;
	memmove(row, row + 1, (size_t)(&rows[n_rows] - row) * sizeof(*row));
	return 0;
}

/* -- one message -------------------------------------------------------------------- */

/* Root mode must not read twice what a guest may change in between: after this nothing of it is read any
 * more. */
static int take_letter(void)
{
	plinth_words_load(&letter, shared_box, HEAD_WORDS);
	if (letter.in_bytes > PLINTH_CALL_BYTES || letter.room > PLINTH_CALL_BYTES || !is_name(letter.name))
		return PLINTH_E_INVAL;
	plinth_words_load(letter.body, shared_box->body, (letter.in_bytes + 7) / 8);
	/* What a handler does not write must not be what the last one wrote. */
	memset(answer, 0, sizeof(answer));
	return 0;
}

static void reply(int result, uint64_t bytes)
{
	const uint64_t about[] = {bytes, (uint64_t)(int64_t)result};

	plinth_words_store(shared_box->body, answer, (bytes + 7) / 8);
	plinth_words_store(&shared_box->out_bytes, about, 2);
}

static void reply_names(void)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < n_rows; i++) {
		const size_t length = strlen(rows[i].name);

		if (i) {
			answer[bytes++] = ',';
			answer[bytes++] = ' ';
		}
		memcpy(answer + bytes, rows[i].name, length);
		bytes += length;
	}
	reply(0, bytes);
}

_Static_assert(CALL_REGISTRATIONS *(PLINTH_CALL_NAME + 1) <= PLINTH_CALL_BYTES, "all names fit an answer");

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

static int answer_letter(void)
{
	struct call call = {.in = letter.body, .out = answer};
	const struct call_row *row;
	int err = take_letter();

	if (err)
		return err;
	row = row_of(letter.name);
	if (!row) {
		reply_names();
		return PLINTH_E_NAME;
	}
	call.in_bytes = letter.in_bytes;
	call.room = letter.room;
	err = ask(row, &call);
	reply(err, err ? 0 : call.out_bytes);
	return 0;
}

int call_answer(void)
{
	int err;

	/* The driver makes one call at a time; whoever else in the guest's kernel knows the token need not.
	 */
	if (__atomic_exchange_n(&is_busy, 1, __ATOMIC_ACQUIRE))
		return PLINTH_E_BUSY;
	err = answer_letter();
	__atomic_store_n(&is_busy, 0, __ATOMIC_RELEASE);
	return err;
}
