/* SPDX-License-Identifier: MIT */
/* An event as a line, for people and for programs. */
#ifndef PLINTHCTL_EVENT_LINE_H
#define PLINTHCTL_EVENT_LINE_H

#include <plinth/events.h>

void print_event(const struct events_record *record);
void print_event_json(const struct events_record *record);

#endif
