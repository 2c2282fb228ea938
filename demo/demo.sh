#!/usr/bin/env bash
# demo.sh BUILD: a ticket's whole life, told by the real programs: a private pcscd with two virtual cards, a ticket server and an
# authentication server over HTTP, kiosk and gates. A step is a function; step() runs it, compares how it ended with how it
# must end, and tells in one line what went over the card's wire and what was decided. Exit status 0: every step came out right.
set -uo pipefail

# ---- Telling --------------------------------------------------------------------------------------------------------

bold='' dim='' green='' red='' plain=''
if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'; fi
steps=0 wrong=0

chapter() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }

# APDUs, bytes there and back and the card's milliseconds in the trace lines of this step.
wire() {
    awk '/^A>> / { apdus++; out += length($2) / 2 }
         /^A<< / { back += length($2) / 2; if (match($0, /\([0-9.]+ ms\)/)) ms += substr($0, RSTART + 1, RLENGTH - 5) }
         END { if (apdus) printf "%d APDU, %d+%d bytes, %.1f ms", apdus, out, back, ms; else printf "no card" }' "$work/trace"
}

# step STATUS PATTERN TITLE COMMAND...: the command must end with STATUS and say something that matches PATTERN.
step() {
    local want=$1 pattern=$2 title=$3 got said
    shift 3
    steps=$((steps + 1))
    : >"$work/trace"
    "$@" >"$work/out" 2>&1
    got=$?
    said=$(grep -E -m 1 -- "$pattern" "$work/out" | cut -c 1-110)
    if [ "$got" -eq "$want" ] && [ -n "$said" ]; then
        printf '%s✔%s %-50s %s%s%s\n  %s\n' "$green" "$plain" "$title" "$dim" "$(wire)" "$plain" "$said"
    else
        wrong=$((wrong + 1))
        printf '%s✘ %s%s: exit status %s (must be %s), and no line like "%s" in:\n' "$red" "$title" "$plain" "$got" "$want" "$pattern"
        sed 's/^/    /' "$work/out"
    fi
}

# ---- The programs, with the arguments every call of them needs --------------------------------------------------------

# Two runs of this file: `demo.sh BUILD` prepares, and calls itself as `demo.sh BUILD WORK` inside the virtual reader.
build=$(cd "$1" && pwd)
work=${2:-$(mktemp -d "${TMPDIR:-/tmp}/tally-demo-XXXXXX")}
tools=$build/reader-tools services=$build/host/ticketing
today=$(date -u +%F) identity=id:11010519491231002X
pin=--pin-file=$work/pin

# TALLY_SUITE=sm9: both operators with identities in place of certificates, each with a key centre of its own: the railway a
# group of three, the park one in its server's folder. Otherwise the railway has the P-256 suite and the park RSA.
case ${TALLY_SUITE:-} in
sm9) rail_suite=sm9 park_suite=sm9 rail_mode=sm9 park_mode=sm9 ;;
*) rail_suite=p256 park_suite=rsa rail_mode=p256 park_mode=rsa ;;
esac

# The first card, unless a call names another reader.
export TALLY_CARD_READER=0 TALLY_KIOSK_READER=0 TALLY_GATE_READER=0

card() { "$tools/tally-card" --trace "$work/trace" --wait 20 "$@"; }
kiosk() {
    "$tools/tally-kiosk" --trace "$work/trace" --wait 20 --ticketd "$(url ticketd)" --authd "$(url authd)" --party kiosk \
        --party-key "$work/kiosk.pem" --state "$work/kiosk" "$pin" "$@"
}
# gate KIT ...: one tap at the gate with this kit.
gate() {
    local kit=$work/$1
    shift
    "$tools/tally-gate" --trace "$work/trace" --wait 20 --kit "$kit" --state "$kit.state" --once "$@"
}
# Known beforehand, so that the railway's key centres can be asked for the cards' keys.
serials=(00000000000000A1 00000000000000A2)
# personalise SERVER READER OPERATORS
personalise() {
    card personalise --reader "$2" --serial "${serials[$2]}" --server "$(url "$1")" --party personaliser --party-key "$work/personaliser.pem" \
        --kit "$work/personaliser-kit" --operators "$3" "$pin"
}
url() { echo "http://127.0.0.1:$(cat "$work/$1.port")"; }
# call SERVER PARTY METHOD PATH [BODY]: a signed request. The stranger's server is an authentication server too.
call() {
    local server=$1 party=$2 tag=tally-${1/stranger/authd}
    shift 2
    "$build/host/service/tally-call" --url "$(url "$server")" --tag "$tag" --party "$party" --party-key "$work/$party.pem" "$@"
}
field() { grep -oE "\"$1\": ?\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4; }
# The ticket code of the card's ticket for this service.
tid_of() { card tickets --json --service "$1" "$pin" | field tid; }

# ---- Preparation: keys, parties, servers ---------------------------------------------------------------------------------

authd() { "$services/tally-authd" "$@"; }
centre() { "$services/tally-keycentre" "$@"; }

# start NAME PROGRAM ARGS...: a daemon on a port of the system's choice, known once it answers.
start() {
    local name=$1
    shift
    "$@" --database "$work/$name.db" --trusted-keys "$work/parties.json" --port-file "$work/$name.port" --log-level warn \
        >>"$work/$name.log" 2>&1 &
    daemons+=($!)
    echo $! >"$work/$name.pid"
    for _ in $(seq 600); do
        [ -s "$work/$name.port" ] && return 0
        kill -0 $! 2>/dev/null || break
        sleep 0.05
    done
    cat "$work/$name.log" >&2
    echo "demo: $name did not start" >&2
    exit 8
}

# Three key centres, none of which ever knows the railway's master keys. None knows another: the messages of the ceremony are
# carried by an administrator.
key_centres() {
    local i members='' pattern
    (umask 077 && head -c 24 /dev/urandom | base64 >"$work/kek")
    for i in 1 2 3; do
        members+=,$(centre init --threshold --database "$work/centre-$i.db" --kek-file "$work/kek" | sed -n 's/^signing_key //p')
        for pattern in authd:0001 'card:*' 'gate:0001:*:*'; do
            centre allow --database "$work/centre-$i.db" --party railway --pattern "$pattern"
        done
        start "centre-$i" "$services/tally-keycentre" serve --kek-file "$work/kek"
    done
    group "${members#,}" >"$work/group.json"
    for i in 1 2 3; do
        centre join --database "$work/centre-$i.db" --kek-file "$work/kek" --group "$work/group.json"
    done
    centre ceremony --group "$work/group.json" --party admin --party-key "$work/admin.pem"
    centre parameters --url "$(url centre-1),$(url centre-2),$(url centre-3)" --out "$work/parameters.json"
}
group() { # group SIGNING_KEYS: the group file
    local i=0 key separator=''
    echo '{"threshold": 2, "centres": ['
    for key in ${1//,/ }; do
        i=$((i + 1))
        echo "$separator{\"url\": \"$(url "centre-$i")\", \"signing_key\": \"$key\"}"
        separator=,
    done
    echo "], \"epochs\": {\"start\": $(($(date +%s) - 3600)), \"length\": 2592000, \"card_length\": 31536000, \"lead\": 604800}}"
}
# fetch_keys IDENTITY FILE: as the railway, from all three; what comes together is checked by pairing.
fetch_keys() {
    centre fetch --identity "$1" --parameters "$work/parameters.json" --party railway --party-key "$work/railway.pem" --out "$2"
}
fetch_card_keys() {
    local serial
    for serial in "${serials[@]}"; do
        fetch_keys "card:$serial:0" "$work/authd/operator-1/holders/card-$serial-0.sm9" || return
    done
}

# keys FOLDER [KEY1]: an issuer with two operators, a railway and a park.
keys() {
    authd init --keys "$work/$1" --database "$work/$1.db"
    authd add-operator --keys "$work/$1" --operator 1 --suite "$rail_suite" ${2:+--key1-file "$2"}
    authd add-operator --keys "$work/$1" --operator 2 --suite "$park_suite"
}

gate_kit() { # gate_kit KEYS OPERATOR GATE STATION NAME: the name is the folder and the gate's party
    authd gate-kit --keys "$work/$1" --database "$work/$1.db" --trusted-keys "$work/parties.json" --operator "$2" --gate "$3" --station "$4" \
        --party "$5" --url http://127.0.0.1:1 --out "$work/$5"
    mkdir -p "$work/$5.state"
}

prepare() {
    mkdir -p "$work/kiosk"
    chmod 700 "$work" "$work/kiosk"
    (umask 077 && echo 271828 >"$work/pin")
    for party in personaliser ticketing kiosk admin railway; do
        authd add-party --trusted-keys "$work/parties.json" --id $party --role ${party/railway/authd} --out "$work/$party.pem"
    done
    if [ "$rail_suite" = sm9 ]; then
        key_centres
        fetch_keys authd:0001:0 "$work/railway.sm9"
        keys authd "$work/railway.sm9"
        fetch_keys gate:0001:0000:0065:0 "$work/authd/operator-1/holders/gate-0001-0000-0065-0.sm9"
    else
        keys authd
    fi
    keys stranger
    authd personaliser-kit --keys "$work/authd" --out "$work/personaliser-kit"
    gate_kit authd 1 101 11 rail-gate
    gate_kit authd 2 201 21 park-gate
    gate_kit stranger 1 101 11 strangers-gate
    start authd "$services/tally-authd" serve --keys "$work/authd"
    start stranger "$services/tally-authd" serve --keys "$work/stranger"
    start ticketd "$services/tally-ticketd" serve --authd-url "$(url authd)" --party ticketing --party-key "$work/ticketing.pem"
    ready=yes
}

cleanup() {
    [ "$ready" ] || { cat "$work/prepare.log" >&2; echo "demo: the preparation failed" >&2; }
    [ ${#daemons[@]} -eq 0 ] || { kill "${daemons[@]}"; wait "${daemons[@]}"; } 2>/dev/null
    rm -rf "$work"
}

# ---- The story -------------------------------------------------------------------------------------------------------------

catalogue() {
    call ticketd admin PUT /v1/products/1/10 '{"name":"Single","profile":1,"price":5000,"currency":156,"max_entries":1,"max_temporary_exits":1,"exchangeable":true,"refundable":true,"holder_required":true,"zone_map":0}' &&
        call ticketd admin PUT /v1/products/2/20 '{"name":"Day in the park","profile":2,"price":8000,"currency":156,"max_entries":2,"max_temporary_exits":2,"exchangeable":true,"refundable":true,"holder_required":false,"zone_map":0}' &&
        call ticketd admin PUT "/v1/services/1/G1/$today" '{"minute":1439,"from":11,"to":12,"coaches":8,"seats_per_coach":40}' &&
        call ticketd admin PUT "/v1/services/1/G2/$today" '{"minute":1439,"from":11,"to":12,"coaches":8,"seats_per_coach":40}' &&
        call ticketd admin PUT "/v1/services/1/G3/$today" '{"minute":1439,"from":11,"to":12,"coaches":8,"seats_per_coach":40}' &&
        call ticketd admin PUT "/v1/services/2/PARK/$today" '{"minute":0,"from":21,"to":1,"coaches":50,"seats_per_coach":20}'
}

buy_rail() { kiosk buy --operator 1 --product 10 --service "$1" --date "$today" --holder "$identity"; }
buy_park() { kiosk buy --operator 2 --product 20 --service PARK --date "$today"; }

# The two commands of the tap whose trace was kept, sent again as they were.
replay_tap() { card -v apdu $(awk '/^A>> 80(88|DC)/ { print $2 }' "$work/entry.trace"); }

# Ciphertext 1 of a ticket that a server made, put to a card by whoever has it.
fetch_ciphertext() { call "$1" kiosk GET "/v1/tickets/$2/ciphertext" | field ciphertext >"$work/ciphertext"; }
load_on() { kiosk load --ciphertext "$work/ciphertext" --reader "$1"; }

# Anybody can encrypt to a card's identity: the stranger takes over the operator's public master key for encryption.
encrypt_as_the_operator() {
    local own=$work/stranger/operator-1/key1-v1.sm9 before
    before=$(call stranger admin GET /v1/operators/1)
    sed -i "s/^encrypt-master .*/$(grep ^encrypt-master "$work/authd/operator-1/key1-v1.sm9")/" "$own"
    kill -HUP "$(cat "$work/stranger.pid")"
    until [ "$(call stranger admin GET /v1/operators/1)" != "$before" ]; do :; done
}

# A stranger's authentication server, with keys of its own, makes a ticket for the card: it knows the card's public keys.
forge() {
    local serial face=$work/face.json tid
    serial=$(card info --json "$pin" | field serial)
    personalise stranger 0 ''
    call stranger personaliser POST "/v1/cards/$serial/operators/1/package" '{"action":"set"}'
    [ "$rail_suite" != sm9 ] || encrypt_as_the_operator
    tid=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
    cat >"$face" <<JSON
{"face":{"profile":1,"operator_id":1,"product":10,"tid":"$tid","serial":"$serial","issued":1700000000,"valid_from":1700000000,"valid_to":4000000000,
 "flags":0,"holder_document":0,"holder_hash":"00000000000000000000000000000000","service":"G1","service_date":"$today","service_minute":0,
 "from":11,"to":12,"coach":1,"seat":"1A","fare_class":1,"fare_type":1,"price":1,"currency":156,"max_entries":9,"max_temporary_exits":9,
 "point_of_sale":0,"zone_map":0}}
JSON
    call stranger ticketing POST /v1/tickets - <"$face"
    fetch_ciphertext stranger "$tid"
}

story() {
    chapter "Setting up"
    step 0 'PARK' "the servers learn what is for sale" catalogue
    if [ "$rail_suite" = sm9 ]; then
        step 0 'record' "three key centres, no master key in any, make cards' keys" fetch_card_keys
        step 1 'may not ask' "but not for another operator's server" fetch_keys authd:0002:0 "$work/other.sm9"
    fi
    step 0 'serial' "a card is personalised, two operators join" personalise authd 0 1,2
    step 0 'serial' "and a second card" personalise authd 1 1,2

    chapter "A railway ticket ($rail_suite) and a day in the park ($park_suite), on one card"
    step 0 'Bought' "railway ticket, bound to an identity card" buy_rail G1
    step 0 'Bought' "park ticket" buy_park
    step 0 'G1' "the card's tickets are read" card tickets "$pin"

    chapter "At the gates"
    local g1
    g1=$(tid_of G1)
    step 0 '^OPEN 0' "entry, identity card shown" gate rail-gate --event entry --show-document "$identity"
    cp "$work/trace" "$work/entry.trace"
    step 0 '^OPEN 0' "temporary exit" gate rail-gate --event temporary-exit
    step 0 '^OPEN 0' "re-entry" gate rail-gate --event re-entry
    step 0 '^OPEN 0' "clip, by an inspector with a key of its own ($rail_mode)" gate rail-gate --event clip --mode "$rail_mode"
    step 0 '^OPEN 0' "exit" gate rail-gate --event exit --station 12
    step 0 '^OPEN 0' "entry to the park" gate park-gate --event entry
    step 0 '^OPEN 0' "paper copy printed, the gate has a key of its own ($park_mode)" gate park-gate --event print --mode "$park_mode"

    chapter "What must not work"
    step 1 'has-exited' "entry once more" gate rail-gate --event entry
    step 0 '^6988' "the recorded entry is replayed" replay_tap
    step 1 'already-inside' "pass-back: in again while inside" gate park-gate --event entry
    step 0 'Bought' "(another railway ticket)" buy_rail G2
    fetch_ciphertext authd "$(tid_of G2)"
    step 6 '6988' "its ciphertext, copied to the second card" load_on 1
    step 1 '6A89' "and put to its own card again: once is enough" load_on 0
    step 1 'wrong-document' "another person's document" gate rail-gate --event entry --show-document passport:E1234567
    forge >"$work/forge.out" 2>&1
    step 6 '6988' "a ticket with a forged authentication code" load_on 0
    step 6 'not-authentic' "a stranger's gate wants to read" gate strangers-gate --event entry
    if [ "$rail_suite" = sm9 ]; then
        step 6 'not-authentic' "and names a gate whose key it does not have" gate strangers-gate --event entry --mode sm9
    else
        step 6 'gate-refused' "and shows a stranger's certificate" gate strangers-gate --event entry --mode p256
    fi

    chapter "Plans change"
    step 0 '.' "exchange: G2 for G3, in one step on the card" kiosk exchange --tid "$(tid_of G2)" --service G3 --holder "$identity"
    step 0 '.' "refund of G3" kiosk refund --tid "$(tid_of G3)"
    step 0 '^OPEN 0' "the used railway ticket is deleted" gate rail-gate --event delete --criterion "$g1"
    step 0 'PARK' "what is left" card tickets "$pin"
    step 0 'whole' "the gate's journal is whole" "$tools/tally-gate" verify-journal --kit "$work/rail-gate" --state "$work/rail-gate.state"

    printf '\n%s%d steps, %d not as they must be%s\n' "$bold" "$steps" "$wrong" "$plain"
    [ "$wrong" -eq 0 ]
}

if [ $# -ge 2 ]; then
    story
else
    daemons=() ready=
    trap cleanup EXIT
    trap 'exit 130' INT TERM
    set -e
    prepare >"$work/prepare.log" 2>&1
    echo "Keys, servers and gate kits are ready; starting pcscd with a virtual reader and two cards."
    "$tools/tally-vreader" --slots 2 --image "$work/card-1" --image2 "$work/card-2" \
        --admin-master "$work/authd/issuer/admin-master.key" -- "$0" "$build" "$work" 2>"$work/vreader.log"
fi
