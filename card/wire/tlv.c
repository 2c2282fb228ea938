#include "card/wire/tlv.h"

#include <string.h>

/* Reads a length field; returns its size in bytes, 0 when malformed or not minimal. */
static size_t read_length(const uint8_t *in, size_t n, size_t *len)
{
    if (n >= 1 && in[0] < 0x80) {
        *len = in[0];
        return 1;
    }
    if (n >= 2 && in[0] == 0x81 && in[1] >= 0x80) {
        *len = in[1];
        return 2;
    }
    if (n >= 3 && in[0] == 0x82 && in[1] != 0) {
        *len = (size_t)in[1] << 8 | in[2];
        return 3;
    }
    return 0;
}

static size_t read_tag(const uint8_t *in, size_t n, uint16_t *tag)
{
    if (n >= 1 && (in[0] & 0x1f) != 0x1f) {
        *tag = in[0];
        return 1;
    }
    if (n >= 2 && (in[1] & 0x80) == 0 && in[1] >= 0x1f) {
        *tag = (uint16_t)(in[0] << 8 | in[1]);
        return 2;
    }
    return 0;
}

bool tlv_next(const uint8_t **in, size_t *n, struct tlv *out)
{
    const uint8_t *p = *in;
    size_t left = *n, len = 0;
    uint16_t tag = 0;
    memset(out, 0, sizeof *out);

    size_t used = read_tag(p, left, &tag);
    if (used == 0)
        return false;
    p += used;
    left -= used;
    used = read_length(p, left, &len);
    if (used == 0 || len > left - used)
        return false;
    p += used;
    left -= used;

    *out = (struct tlv){.tag = tag, .value = p, .len = len};
    *in = p + len;
    *n = left - len;
    return true;
}

bool tlv_find(const uint8_t *in, size_t n, uint16_t tag, struct tlv *out)
{
    while (tlv_next(&in, &n, out))
        if (out->tag == tag)
            return true;
    memset(out, 0, sizeof *out);
    return false;
}

void tlv_writer_init(struct tlv_writer *w, uint8_t *out, size_t size)
{
    *w = (struct tlv_writer){.out = out, .size = size, .len = 0, .ok = true};
}

static void put_bytes(struct tlv_writer *w, const uint8_t *in, size_t n)
{
    if (!w->ok || n > w->size - w->len) {
        w->ok = false;
        return;
    }
    if (n > 0)
        memcpy(w->out + w->len, in, n);
    w->len += n;
}

static void put_tag(struct tlv_writer *w, uint16_t tag)
{
    uint8_t bytes[2] = {(uint8_t)(tag >> 8), (uint8_t)tag};
    size_t n = tag >= 0x100 ? 2 : 1;
    uint16_t read_back;
    if (read_tag(bytes + 2 - n, n, &read_back) != n)
        w->ok = false;
    else
        put_bytes(w, bytes + 2 - n, n);
}

static size_t length_field(uint8_t out[3], size_t n)
{
    if (n < 0x80) {
        out[0] = (uint8_t)n;
        return 1;
    }
    if (n < 0x100) {
        out[0] = 0x81;
        out[1] = (uint8_t)n;
        return 2;
    }
    out[0] = 0x82;
    out[1] = (uint8_t)(n >> 8);
    out[2] = (uint8_t)n;
    return 3;
}

void tlv_put(struct tlv_writer *w, uint16_t tag, const uint8_t *value, size_t n)
{
    uint8_t field[3];
    if (n > 0xffff) {
        w->ok = false;
        return;
    }
    put_tag(w, tag);
    put_bytes(w, field, length_field(field, n));
    put_bytes(w, value, n);
}

void tlv_put_uint(struct tlv_writer *w, uint16_t tag, uint32_t value, size_t width)
{
    uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                        (uint8_t)value};
    if (width < 1 || width > 4)
        w->ok = false;
    else
        tlv_put(w, tag, bytes + 4 - width, width);
}

size_t tlv_open(struct tlv_writer *w, uint16_t tag)
{
    put_tag(w, tag);
    return w->len;
}

void tlv_close(struct tlv_writer *w, size_t mark)
{
    uint8_t field[3];
    if (!w->ok || mark > w->len)
        return;
    size_t content = w->len - mark;
    size_t extra = length_field(field, content);
    if (content > 0xffff || extra > w->size - w->len) {
        w->ok = false;
        return;
    }
    memmove(w->out + mark + extra, w->out + mark, content);
    memcpy(w->out + mark, field, extra);
    w->len += extra;
}
