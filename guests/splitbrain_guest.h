/* The interface of a guest in bytes, version 1; README.md beside this file is its page.
 *
 * Whole numbers have their least significant byte first; `bytes` is a u32 length and that many bytes. */
#ifndef SPLITBRAIN_GUEST_H
#define SPLITBRAIN_GUEST_H

#include <stdint.h>

#define SPLITBRAIN_VERSION 1
#define SPLITBRAIN_NOBODY UINT32_MAX
/* The descriptor that gives a byte for each time that everything waited. */
#define SPLITBRAIN_IDLE 3
/* The timer that fires when the first deadline of poll_oneoff has come. */
#define SPLITBRAIN_WAKE 255

/* What a frame asks. */
enum splitbrain_ask {
    SPLITBRAIN_DECLARE = 0,
    SPLITBRAIN_SETTINGS = 1,
    SPLITBRAIN_FORMAT = 2,
    SPLITBRAIN_BOOT = 3,
    SPLITBRAIN_RECEIVED = 4,
    SPLITBRAIN_FIRED = 5,
    SPLITBRAIN_PERSISTED = 6,
    SPLITBRAIN_PROPOSED = 7,
    SPLITBRAIN_READ = 8,
    SPLITBRAIN_CHANGE = 9,
    SPLITBRAIN_TRANSFER = 10,
    SPLITBRAIN_SNAPSHOT_TAKEN = 11
};

/* What an answer consists of. */
enum splitbrain_item {
    SPLITBRAIN_PERSIST = 1,
    SPLITBRAIN_SEND = 2,
    SPLITBRAIN_SET_TIMER = 3,
    SPLITBRAIN_CANCEL_TIMER = 4,
    SPLITBRAIN_APPLY = 5,
    SPLITBRAIN_RESTORE = 6,
    SPLITBRAIN_SERVE = 7,
    SPLITBRAIN_REFUSE = 8,
    SPLITBRAIN_DONE = 9,
    SPLITBRAIN_SHUT_DOWN = 10,
    SPLITBRAIN_NOTE = 11,
    SPLITBRAIN_MEMBERS = 12,
    SPLITBRAIN_STATUS = 13
};

/* What a write consists of. */
enum splitbrain_part {
    SPLITBRAIN_ENTRY = 1,
    SPLITBRAIN_CUT = 2,
    SPLITBRAIN_COMPACT = 3,
    SPLITBRAIN_SNAPSHOT = 4,
    SPLITBRAIN_CELL = 5
};

/* Why a request is refused. */
enum splitbrain_refusal {
    SPLITBRAIN_NOT_LEADER = 1,
    SPLITBRAIN_LEADERSHIP_LOST = 2,
    SPLITBRAIN_BUSY = 3,
    SPLITBRAIN_UNSUPPORTED = 4,
    SPLITBRAIN_RULE = 5
};

/* How a change of members is made, and what becomes of a node in it. */
enum splitbrain_how { SPLITBRAIN_AS_SET, SPLITBRAIN_SIMPLE, SPLITBRAIN_ENTER_JOINT, SPLITBRAIN_LEAVE_JOINT };
enum splitbrain_change { SPLITBRAIN_VOTER, SPLITBRAIN_LEARNER, SPLITBRAIN_GONE };

/* What a module exports, beside its memory. */
uint32_t splitbrain_input(uint32_t length);
uint64_t splitbrain_call(uint32_t length);

#endif
