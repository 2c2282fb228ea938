// Prints tests/unit/umbral_vectors.h: what the npm package makes of given keys. Run where the package is installed:
// NODE_PATH=build/interop/node_modules node tests/interop/umbral_vectors.js >tests/unit/umbral_vectors.h
'use strict';
const { createHash } = require('crypto');
const umbral = require('@nucypher/umbral-pre');

const hex = (bytes) => Buffer.from(bytes).toString('hex');
const secret = (name) => umbral.SecretKey.fromBEBytes(createHash('sha256').update(name).digest());
// A C string literal in lines of this many digits.
const literal = (bytes) => (hex(bytes).match(/.{1,96}/g) || ['']).map((line) => `"${line}"`).join('\n         ');

const cases = [
    { name: 'one of one', threshold: 1, shares: 1, delegating: true, receiving: true, text: 'a ticket' },
    { name: 'unsigned keys', threshold: 1, shares: 1, delegating: false, receiving: false, text: '' },
    { name: 'two of three', threshold: 2, shares: 3, delegating: true, receiving: false, text: 'seat 12 in coach 5' },
    { name: 'three of four', threshold: 3, shares: 4, delegating: false, receiving: true, text: 'x'.repeat(200) },
];

function vector(c) {
    const owner = secret(`${c.name}: owner`), receiver = secret(`${c.name}: receiver`);
    const signer = secret(`${c.name}: signer`);
    const [capsule, ciphertext] = umbral.encrypt(owner.publicKey(), Buffer.from(c.text));
    const kfrags = umbral.generateKFrags(owner, receiver.publicKey(), new umbral.Signer(signer), c.threshold, c.shares,
        c.delegating, c.receiving);
    const signature = new umbral.Signer(signer).sign(Buffer.from(c.text));
    const kfragBytes = kfrags.map((k) => k.toBytes()), cfrags = kfrags.map((k) => umbral.reencrypt(capsule, k));
    const list = (all) => all.map((bytes) => literal(bytes)).join(',\n         ');
    return `    {.name = "${c.name}",
     .threshold = ${c.threshold},
     .shares = ${c.shares},
     .delegating = ${c.delegating},
     .receiving = ${c.receiving},
     .owner = ${literal(owner.toBEBytes())},
     .receiver = ${literal(receiver.toBEBytes())},
     .signer = ${literal(signer.toBEBytes())},
     .owner_public = ${literal(owner.publicKey().toCompressedBytes())},
     .text = "${c.text}",
     .signature = ${literal(signature.toBEBytes())},
     .der = ${literal(signature.toDerBytes())},
     .capsule = ${literal(capsule.toBytes())},
     .simple = ${literal(capsule.toBytesSimple())},
     .ciphertext = ${literal(ciphertext)},
     .kfrag = {${list(kfragBytes)}},
     .cfrag = {${list(cfrags.map((f) => f.toBytes()))}},
     .cfrag_simple = ${literal(cfrags[0].toBytesSimple())}},`;
}

console.log(`/* Made by @nucypher/umbral-pre 0.10.0 (tests/interop/umbral_vectors.js). */
#ifndef TALLY_TESTS_UMBRAL_VECTORS_H
#define TALLY_TESTS_UMBRAL_VECTORS_H

#include <stdbool.h>
#include <stddef.h>

enum { UMBRAL_VECTOR_SHARES = 4 };

/* Bytes in hex; text is the plaintext of ciphertext and the message under signature. */
struct umbral_vector {
    const char *name;
    size_t threshold, shares;
    bool delegating, receiving;
    const char *owner, *receiver, *signer, *owner_public, *text, *signature, *der;
    const char *capsule, *simple, *ciphertext;
    const char *kfrag[UMBRAL_VECTOR_SHARES], *cfrag[UMBRAL_VECTOR_SHARES], *cfrag_simple;
};

static const struct umbral_vector umbral_vectors[] = {
${cases.map(vector).join('\n')}
};

enum { UMBRAL_VECTORS = sizeof umbral_vectors / sizeof *umbral_vectors };

#endif`);
