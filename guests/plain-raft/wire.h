/* Frames: values that are taken from one, and put at the end of another. */
#ifndef WIRE_H
#define WIRE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../splitbrain_guest.h"

/* Bytes that grow. */
struct bytes {
    uint8_t *at;
    uint32_t length, room;
};

/* What is left of a frame; one that is too short is a mistake of the host, and a trap. */
struct reader {
    const uint8_t *at;
    uint32_t left;
};

static inline void put(struct bytes *out, const void *from, uint32_t length) {
    if (out->room - out->length < length) {
        out->room = 2 * (out->length + length);
        out->at = realloc(out->at, out->room);
        if (!out->at) abort();
    }
    memcpy(out->at + out->length, from, length);
    out->length += length;
}

/* Whole numbers are in memory as they are in a frame: WebAssembly has the least significant byte first. */
static inline void put8(struct bytes *out, uint8_t value) { put(out, &value, 1); }
static inline void put32(struct bytes *out, uint32_t value) { put(out, &value, 4); }
static inline void put64(struct bytes *out, uint64_t value) { put(out, &value, 8); }

static inline void put_bytes(struct bytes *out, const void *from, uint32_t length) {
    put32(out, length);
    put(out, from, length);
}

static inline const uint8_t *take(struct reader *in, uint32_t length) {
    if (in->left < length) abort();
    const uint8_t *from = in->at;
    in->at += length;
    in->left -= length;
    return from;
}

static inline uint8_t take8(struct reader *in) { return *take(in, 1); }

static inline uint32_t take32(struct reader *in) {
    uint32_t value;
    memcpy(&value, take(in, 4), 4);
    return value;
}

static inline uint64_t take64(struct reader *in) {
    uint64_t value;
    memcpy(&value, take(in, 8), 8);
    return value;
}

static inline struct reader take_bytes(struct reader *in) {
    uint32_t length = take32(in);
    return (struct reader){take(in, length), length};
}

#endif
