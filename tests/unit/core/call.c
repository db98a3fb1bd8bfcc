/* SPDX-License-Identifier: MIT */
/*
 * Messages to extensions: what is refused and in which words, and what a VMM may answer that cannot be
 * trusted.
 */
#include "fixture.h"

/* What the VMM is: the test, between the mailbox and the driver. */
static int result;				   /* the VMM's */
static int64_t handler_result;			   /* the extension's */
static uint64_t claimed;			   /* bytes of answer, if it is not an echo */
static const struct plinth_ctl_registration *rows; /* what it answers instead of an echo */
static size_t n_rows;
static uint32_t asked_on, asked;
static uint32_t dies_on = ~0u;

static void log_error(uint32_t cpu, const char *line)
{
	struct plinth_shared_cpu *block = plinth_shared_own(core_shared_region(core), cpu);
	struct plinth_log_record *record = &block->log[block->log_head++ % PLINTH_LOG_RECORDS];

	*record = (struct plinth_log_record){
		.sequence = block->log_head, .level = PLINTH_LOG_ERR, .tag = "mock"};
	strcpy(record->text, line);
}

static int answer(uint32_t cpu)
{
	struct plinth_mailbox *box = core_mailbox(core);

	asked_on = cpu;
	asked++;
	box->out_bytes = rows ? n_rows * sizeof(*rows) : claimed ? claimed : box->in_bytes;
	box->result = handler_result;
	if (rows)
		memcpy(box->body, rows, n_rows * sizeof(*rows));
	if (handler_result)
		log_error(cpu, "it has its reasons");
	if (dies_on == cpu)
		plinth_shared_own(core_shared_region(core), cpu)->state = PLINTH_CPU_DEAD;
	return result;
}

static uint8_t in[PLINTH_CALL_BYTES], out[PLINTH_CALL_BYTES + 1];

static int call(uint32_t cpu, uint64_t bytes, uint64_t room, uint64_t *answered)
{
	struct core_call c = {.name = "echo",
			      .cpu = cpu,
			      .in = bytes ? in : NULL,
			      .in_bytes = bytes,
			      .out = room ? out : NULL,
			      .room = room,
			      .out_bytes = 0x5a};
	int err;

	report_clear(&report);
	err = core_call(core, &c, &report);
	cr_expect_eq(err != 0, report.used != 0, "words if and only if it fails: %d, \"%s\"", err,
		     report.text);
	cr_expect(!err || c.out_bytes == 0x5a, "untouched on failure");
	cr_expect_eq(mock_world.locked + mock_world.cpus_locked, 0);
	if (answered)
		*answered = c.out_bytes;
	return err;
}

static void loaded(void)
{
	fixture_up();
	mock_config.ask = answer;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 7 + 1);
	cr_assert_eq(load_good(), 0, "%s", report.text);
}

static void running(void)
{
	loaded();
	cr_assert_eq(core_start(core, &report), 0, "%s", report.text);
}

static void expect_echo(uint32_t cpu, uint64_t bytes)
{
	uint64_t answered = 0;

	memset(out, 0, sizeof(out));
	cr_expect_eq(call(cpu, bytes, PLINTH_CALL_BYTES, &answered), 0, "%s", report.text);
	cr_expect_eq(asked_on, cpu);
	cr_expect_eq(answered, bytes);
	cr_expect_eq(memcmp(out, in, bytes), 0);
	cr_expect_eq(out[bytes], 0, "nothing behind it");
}

Test(core_call, there_and_back)
{
	static const uint64_t sizes[] = {0, 1, 7, 8, 4031, PLINTH_CALL_BYTES};

	for (unsigned int round = 0; round < 2; round++) {
		round ? running() : loaded();
		for (uint32_t cpu = 0; cpu < 2; cpu++)
			for (size_t i = 0; i < ARRAY_SIZE_OF(sizes); i++)
				expect_echo(cpu, sizes[i]);
		cr_expect_eq(state_now(), round ? PLINTH_RUNNING : PLINTH_LOADED);
		cr_expect_eq(call(0, 8, 8, NULL), 0);
		cr_expect_eq(core_mailbox(core)->room, 8, "the extension is told");
		cr_expect_eq(call(0, 0, ~0ull, NULL), 0);
		cr_expect_eq(core_mailbox(core)->room, PLINTH_CALL_BYTES, "no more than there is");
		cr_expect_eq(core_mailbox(core)->name[31], 0);
		cr_expect_eq(strcmp(core_mailbox(core)->name, "echo"), 0);
	}
}

Test(core_call, refused_before_anybody_is_asked)
{
	struct core_call nameless = {.cpu = 0}, endless = {.cpu = 0};

	fixture_up();
	cr_expect_eq(call(0, 0, 0, NULL), PLINTH_E_STATE);
	EXPECT_REPORT("echo", "load");
	running();
	asked = 0;
	cr_expect_eq(core_call(core, &nameless, &report), PLINTH_E_INVAL);
	EXPECT_REPORT("call", "31");
	memset(endless.name, 'x', sizeof(endless.name));
	cr_expect_eq(core_call(core, &endless, &report), PLINTH_E_INVAL);
	cr_expect_eq(call(0, PLINTH_CALL_BYTES + 1, 0, NULL), PLINTH_E_LIMIT);
	EXPECT_REPORT("echo", "4033", "4032");
	cr_expect_eq(call(0, ~0ull, 0, NULL), PLINTH_E_LIMIT);
	cr_expect_eq(call(2, 0, 0, NULL), PLINTH_E_STATE);
	EXPECT_REPORT("echo", "CPU 2", "online", "0", "1");
	cr_expect_eq(call(~0u, 0, 0, NULL), PLINTH_E_STATE);
	cr_expect_eq(asked, 0);
	expect_echo(1, 5);
}

/* A CPU that went, and came back without the VMM, while the others are guests; and before any is one. */
Test(core_call, a_cpu_that_is_not_there, .init = running)
{
	cr_assert_eq(core_cpu_offline(core, 1, &report), 0);
	cr_expect_eq(call(1, 0, 0, NULL), PLINTH_E_STATE);
	EXPECT_REPORT("echo", "CPU 1", "stop", "start");
	mock_config.offline[1] = true;
	cr_expect_eq(call(1, 0, 0, NULL), PLINTH_E_STATE);
	EXPECT_REPORT("echo", "CPU 1", "online");
	expect_echo(0, 9);
	cr_assert_eq(core_stop(core, &report), 0);
	cr_expect_eq(call(1, 0, 0, NULL), PLINTH_E_STATE);
	EXPECT_REPORT("echo", "CPU 1", "online");
	mock_config.offline[1] = false;
	expect_echo(1, 9);
}

Test(core_call, nobody_has_the_name, .init = running)
{
	static const struct plinth_ctl_registration some[] = {
		{.sort = PLINTH_REGISTERED_NAME, .name = PLINTH_CALL_REGISTRATIONS},
		{.sort = PLINTH_REGISTERED_NAME},
		{.sort = PLINTH_REGISTERED_MSR, .range = {0x6e, 0x6e}},
		{.sort = PLINTH_REGISTERED_NAME, .name = "counters"},
		{.sort = PLINTH_REGISTERED_NAME, .name = "m\x1b[2Jine"},
	};
	static struct plinth_ctl_registration many[20];

	result = PLINTH_E_NAME;
	rows = some;
	n_rows = 3;
	cr_expect_eq(call(0, 0, 0, NULL), PLINTH_E_NAME);
	EXPECT_REPORT("echo", "load --add");
	n_rows = 5;
	cr_expect_eq(call(0, 0, 0, NULL), PLINTH_E_NAME);
	EXPECT_REPORT("echo", "counters", "m?[2Jine");
	cr_expect_null(strstr(report.text, PLINTH_CALL_REGISTRATIONS), "no extension's");
	for (n_rows = 0; n_rows < ARRAY_SIZE_OF(many); n_rows++) {
		many[n_rows].sort = PLINTH_REGISTERED_NAME;
		memset(many[n_rows].name, 'n', sizeof(many[n_rows].name));
	}
	rows = many;
	cr_expect_eq(call(0, 0, 0, NULL), PLINTH_E_NAME,
		     "as many as a line has room for, none without an end");
	EXPECT_REPORT("echo", "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn, nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn");
	result = 0;
	rows = NULL;
	expect_echo(0, 9);
}

Test(core_call, the_vmm_does_not_take_it, .init = running)
{
	result = PLINTH_E_BUSY;
	cr_expect_eq(call(0, 0, 0, NULL), PLINTH_E_BUSY);
	EXPECT_REPORT("echo", "busy");
	result = PLINTH_E_VIRT;
	cr_expect_eq(call(1, 0, 0, NULL), PLINTH_E_VIRT);
	EXPECT_REPORT("echo", "CPU 1", plinth_strerror(PLINTH_E_VIRT));
	result = 0;
	expect_echo(1, 9);
}

Test(core_call, the_extension_refuses, .init = running)
{
	log_error(1, "of long ago");
	handler_result = PLINTH_E_NOTSUP;
	cr_expect_eq(call(1, 0, 0, NULL), PLINTH_E_NOTSUP);
	EXPECT_REPORT("echo", "CPU 1", plinth_strerror(PLINTH_E_NOTSUP), "-4");
	EXPECT_REPORT("CPU 1", "mock", "it has its reasons");
	cr_expect_null(strstr(report.text, "of long ago"));
	handler_result = -1000;
	cr_expect_eq(call(1, 0, 0, NULL), -1000);
	EXPECT_REPORT("echo", "-1000");
	handler_result = 5;
	cr_expect_eq(call(1, 0, 0, NULL), PLINTH_E_INVAL, "no result of a function that fails");
	cr_expect_eq(state_now(), PLINTH_RUNNING);
}

/* A guest can write the mailbox: what is in it is believed no further than there is room. */
Test(core_call, more_than_there_is_room_for, .init = running)
{
	static const uint64_t claims[] = {9, PLINTH_CALL_BYTES, PLINTH_CALL_BYTES + 1, 1ull << 40, ~0ull};

	memset(out, 0x5a, sizeof(out));
	for (size_t i = 0; i < ARRAY_SIZE_OF(claims); i++) {
		claimed = claims[i];
		cr_expect_eq(call(0, 1, 8, NULL), PLINTH_E_LIMIT);
	}
	claimed = ~0ull;
	cr_expect_eq(call(0, 1, PLINTH_CALL_BYTES, NULL), PLINTH_E_LIMIT);
	cr_expect_eq(out[0], 0x5a);
	result = PLINTH_E_NAME;
	cr_expect_eq(call(0, 1, 8, NULL), PLINTH_E_NAME);
}

Test(core_call, the_vmm_dies_of_it, .init = running)
{
	dies_on = 1;
	expect_echo(0, 4);
	cr_expect_eq(call(1, 0, 0, NULL), PLINTH_E_CORRUPT);
	EXPECT_REPORT("echo", "CPU 1", "died");
	cr_expect_not(core->cpus[1].guest, "given back");
	cr_expect_eq(state_now(), PLINTH_CORRUPT);
	cr_expect(!mock_world.guest[0], "the other CPU is free");
	asked = 0;
	cr_expect_eq(call(0, 0, 0, NULL), PLINTH_E_CORRUPT);
	EXPECT_REPORT("echo", "restart");
	cr_expect_eq(asked, 0);
}

/* Each call to the system fails once: nothing changes, and the next message gets there. */
Test(core_call, whatever_fails)
{
	for (unsigned int is_running = 0; is_running < 2; is_running++) {
		struct mock_world before;
		unsigned int n = 0, hits;

		is_running ? running() : loaded();
		before = mock_world;
		do {
			int err;

			mock_arm(++n, 0);
			err = call(1, 3, 3, NULL);
			hits = mock_disarm();
			cr_expect_eq(err < 0, hits, "fault %u: %d", n, err);
			worlds_equal(&before, "after a call that failed");
			expect_echo(1, 3);
		} while (hits);
		cr_expect_gt(n, is_running ? 2 : 1);
	}
}
