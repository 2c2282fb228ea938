/* Any bytes as a ticket face and a usage record: what decodes encodes to the same bytes, and events keep the
 * record's rules. */
#include <stdlib.h>
#include <string.h>

#include "card/wire/face.h"
#include "card/wire/usage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_events(const struct ticket_face *face, const struct usage_record *before)
{
    for (unsigned event = EVENT_LOADED; event <= EVENT_DELETED; event++) {
        struct usage_place place = {.gate = before->gate, .station = 1, .time = 2, .gate_transaction = 3};
        struct usage_record after;
        enum usage_verdict verdict = usage_apply(face, before, (enum usage_event)event, &place, &after);
        if (verdict != USAGE_ALLOWED) {
            if (memcmp(before, &after, sizeof after) != 0)
                abort();
            continue;
        }
        if (after.use_counter != before->use_counter + 1 || after.event != event)
            abort();
        if (event == EVENT_ENTRY && after.entries > face->max_entries)
            abort();
        if (event == EVENT_UNDO &&
            (after.entries > before->entries || after.temporary_exits > before->temporary_exits))
            abort();
        uint8_t bytes[USAGE_SIZE];
        struct usage_record again;
        usage_encode(&after, bytes);
        if (!usage_decode(bytes, &again))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < FACE_SIZE + USAGE_SIZE)
        return 0;
    struct ticket_face face;
    struct usage_record usage;
    uint8_t bytes[FACE_SIZE];
    bool face_ok = face_decode(data, &face), usage_ok = usage_decode(data + FACE_SIZE, &usage);
    if (face_ok) {
        face_encode(&face, bytes);
        if (memcmp(bytes, data, FACE_SIZE) != 0)
            abort();
    }
    if (usage_ok) {
        uint8_t out[USAGE_SIZE];
        usage_encode(&usage, out);
        if (memcmp(out, data + FACE_SIZE, USAGE_SIZE) != 0)
            abort();
        if (face_ok)
            check_events(&face, &usage);
    }
    return 0;
}
