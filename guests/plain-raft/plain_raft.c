/* Raft as its paper has it, sections 5 and 8, in C: elections, replication, and reads that a round of messages confirms.
 *
 * Members never change, and there are no snapshots. Whatever a message vouches for is durable before the message leaves:
 * messages wait for all writes that were issued before them. */
#include "wire.h"

enum { NODES_MAX = 64, SELF_TERM = 0, MEMBERS = 1 };
enum { ELECTION, HEARTBEAT };
enum { FOLLOWER, CANDIDATE, LEADER };
enum { VOTE, VOTE_RESPONSE, APPEND, APPEND_RESPONSE };
/* What an entry's data begins with. */
enum { NOTHING, COMMAND };

static const char declaration[] = "splitbrain 1\nname plain-raft\ntimer election elects\ntimer heartbeat beats\nnote misrouted\n"
                                  "role follower\nrole candidate\nrole leader\n"
                                  "message vote term log-term index\nmessage vote-response term granted\n"
                                  "message append term log-term index commit entries\n"
                                  "message append-response term success index\n";

struct entry {
    uint64_t term, request; /* request: who asked for it at this node, plus 1 */
    uint8_t *data;
    uint32_t length;
};

/* A write that is not durable, and the last index that it makes durable. */
struct write {
    uint64_t number, last;
};

/* A message that waits for a write. */
struct held {
    uint64_t write;
    struct bytes item;
};

/* A read that waits until a majority has answered what was sent after it, and until enough is applied. */
struct read {
    uint64_t request, round, index;
};

static struct bytes input, answer;

static struct {
    uint32_t id, members, nodes[NODES_MAX], addresses[NODES_MAX];
    uint64_t election_min, election_max, heartbeat;
    uint64_t term, commit, applied, last, issued, durable, durable_last, round;
    uint32_t vote, leader;
    uint8_t role;
    struct entry *log; /* from index 1 */
    uint64_t log_room;
    uint8_t granted[NODES_MAX];
    uint64_t next[NODES_MAX], match[NODES_MAX], answered[NODES_MAX];
    struct write *writes;
    struct held *held;
    struct read *reads;
    uint32_t write_count, held_count, read_count;
} self;

static uint64_t term_at(uint64_t index) { return index ? self.log[index - 1].term : 0; }

static uint32_t place_of(uint32_t node) {
    for (uint32_t place = 0; place < self.members; place++)
        if (self.nodes[place] == node) return place;
    return NODES_MAX;
}

static void *grow(void *at, uint64_t count, size_t size) {
    at = realloc(at, count * size);
    if (!at) abort();
    return at;
}

/* Writes and messages. */

static struct bytes parts;
static uint32_t part_count;

static void persist(void) {
    if (!part_count) return;
    put8(&answer, SPLITBRAIN_PERSIST);
    put64(&answer, ++self.issued);
    put32(&answer, part_count);
    put(&answer, parts.at, parts.length);
    parts.length = part_count = 0;
    self.writes = grow(self.writes, self.write_count + 1, sizeof *self.writes);
    self.writes[self.write_count++] = (struct write){self.issued, self.last};
}

static void write_term(void) {
    part_count++;
    put8(&parts, SPLITBRAIN_CELL);
    put32(&parts, SELF_TERM);
    put32(&parts, 12);
    put64(&parts, self.term);
    put32(&parts, self.vote);
}

static void append(uint64_t term, uint64_t request, const uint8_t *data, uint32_t length) {
    if (self.last == self.log_room) {
        self.log_room = 2 * self.log_room + 16;
        self.log = grow(self.log, self.log_room, sizeof *self.log);
    }
    uint8_t *kept = grow(NULL, length, 1);
    memcpy(kept, data, length);
    self.log[self.last++] = (struct entry){term, request, kept, length};
}

static void write_entry(uint64_t index) {
    struct entry *entry = &self.log[index - 1];
    part_count++;
    put8(&parts, SPLITBRAIN_ENTRY);
    put64(&parts, index);
    put64(&parts, entry->term);
    put_bytes(&parts, entry->data, entry->length);
}

/* A cut lowers what earlier, unfinished writes will make durable: the same indexes are written anew. */
static void cut(uint64_t from) {
    for (uint64_t index = from; index <= self.last; index++) free(self.log[index - 1].data);
    self.last = from - 1;
    part_count++;
    put8(&parts, SPLITBRAIN_CUT);
    put64(&parts, from);
    for (uint32_t each = 0; each < self.write_count; each++)
        if (self.writes[each].last >= from) self.writes[each].last = from - 1;
    if (self.durable_last >= from) self.durable_last = from - 1;
}

static void send(uint32_t place, uint8_t kind, const uint64_t *numbers, uint8_t count, const struct bytes *body) {
    struct bytes item = {0};
    put8(&item, SPLITBRAIN_SEND);
    put32(&item, self.nodes[place]);
    put32(&item, self.addresses[place]);
    put8(&item, kind);
    put8(&item, count);
    for (uint8_t each = 0; each < count; each++) put64(&item, numbers[each]);
    put32(&item, 1 + body->length);
    put8(&item, kind);
    put(&item, body->at, body->length);
    if (self.durable == self.issued) {
        put(&answer, item.at, item.length);
        free(item.at);
        return;
    }
    self.held = grow(self.held, self.held_count + 1, sizeof *self.held);
    self.held[self.held_count++] = (struct held){self.issued, item};
}

static void release(void) {
    uint32_t kept = 0;
    for (uint32_t each = 0; each < self.held_count; each++) {
        struct held *held = &self.held[each];
        if (held->write <= self.durable) {
            put(&answer, held->item.at, held->item.length);
            free(held->item.at);
        } else {
            self.held[kept++] = *held;
        }
    }
    self.held_count = kept;
}

static void set_timer(uint8_t timer, uint64_t soonest, uint64_t latest) {
    put8(&answer, SPLITBRAIN_SET_TIMER);
    put8(&answer, timer);
    put64(&answer, soonest);
    put64(&answer, latest);
}

static void cancel_timer(uint8_t timer) {
    put8(&answer, SPLITBRAIN_CANCEL_TIMER);
    put8(&answer, timer);
}

static void await_election(void) { set_timer(ELECTION, self.election_min, self.election_max); }

/* Requests. */

static void refuse(uint64_t request, uint8_t why) {
    put8(&answer, SPLITBRAIN_REFUSE);
    put64(&answer, request);
    put8(&answer, why);
    if (why == SPLITBRAIN_NOT_LEADER) put32(&answer, self.leader);
}

static void follow(uint64_t term, uint32_t leader) {
    uint8_t was = self.role;
    if (term > self.term) {
        self.term = term;
        self.vote = SPLITBRAIN_NOBODY;
        write_term();
    }
    self.role = FOLLOWER;
    self.leader = leader;
    if (was != LEADER) return;
    cancel_timer(HEARTBEAT);
    await_election();
    for (uint64_t index = self.applied + 1; index <= self.last; index++) {
        struct entry *entry = &self.log[index - 1];
        if (entry->request) refuse(entry->request - 1, SPLITBRAIN_LEADERSHIP_LOST);
        entry->request = 0;
    }
    for (uint32_t each = 0; each < self.read_count; each++) refuse(self.reads[each].request, SPLITBRAIN_NOT_LEADER);
    self.read_count = 0;
}

/* The greatest number that a majority has reached. */
static uint64_t by_majority(const uint64_t *numbers) {
    uint64_t best = 0;
    for (uint32_t each = 0; each < self.members; each++) {
        uint32_t have = 0;
        for (uint32_t other = 0; other < self.members; other++) have += numbers[other] >= numbers[each];
        if (2 * have > self.members && numbers[each] > best) best = numbers[each];
    }
    return best;
}

static void apply(void) {
    while (self.applied < self.commit) {
        struct entry *entry = &self.log[self.applied++];
        entry->request = 0;
        if (entry->data[0] != COMMAND) continue;
        put8(&answer, SPLITBRAIN_APPLY);
        put64(&answer, self.applied);
        put_bytes(&answer, entry->data + 1, entry->length - 1);
    }
}

/* Commits what a majority holds, if it is of this term (section 5.4.2), and answers reads. */
static void advance(void) {
    if (self.role != LEADER) return;
    uint32_t own = place_of(self.id);
    self.match[own] = self.durable_last;
    self.answered[own] = self.round;
    uint64_t held = by_majority(self.match), heard = by_majority(self.answered);
    if (held > self.commit && term_at(held) == self.term) self.commit = held;
    apply();
    uint32_t kept = 0;
    for (uint32_t each = 0; each < self.read_count; each++) {
        struct read *read = &self.reads[each];
        if (!read->index && term_at(self.commit) == self.term) read->index = self.commit;
        if (read->round <= heard && read->index && read->index <= self.applied) {
            put8(&answer, SPLITBRAIN_SERVE);
            put64(&answer, read->request);
        } else {
            self.reads[kept++] = *read;
        }
    }
    self.read_count = kept;
}

/* What nodes say. */

static void send_append(uint32_t place) {
    uint64_t before = self.next[place] - 1, count = self.last - before;
    struct bytes body = {0};
    put64(&body, self.term);
    put64(&body, before);
    put64(&body, term_at(before));
    put64(&body, self.commit);
    put64(&body, self.round);
    put64(&body, count);
    for (uint64_t index = before + 1; index <= self.last; index++) {
        put64(&body, self.log[index - 1].term);
        put_bytes(&body, self.log[index - 1].data, self.log[index - 1].length);
    }
    send(place, APPEND, (uint64_t[]){self.term, term_at(before), before, self.commit, count}, 5, &body);
    free(body.at);
}

static void speak(void) {
    self.round++;
    for (uint32_t place = 0; place < self.members; place++)
        if (self.nodes[place] != self.id) send_append(place);
}

static void lead(void) {
    self.role = LEADER;
    self.leader = self.id;
    for (uint32_t place = 0; place < self.members; place++) {
        self.next[place] = self.last + 1;
        self.match[place] = self.answered[place] = 0;
    }
    cancel_timer(ELECTION);
    set_timer(HEARTBEAT, self.heartbeat, self.heartbeat);
    append(self.term, 0, (uint8_t[]){NOTHING}, 1);
    write_entry(self.last);
    persist();
    speak();
}

static void count_votes(void) {
    uint32_t votes = 0;
    for (uint32_t place = 0; place < self.members; place++) votes += self.granted[place];
    /* Its own vote counts when it is durable. */
    if (self.role == CANDIDATE && self.durable == self.issued && 2 * votes > self.members) lead();
}

static void stand(void) {
    if (place_of(self.id) == NODES_MAX || self.role == LEADER) return;
    self.role = CANDIDATE;
    self.leader = SPLITBRAIN_NOBODY;
    self.term++;
    self.vote = self.id;
    memset(self.granted, 0, sizeof self.granted);
    self.granted[place_of(self.id)] = 1;
    await_election();
    write_term();
    persist();
    struct bytes body = {0};
    put64(&body, self.term);
    put64(&body, self.last);
    put64(&body, term_at(self.last));
    for (uint32_t place = 0; place < self.members; place++)
        if (self.nodes[place] != self.id)
            send(place, VOTE, (uint64_t[]){self.term, term_at(self.last), self.last}, 3, &body);
    free(body.at);
}

static void on_vote(uint32_t from, uint64_t term, struct reader *in) {
    uint64_t index = take64(in), log_term = take64(in);
    uint64_t mine = term_at(self.last);
    uint8_t recent = log_term > mine || (log_term == mine && index >= self.last);
    uint8_t granted = term == self.term && recent && (self.vote == SPLITBRAIN_NOBODY || self.vote == self.nodes[from]);
    if (granted && self.vote == SPLITBRAIN_NOBODY) {
        self.vote = self.nodes[from];
        write_term();
    }
    if (granted) await_election();
    persist();
    struct bytes body = {0};
    put64(&body, self.term);
    put8(&body, granted);
    send(from, VOTE_RESPONSE, (uint64_t[]){self.term, granted}, 2, &body);
    free(body.at);
}

/* Takes over what an append brings. Success tells the last index that is known to be the leader's. */
static uint8_t take_entries(struct reader *in, uint64_t *index) {
    uint64_t before = take64(in), before_term = take64(in), commit = take64(in);
    take64(in);
    uint64_t count = take64(in);
    if (before > self.last || term_at(before) != before_term) {
        *index = before > self.last ? self.last : before - 1;
        return 0;
    }
    for (*index = before; count; count--) {
        uint64_t term = take64(in);
        struct reader data = take_bytes(in);
        ++*index;
        if (*index <= self.last && term_at(*index) == term) continue;
        if (*index <= self.last) cut(*index);
        append(term, 0, data.at, data.left);
        write_entry(self.last);
    }
    if (commit > *index) commit = *index;
    if (commit > self.commit) self.commit = commit;
    return 1;
}

static void on_append(uint32_t from, uint64_t term, struct reader *in) {
    uint64_t index = 0, round;
    memcpy(&round, in->at + 24, 8);
    uint8_t success = 0;
    if (term == self.term) {
        follow(term, self.nodes[from]);
        await_election();
        success = take_entries(in, &index);
    }
    persist();
    apply();
    struct bytes body = {0};
    put64(&body, self.term);
    put8(&body, success);
    put64(&body, index);
    put64(&body, term == self.term ? round : 0);
    send(from, APPEND_RESPONSE, (uint64_t[]){self.term, success, index}, 3, &body);
    free(body.at);
}

static void on_append_response(uint32_t from, struct reader *in) {
    uint8_t success = take8(in);
    uint64_t index = take64(in), round = take64(in);
    if (round > self.answered[from]) self.answered[from] = round;
    if (success) {
        if (index > self.match[from]) self.match[from] = index;
        if (self.next[from] <= self.match[from]) self.next[from] = self.match[from] + 1;
    } else if (index + 1 < self.next[from] && index >= self.match[from]) {
        self.next[from] = index + 1;
        send_append(from);
    }
}

static void on_received(struct reader *in) {
    uint32_t from = place_of(take32(in));
    take32(in);
    if (take32(in) != self.id) {
        put8(&answer, SPLITBRAIN_NOTE);
        put8(&answer, 0);
        return;
    }
    struct reader body = take_bytes(in);
    uint8_t kind = take8(&body);
    uint64_t term = take64(&body);
    if (from == NODES_MAX) return;
    if (term > self.term) follow(term, SPLITBRAIN_NOBODY);
    if (kind == VOTE) on_vote(from, term, &body);
    if (kind == APPEND) on_append(from, term, &body);
    if (term == self.term && kind == VOTE_RESPONSE && self.role == CANDIDATE) {
        self.granted[from] |= take8(&body);
        count_votes();
    }
    if (term == self.term && kind == APPEND_RESPONSE && self.role == LEADER) on_append_response(from, &body);
    persist();
}

static void on_persisted(uint64_t through) {
    self.durable = through;
    uint32_t kept = 0;
    for (uint32_t each = 0; each < self.write_count; each++) {
        if (self.writes[each].number > through) self.writes[kept++] = self.writes[each];
        else self.durable_last = self.writes[each].last;
    }
    self.write_count = kept;
    release();
    count_votes();
}

static void on_proposed(uint64_t request, struct reader command) {
    if (self.role != LEADER) return refuse(request, SPLITBRAIN_NOT_LEADER);
    struct bytes data = {0};
    put8(&data, COMMAND);
    put(&data, command.at, command.left);
    append(self.term, request + 1, data.at, data.length);
    free(data.at);
    write_entry(self.last);
    persist();
    speak();
}

static void on_read(uint64_t request) {
    if (self.role != LEADER) return refuse(request, SPLITBRAIN_NOT_LEADER);
    uint64_t index = term_at(self.commit) == self.term ? self.commit : 0;
    speak();
    self.reads = grow(self.reads, self.read_count + 1, sizeof *self.reads);
    self.reads[self.read_count++] = (struct read){request, self.round, index};
}

static void on_fired(uint8_t timer) {
    if (timer == ELECTION) stand();
    if (timer == HEARTBEAT && self.role == LEADER) {
        set_timer(HEARTBEAT, self.heartbeat, self.heartbeat);
        speak();
    }
}

/* The beginning. */

static uint64_t number_after(struct reader text, const char *name) {
    size_t length = strlen(name);
    for (uint32_t at = 0; at + length < text.left; at++)
        if ((at == 0 || text.at[at - 1] == '\n') && !memcmp(text.at + at, name, length)) {
            uint64_t number = 0;
            for (at += length; at < text.left && text.at[at] >= '0' && text.at[at] <= '9'; at++)
                number = 10 * number + (text.at[at] - '0');
            return number;
        }
    return 0;
}

static void on_settings(struct reader text) {
    static const char words[] = "option\nno option: Raft as its paper has it";
    for (uint32_t at = 0; at + 7 < text.left; at++)
        if ((at == 0 || text.at[at - 1] == '\n') && !memcmp(text.at + at, "option ", 7))
            return put(&answer, words, sizeof words - 1);
}

static void refuse_format(const char *why) { put_bytes(&answer, why, strlen(why)); }

static void on_format(struct reader *in) {
    struct bytes members = {0};
    take32(in);
    uint8_t member = take8(in);
    uint32_t sets = take32(in), voters = 0;
    for (uint32_t set = 0; set < sets; set++)
        for (voters = take32(in), take(in, 4 * voters); 0;) {}
    uint32_t nodes = take32(in);
    const uint8_t *ids = take(in, 4 * nodes);
    take32(in);
    const uint8_t *addresses = take(in, 4 * nodes);
    if (sets > 1) return refuse_format("plain Raft has one voter set");
    if (member && nodes != voters) return refuse_format("plain Raft has voters only");
    if (nodes > NODES_MAX) return refuse_format("plain Raft has at most 64 members");
    put(&members, ids, 4 * nodes);
    put(&members, addresses, 4 * nodes);
    uint32_t entries = take32(in);
    for (uint32_t each = 0; each < entries; each++) {
        append(take64(in), 0, (uint8_t[]){NOTHING}, 1);
        write_entry(self.last);
        if (term_at(self.last) > self.term) self.term = term_at(self.last);
    }
    uint64_t term = take64(in);
    if (term > self.term) self.term = term;
    self.vote = SPLITBRAIN_NOBODY;
    write_term();
    part_count++;
    put8(&parts, SPLITBRAIN_CELL);
    put32(&parts, MEMBERS);
    put_bytes(&parts, members.at, members.length);
    put32(&answer, 0);
    persist();
}

static void load(struct reader *disk) {
    uint32_t cells = take32(disk);
    for (uint32_t each = 0; each < cells; each++) {
        uint32_t number = take32(disk);
        struct reader value = take_bytes(disk);
        if (number == SELF_TERM) {
            self.term = take64(&value);
            self.vote = take32(&value);
        } else {
            self.members = value.left / 8;
            memcpy(self.nodes, value.at, 4 * self.members);
            memcpy(self.addresses, value.at + 4 * self.members, 4 * self.members);
        }
    }
    take(disk, 16);
    take_bytes(disk);
    take(disk, 16);
    uint32_t entries = take32(disk);
    for (uint32_t each = 0; each < entries; each++) {
        uint64_t term = take64(disk);
        struct reader data = take_bytes(disk);
        append(term, 0, data.at, data.left);
    }
    self.durable_last = self.last;
}

static void on_boot(struct reader *in) {
    self.vote = self.leader = SPLITBRAIN_NOBODY;
    self.id = take32(in);
    take(in, 16);
    struct reader text = take_bytes(in);
    self.election_min = number_after(text, "election-min=");
    self.election_max = number_after(text, "election-max=");
    self.heartbeat = number_after(text, "heartbeat=");
    load(in);
    put8(&answer, SPLITBRAIN_MEMBERS);
    put32(&answer, self.members > 0);
    for (uint32_t each = 0; each < (self.members ? 4u : 3u); each++) {
        uint32_t learners = self.members ? each == 1 : each == 0;
        put32(&answer, learners ? 0 : self.members);
        if (!learners) put(&answer, each + !self.members == 3 ? self.addresses : self.nodes, 4 * self.members);
    }
    await_election();
}

static void status(void) {
    put8(&answer, SPLITBRAIN_STATUS);
    put64(&answer, self.term);
    put8(&answer, self.role == LEADER);
    put8(&answer, self.role);
    put64(&answer, self.commit);
    put64(&answer, self.applied);
    put64(&answer, self.last);
    put32(&answer, self.vote);
    put32(&answer, self.leader);
}

static void on_call(uint8_t ask, struct reader *in) {
    uint64_t request = ask >= SPLITBRAIN_PERSISTED ? take64(in) : 0;
    switch (ask) {
    case SPLITBRAIN_BOOT: on_boot(in); break;
    case SPLITBRAIN_RECEIVED: on_received(in); break;
    case SPLITBRAIN_FIRED: on_fired(take8(in)); break;
    case SPLITBRAIN_PERSISTED: on_persisted(request); break;
    case SPLITBRAIN_PROPOSED: on_proposed(request, take_bytes(in)); break;
    case SPLITBRAIN_READ: on_read(request); break;
    case SPLITBRAIN_CHANGE:
    case SPLITBRAIN_TRANSFER: refuse(request, SPLITBRAIN_UNSUPPORTED); break;
    case SPLITBRAIN_SNAPSHOT_TAKEN: break;
    default: abort();
    }
    advance();
    status();
}

__attribute__((export_name("splitbrain_input"))) uint32_t splitbrain_input(uint32_t length) {
    if (input.room < length) {
        input.room = length;
        input.at = grow(input.at, length, 1);
    }
    return (uint32_t)(uintptr_t)input.at;
}

__attribute__((export_name("splitbrain_call"))) uint64_t splitbrain_call(uint32_t length) {
    struct reader in = {input.at, length};
    answer.length = 0;
    uint8_t ask = take8(&in);
    if (ask == SPLITBRAIN_DECLARE) put(&answer, declaration, sizeof declaration - 1);
    else if (ask == SPLITBRAIN_SETTINGS) on_settings(take_bytes(&in));
    else if (ask == SPLITBRAIN_FORMAT) on_format(&in);
    else on_call(ask, &in);
    return (uint64_t)(uintptr_t)answer.at << 32 | answer.length;
}
