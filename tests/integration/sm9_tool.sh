#!/bin/bash
# tally-sm9 as people and scripts use it: files, pipes, passphrases, exit status; what it reads and writes against files
# that openssl(1) makes from the standard's values; everything that must be refused.
# usage: sm9_tool.sh TALLY_SM9 SM9_VECTORS_H
set -euo pipefail
tool=$(realpath "$1") vectors=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export LC_ALL=C PHRASE=open-sesame
passed=0 failed=0

# case NAME FUNCTION: in a shell of its own, not in a condition, where -e would mean nothing.
case_() {
    local status
    set +e
    (set -e; "$2") >"$work/log" 2>&1
    status=$?
    set -e
    if [ "$status" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "not ok: $1"
        cat "$work/log"
    fi
}

# refused TEXT COMMAND...: exit status 1, nothing on standard output, TEXT in what is said.
refused() {
    local text=$1 status=0
    shift
    "$@" >out.refused 2>err.refused </dev/null || status=$?
    [ "$status" -eq 1 ] && [ ! -s out.refused ] && grep -qF -- "$text" err.refused && return 0
    echo "status $status of: $*"
    cat err.refused
    return 1
}

# not_verified COMMAND...
not_verified() {
    local status=0
    "$@" >out.verify 2>&1 || status=$?
    [ "$status" -eq 1 ] && [ "$(cat out.verify)" = "Verification failure" ]
}

vector() { # NAME: its hex, which may stand on several lines
    awk -v start="sm9_vector_$1[]" 'index($0, start) { on = 1 } on { print } on && /;/ { exit }' "$vectors" |
        sed 's/.*=//' | tr -d ' \n";'
}

der() { # NAME, ASN.1 in the notation of openssl(1) on standard input
    cat >"$1.cnf"
    openssl asn1parse -genconf "$1.cnf" -noout -out "$1"
}

pem() { # LABEL FILE
    echo "-----BEGIN $1-----"
    base64 -w 64 "$2"
    echo "-----END $1-----"
}

round_trips() {
    "$tool" genmaster -sign -out ms.pem -pubout ms.pub -passout env:PHRASE
    "$tool" genmaster -encrypt -out me.pem -pubout me.pub -passout pass:two
    grep -q 'BEGIN ENCRYPTED PRIVATE KEY' ms.pem
    "$tool" pubkey -in ms.pem -passin env:PHRASE | cmp - ms.pub
    echo "$PHRASE" >phrase
    "$tool" extract -master ms.pem -passin file:phrase -id alice -passout pass:three -out alice.pem
    echo two | "$tool" extract -master me.pem -passin stdin -id bob -noenc -out bob.pem
    head -c 100000 /dev/urandom >message
    "$tool" sign -key alice.pem -passin pass:three -in message -out message.sig
    [ "$("$tool" verify -pubkey ms.pub -id alice -signature message.sig -in message)" = "Verified OK" ]
    [ "$("$tool" verify -pubkey ms.pub -hexid 616c696365 -signature message.sig <message)" = "Verified OK" ]
    "$tool" encrypt -pubkey me.pub -id bob <message | "$tool" decrypt -key bob.pem -id bob | cmp - message
    "$tool" encrypt -pubkey me.pub -id bob -sm4 -in message -out message.enc
    "$tool" decrypt -key bob.pem -id bob -in message.enc -out back
    cmp back message
    "$tool" extract -master me.pem -passin fd:5 -id bob -exchange -noenc -out bob-x.pem 5<<<two
    for key in ms.pem me.pem alice.pem bob.pem bob-x.pem; do
        [ "$(stat -c %a $key)" = 600 ]
    done
}

tampering() {
    cp message other
    printf x >>other
    not_verified "$tool" verify -pubkey ms.pub -id alice -signature message.sig -in other
    not_verified "$tool" verify -pubkey ms.pub -id mallory -signature message.sig -in message
    for at in 0 1 3 20 40 60 100; do
        { head -c $at message.sig; head -c $((at + 1)) message.sig | tail -c 1 | tr '\000-\377' '\001-\377\000';
            tail -c +$((at + 2)) message.sig; } >bad.sig
        not_verified "$tool" verify -pubkey ms.pub -id alice -signature bad.sig -in message
    done
    { cat message.sig; printf x; } >bad.sig
    not_verified "$tool" verify -pubkey ms.pub -id alice -signature bad.sig -in message
    : >empty
    not_verified "$tool" verify -pubkey ms.pub -id alice -signature empty -in message
    refused "does not verify" "$tool" decrypt -key bob.pem -id carol -in message.enc
    { head -c -1 message.enc; printf '\000'; } >bad.enc
    { head -c -1 message.enc; printf '\001'; } >worse.enc
    refused "does not verify" "$tool" decrypt -key bob.pem -id bob -in bad.enc -out never ||
        refused "does not verify" "$tool" decrypt -key bob.pem -id bob -in worse.enc -out never
    [ ! -e never ]
    head -c 90 message.enc >short.enc
    refused "ciphertext" "$tool" decrypt -key bob.pem -id bob -in short.enc
    refused "is empty" "$tool" encrypt -pubkey me.pub -id bob -in empty
}

keys_are_guarded() {
    refused "passphrase is wrong" "$tool" sign -key alice.pem -passin pass:wrong -in message
    refused "exists already" "$tool" genmaster -sign -noenc -out ms.pem
    refused "closed to others" bash -c 'cp bob.pem open.pem && chmod 644 open.pem && "$0" decrypt -key open.pem -id bob' "$tool"
    refused "not an identity's key for signatures" "$tool" sign -key bob.pem -in message
    refused "not an identity's key for encryption" "$tool" decrypt -key alice.pem -passin pass:three -id alice
    refused "not an identity's key for encryption" "$tool" decrypt -key bob-x.pem -id bob
    refused "not a key for encryption" "$tool" encrypt -pubkey ms.pub -id bob -in message
    refused "not a key for signatures" "$tool" verify -pubkey me.pub -id bob -signature message.sig -in message
    refused "not a master key" "$tool" extract -master bob.pem -id x -noenc
    refused "wants a master key for encryption" "$tool" extract -master ms.pem -passin env:PHRASE -id x -exchange -noenc
    refused "not an SM9 key" bash -c 'openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.pem 2>/dev/null &&
        chmod 600 ec.pem && "$0" sign -key ec.pem' "$tool"
    refused "not found" "$tool" sign -key nowhere.pem
    refused "cannot be read" "$tool" sign -key alice.pem -passin env:NOT_THERE -in message
    refused "cannot be read" "$tool" sign -key alice.pem -passin pass: -in message
    refused "cannot be read" "$tool" sign -key alice.pem -passin hello -in message
    refused "no terminal" setsid "$tool" sign -key alice.pem -in message
}

usage() {
    refused "a command is needed" "$tool"
    refused "no such command" "$tool" dance
    refused "no such option" "$tool" sign -key a -id b
    refused "option wants a value" "$tool" sign -key
    refused "option needed: -key" "$tool" sign
    refused "option needed: -id" "$tool" encrypt -pubkey me.pub
    refused "given twice" "$tool" sign -key a -key b
    refused "more than one identity" "$tool" encrypt -pubkey me.pub -id a -hexid 00
    refused "hex digits" "$tool" encrypt -pubkey me.pub -hexid 0
    refused "1 to 255 bytes" "$tool" encrypt -pubkey me.pub -id "$(printf '%0256d' 1)"
    refused "1 to 255 bytes" "$tool" encrypt -pubkey me.pub -id ""
    refused "either -sign or -encrypt" "$tool" genmaster -noenc
    refused "exclude each other" "$tool" genmaster -sign -noenc -passout pass:x
    "$tool" help | grep -q '^usage: tally-sm9'
    "$tool" version | grep -q '^tally-sm9 [0-9]'
}

private_key() { # FILE ALGORITHM PARAMETER|- FIRST POINT, written as ASN.1
    {
        printf 'asn1=SEQUENCE:p8\n[p8]\nversion=INTEGER:0\nalgorithm=SEQUENCE:algorithm\nkey=OCTWRAP,SEQUENCE:key\n'
        printf '[algorithm]\nid=OID:%s\n' "$2"
        [ "$3" = - ] || printf 'parameter=OID:%s\n' "$3"
        printf '[key]\nfirst=%s\npublic=FORMAT:HEX,BITSTRING:04%s\n' "$4" "$5"
    } | der "$1.der"
    pem "PRIVATE KEY" "$1.der" >"$1"
    chmod 600 "$1"
}

standard_signature() {
    local sm9=1.2.156.10197.1.302
    private_key ks.pem $sm9 $sm9.1 "INTEGER:0x$(vector a_ks)" "$(vector a_ppub)"
    private_key want.pem $sm9.1 - "FORMAT:HEX,BITSTRING:04$(vector a_ds)" "$(vector a_ppub)"
    "$tool" extract -master ks.pem -id Alice -noenc -out got.pem
    cmp got.pem want.pem
    "$tool" pubkey -in ks.pem -out ks.pub
    printf 'asn1=SEQUENCE:s\n[s]\nh=FORMAT:HEX,OCTETSTRING:%s\nS=FORMAT:HEX,BITSTRING:%s\n' "$(vector a_h)" "$(vector a_s)" |
        der standard.sig
    printf 'Chinese IBS standard' >standard.txt
    [ "$("$tool" verify -pubkey ks.pub -id Alice -signature standard.sig -in standard.txt)" = "Verified OK" ]
    # A master key whose public half is another's.
    private_key mixed.pem $sm9 $sm9.1 "INTEGER:0x$(vector b_ke)" "$(vector a_ppub)"
    refused "damaged" "$tool" extract -master mixed.pem -id Alice -noenc
    private_key out-of-range.pem $sm9 $sm9.1 "INTEGER:0x$(vector params_n)" "$(vector a_ppub)"
    refused "damaged" "$tool" extract -master out-of-range.pem -id Alice -noenc
}

cipher() { # FILE TYPE C1 C3 C2
    printf 'asn1=SEQUENCE:c\n[c]\nt=INTEGER:%s\nC1=FORMAT:HEX,BITSTRING:04%s\nC3=FORMAT:HEX,OCTETSTRING:%s\n' "$2" "$3" "$4" >c.part
    printf 'C2=FORMAT:HEX,OCTETSTRING:%s\n' "$5" | cat c.part - | der "$1"
}

standard_encryption() {
    local sm9=1.2.156.10197.1.302
    private_key ke.pem $sm9 $sm9.3 "INTEGER:0x$(vector c_ke)" "$(vector c_ppub)"
    private_key want-b.pem $sm9.3 - "FORMAT:HEX,BITSTRING:04$(vector c_de)" "$(vector c_ppub)"
    "$tool" extract -master ke.pem -id Bob -noenc -out got-b.pem
    cmp got-b.pem want-b.pem
    cipher stream.enc 0 "$(vector d_c1)" "$(vector d_c3)" "$(vector d_c2)"
    cipher sm4.enc 1 "$(vector d_c1)" "$(vector d_block_c3)" "$(vector d_block_c2)"
    [ "$("$tool" decrypt -key got-b.pem -id Bob -in stream.enc)" = "Chinese IBE standard" ]
    [ "$("$tool" decrypt -key got-b.pem -id Bob <sm4.enc)" = "Chinese IBE standard" ]
    # A tag as HMAC-SM3 of C2 is not the standard's; a mode that is not there; CBC.
    cipher hmac.enc 0 "$(vector d_c1)" "$(vector d_c3_hmac)" "$(vector d_c2)"
    refused "does not verify" "$tool" decrypt -key got-b.pem -id Bob -in hmac.enc
    cipher cbc.enc 2 "$(vector d_c1)" "$(vector d_block_c3)" "$(vector d_block_c2)"
    refused "malformed" "$tool" decrypt -key got-b.pem -id Bob -in cbc.enc
}

# A public key that GmSSL wrote.
other_implementation() {
    cat >gmssl.pub <<'PEM'
-----BEGIN SM9 SIGN MASTER PUBLIC KEY-----
MIGFA4GCAARvTUvk1ztAlmjlUK0kP3zdFEVHHr8HUL4sUbcnFoQPukP0AjurnySy
f1MY0Plzt4lZ5u0/6GC4zUjYEcjWiYV+bV9YCnOGVQAYfPr/a+4/alewf43qBJuX
Ri1gDhueE6gkoeZ4HHUu1wfhRbKRF8okwSO933f/ZSpLlYu1P7/ckw==
-----END SM9 SIGN MASTER PUBLIC KEY-----
PEM
    not_verified "$tool" verify -pubkey gmssl.pub -id alice -signature message.sig -in message
    sed 's/^Ri1g/Ri1h/' gmssl.pub >broken.pub
    refused "the key is not valid" "$tool" verify -pubkey broken.pub -id alice -signature message.sig -in message
}

case_ "round trips" round_trips
case_ "tampering" tampering
case_ "keys are guarded" keys_are_guarded
case_ "usage" usage
case_ "the standard's signature" standard_signature
case_ "the standard's encryption" standard_encryption
case_ "a key of another implementation" other_implementation
echo "tally-test: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
