// The npm package behind a pipe: one request a line, words apart by blanks, bytes in hex ("-" for none); one answer a
// line, "ok WORD ..." or "refused". A request that is none ends the process: that is a fault of the test.
'use strict';
const umbral = require('@nucypher/umbral-pre');
const readline = require('readline');

const hex = (bytes) => Buffer.from(bytes).toString('hex') || '-';
const bytes = (word) => Buffer.from(word === '-' ? '' : word, 'hex');
const secret = (word) => umbral.SecretKey.fromBEBytes(bytes(word));
const publicKey = (word) => umbral.PublicKey.fromCompressedBytes(bytes(word));
const optional = (word) => (word === '-' ? null : publicKey(word));
const capsule = (word) => umbral.Capsule.fromBytes(bytes(word));
const kfrag = (word) => umbral.KeyFrag.fromBytes(bytes(word));
const cfrag = (word) => umbral.CapsuleFrag.fromBytes(bytes(word));
const yes = (good) => { if (!good) throw new Error('no'); return []; };

// Requests. Names of arguments: a, b secret keys of owner and receiver, s the signer's; A, B, V their public keys.
const requests = {
    public: (a) => [hex(secret(a).publicKey().toCompressedBytes())],
    sign: (s, message) => {
        const signature = new umbral.Signer(secret(s)).sign(bytes(message));
        return [hex(signature.toBEBytes()), hex(signature.toDerBytes())];
    },
    verify: (V, message, signature) =>
        yes(umbral.Signature.fromBEBytes(bytes(signature)).verify(publicKey(V), bytes(message))),
    from_der: (der) => [hex(umbral.Signature.fromDerBytes(bytes(der)).toBEBytes())],
    encrypt: (A, plaintext) => {
        const [made, ciphertext] = umbral.encrypt(publicKey(A), bytes(plaintext));
        return [hex(made.toBytes()), hex(ciphertext), hex(made.toBytesSimple())];
    },
    capsule: (c) => [hex(capsule(c).toBytes())],
    owner: (a, c, ciphertext) => [hex(umbral.decryptOriginal(secret(a), capsule(c), bytes(ciphertext)))],
    rekey: (a, B, s, threshold, shares, delegating, receiving) =>
        umbral.generateKFrags(secret(a), publicKey(B), new umbral.Signer(secret(s)), Number(threshold), Number(shares),
            delegating === '1', receiving === '1').map((k) => hex(k.toBytes())),
    verify_kfrag: (k, V, A, B) => [hex(kfrag(k).verify(publicKey(V), optional(A), optional(B)).toBytes())],
    reencrypt: (c, k) => {
        const made = umbral.reencrypt(capsule(c), kfrag(k).skipVerification());
        return [hex(made.toBytes()), hex(made.toBytesSimple())];
    },
    verify_cfrag: (f, c, V, A, B) => [hex(cfrag(f).verify(capsule(c), publicKey(V), publicKey(A), publicKey(B)).toBytes())],
    receiver: (b, A, c, ciphertext, ...fragments) =>
        [hex(umbral.decryptReencrypted(secret(b), publicKey(A), capsule(c),
            fragments.map((f) => cfrag(f).skipVerification()), bytes(ciphertext)))],
    factory: (seed, label) => {
        const made = umbral.SecretKeyFactory.fromSecureRandomness(bytes(seed));
        return [hex(made.makeKey(bytes(label)).toBEBytes()), hex(made.makeSecret(bytes(label))),
            hex(made.makeFactory(bytes(label)).makeSecret(bytes('-')))];
    },
    recover: (digest, signature) => [hex(umbral.PublicKey.recoverFromPrehash(bytes(digest),
        umbral.RecoverableSignature.fromBEBytes(bytes(signature))).toCompressedBytes())],
    evidence: (c, f, V, A, B) => [hex(new umbral.ReencryptionEvidence(capsule(c), cfrag(f).skipVerification(), publicKey(V),
        publicKey(A), publicKey(B)).toBytes())],
    read_evidence: (e) => [hex(umbral.ReencryptionEvidence.fromBytes(bytes(e)).toBytes())],
    parameters: () => {
        const [x, y] = new umbral.Parameters().u.coordinates();
        return [(y[31] & 1 ? '03' : '02') + hex(x)];
    },
};

// time OPERATION COUNT: processor time of one operation in microseconds, on objects made before, as tests/bench/bench_umbral.c
// takes its own.
const owner = umbral.SecretKey.random(), receiver = umbral.SecretKey.random();
const signer = new umbral.Signer(umbral.SecretKey.random());
const A = owner.publicKey(), B = receiver.publicKey(), plaintext = Buffer.alloc(200, 7);
const [madeCapsule, ciphertext] = umbral.encrypt(A, plaintext);
const [madeKfrag] = umbral.generateKFrags(owner, B, signer, 1, 1, true, true);
const madeCfrag = umbral.reencrypt(madeCapsule, madeKfrag);
const operations = {
    encrypt: () => umbral.encrypt(A, plaintext),
    rekey: () => umbral.generateKFrags(owner, B, signer, 1, 1, true, true),
    reencrypt: () => umbral.reencrypt(madeCapsule, madeKfrag),
    open_owner: () => umbral.decryptOriginal(owner, madeCapsule, ciphertext),
    open_seller: () => umbral.decryptReencrypted(receiver, A, madeCapsule, [madeCfrag], ciphertext),
};
requests.time = (operation, count) => {
    const start = process.cpuUsage();
    for (let i = 0; i < Number(count); i++) operations[operation]();
    const { user, system } = process.cpuUsage(start);
    return [String((user + system) / Number(count))];
};

function answer(line) {
    const [name, ...words] = line.split(' ');
    if (!(name in requests)) throw new Error(`no request ${name}`);
    try {
        return ['ok', ...requests[name](...words)].join(' ');
    } catch (error) {
        return 'refused';
    }
}

readline.createInterface({ input: process.stdin, terminal: false }).on('line', (line) => {
    process.stdout.write(`${answer(line)}\n`);
});
