#!/usr/bin/env bash
# pledge.sh BUILD: a pledged contract's life, told by the real daemons, each a process of its own on loopback: platform, bank,
# provider, financing platform and two sellers. A loan, a channel with the bank's key, sales that repay before they deliver, the four
# outcomes of a sale, default and disposal through another seller, and at the end the auditor. Exit status 0: everything came out right.
set -uo pipefail

bold='' dim='' green='' red='' plain=''
if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'; fi
steps=0 wrong=0
declare -A process=()
build=$(cd "$1" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/tally-pledge-XXXXXX")
pledge=$build/host/pledge

chapter() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
tell() {
    steps=$((steps + 1))
    if [ "$1" -eq 0 ]; then
        printf '%s✔%s %-58s %s%s%s\n' "$green" "$plain" "$2" "$dim" "$3" "$plain"
    else
        wrong=$((wrong + 1))
        printf '%s✘ %s%s: %s\n' "$red" "$2" "$plain" "$3"
    fi
}
# until_so TITLE PATTERN COMMAND...: what the command says must match, at the latest after a thousand tries.
until_so() {
    local title=$1 pattern=$2 said='' i
    shift 2
    for ((i = 0; i < 1000; i++)); do
        said=$("$@" 2>&1)
        if grep -Eq -- "$pattern" <<<"$said"; then
            tell 0 "$title" "$(grep -Eo -m 1 -- "$pattern" <<<"$said" | head -n 1 | cut -c 1-90)"
            return 0
        fi
        sleep 0.1
    done
    tell 1 "$title" "never \"$pattern\" in: $(cut -c 1-600 <<<"$said")"
    return 1
}

declare -A daemon=([platform]=platformd [bank]=bankd [provider]=providerd [financing]=financed [seller-a]=sellerd [seller-b]=sellerd)
declare -A role=([platform]=platform [bank]=bank [provider]=provider [financing]=financing [seller-a]=seller [seller-b]=seller
    [clerk-1]=operator [clerk-2]=operator [park]=operator)
declare -A public=()
services=(platform bank provider financing seller-a seller-b)
people=(clerk-1 clerk-2 park)

# database NAME: the location in the file that TALLY_DATABASES names, with lines "NAME LOCATION"; else a file of SQLite.
database() {
    local location=''
    [ -n "${TALLY_DATABASES:-}" ] && location=$(sed -n "s/^$1 //p" "$TALLY_DATABASES")
    echo "${location:-$work/$1.db}"
}
url() { echo "http://127.0.0.1:$(cat "$work/$1.port")"; }
# call SERVICE PARTY METHOD PATH [BODY]
call() {
    local service=$1 party=$2
    shift 2
    "$build/host/service/tally-call" --url "$(url "$service")" --tag "tally-${daemon[$service]}" --party "$party" \
        --party-key "$work/$party.pem" "$@"
}
# say FROM TO KIND BODY: a signed message.
say() {
    "$pledge/tally-pledge" message --key "$work/$1.key" --from "$1" --to "$2" --kind "$3" <<<"$4" >"$work/message" &&
        call "$2" "$1" POST /v1/messages - <"$work/message"
}
said() {
    local title=$1 out
    shift
    out=$(say "$@" 2>&1)
    tell $? "$title" "$(tail -n 1 <<<"$out" | cut -c 1-100)"
}
records() { call "$1" admin GET "/v1/records/$2"; }
field() { grep -Eo "\"$1\": ?\"[^\"]*\"" | head -n 1 | sed 's/.*: *"\(.*\)"/\1/'; }
balance() { records bank account | grep -Eo "\{[^}]*\"$1\"[^}]*\}" | grep -Eo '"balance": ?-?[0-9]+' | grep -Eo -- '-?[0-9]+'; }

start() {
    local name=$1
    local port=0
    [ -f "$work/$name.port" ] && port=$(cat "$work/$name.port")
    "$pledge/tally-${daemon[$name]}" --port "$port" --port-file "$work/$name.port" --database "$(database "$name")" --trusted-keys "$work/trusted.json" \
        --party "$name" --party-key "$work/$name.pem" --message-key "$work/$name.key" --seed "$work/seed.key" --parties "$work/parties.json" \
        --retries 0,100ms,200ms,200ms,500ms,500ms,1s,1s,1s,2s,2s,2s,5s,5s,5s,5s --ask-ms 500 --ask-max-ms 2000 --pass-ms 100 \
        --issue-ms 45000 --hold-ms 3600000 2>>"$work/$name.log" &
    process[$name]=$!
}
parties() {
    local name list=()
    for name in "${services[@]}" "${people[@]}"; do
        local key="\"${public[$name]}\"" address=''
        [ "${role[$name]}" = seller ] && key=null
        [ -f "$work/$name.port" ] && address=$(url "$name")
        list+=("{\"name\": \"$name\", \"role\": \"${role[$name]}\", \"key\": $key, \"url\": \"$address\"}")
    done
    (IFS=,; echo "{\"parties\": [${list[*]}]}") >"$work/parties.json"
}
finish() {
    local pid
    for pid in "${process[@]}"; do kill "$pid" 2>/dev/null; done
    wait
    if [ "$wrong" -gt 0 ]; then tail -n 5 "$work"/*.log; fi
    rm -rf "$work"
}
trap finish EXIT

chapter "Six daemons"
for name in "${services[@]}" "${people[@]}"; do
    public[$name]=$("$pledge/tally-pledge" keygen --out "$work/$name.key") || exit 1
    "$pledge/tally-pledge" party --name "$name" --key "$work/$name.pem" --trusted-keys "$work/trusted.json" || exit 1
done
"$pledge/tally-pledge" keygen --out "$work/seed.key" >/dev/null
cp "$work/clerk-1.pem" "$work/shop2.pem"
for who in admin shop; do
    "$pledge/tally-pledge" party --name "$who" --role "$who" --key "$work/$who.pem" --trusted-keys "$work/trusted.json" || exit 1
done
for name in "${services[@]}"; do start "$name"; done
for name in "${services[@]}"; do until_so "tally-${daemon[$name]} for $name listens" '^[0-9]+$' cat "$work/$name.port" || exit 1; done
parties
for pid in "${process[@]}"; do kill -HUP "$pid"; done
for name in "${services[@]}"; do until_so "$name knows the others" '"(status|ready)": ?("ok"|"ready"|true)' call "$name" admin GET /readyz || exit 1; done

chapter "Financing [P6, P7]"
said "clerk opens the underwriter's prepay account" clerk-1 bank account '{"account": "prepay-a", "name": "Underwriter"}'
said "and the other channel's" clerk-1 bank account '{"account": "prepay-b", "name": "Channel"}'
said "400.00 come in on the first" clerk-1 bank deposit '{"reference": "in-1", "account": "prepay-a", "amount": 40000}'
said "1,000.00 on the second" clerk-1 bank deposit '{"reference": "in-2", "account": "prepay-b", "amount": 100000}'
digest=$(printf '%064d' 7)
said "the underwriter applies" seller-a financing application "{\"reference\": \"application-1\", \"borrower_name\": \"Underwriter\",
  \"borrower_document_type\": 1, \"borrower_document_number\": \"D-A\", \"counterparty_name\": \"Park\", \"counterparty_document_type\": 1,
  \"counterparty_document_number\": \"D-P\", \"contract\": \"contract-1\", \"terms\": [{\"type\": \"adult\", \"quantity\": 5,
  \"settlement_price\": 10000, \"suggested_price\": 12000, \"list_price\": 15000}, {\"type\": \"child\", \"quantity\": 8,
  \"settlement_price\": 6000, \"suggested_price\": 7000, \"list_price\": 8000}], \"total\": 80000, \"price_basis\": \"settlement\",
  \"payee_account\": \"park-1\", \"loan_account\": \"loan-a\", \"entrusted_account\": \"park-1\", \"entrusted_amount\": 30000,
  \"principal\": 60000, \"platform_fee\": 0, \"prepay_name\": \"Underwriter\", \"prepay\": \"prepay-a\", \"admission_digest\": \"$digest\",
  \"commitment_digest\": \"$digest\"}"
until_so "the project has a number" '"project": ?"F[^"]*"' records seller-a project_seen || exit 1
project=$(records seller-a project_seen | field project)
approve() { echo "{\"subject\": \"$1\", \"project\": \"$project\", \"channel\": \"${2:-}\", \"document_number\": \"${3:-}\", \"seller_key\": \"${4:-$(printf '%066d' 0)}\"}"; }
until_so "the bank has the request for the loan" "$project" records bank loan || exit 1
said "one clerk approves the loan" clerk-1 bank approve "$(approve loan)"
said "and once more: that is still one person" clerk-1 bank approve "$(approve loan)"
until_so "nothing is lent yet" '"state": ?2' records bank loan
said "a second clerk approves" clerk-2 bank approve "$(approve loan)"
until_so "the provider has allocated an issuing channel" '"channel": ?"C[^"]*"' records platform contract || exit 1
channel=$(records platform contract | field channel)
until_so "the bank's key is in the channel" '"state": ?2' records provider issuing_channel
said "the park confirms that it was paid" park provider payment-confirmed "{\"project\": \"$project\"}"
until_so "the channel is open" '"state": ?4' records provider issuing_channel

chapter "A seller's channel, and its re-encryption key [P2-P5]"
# enrol SELLER USCC NAME PREPAY DOCUMENT
enrol() {
    said "$1 registers" "$1" platform enterprise "{\"uscc\": \"$2\", \"name\": \"$3\", \"prepay\": \"$4\"}"
    said "$1 applies for the sales channel" "$1" platform channel-application "{\"underwriter_uscc\": \"91000000000000000A\",
      \"underwriter_name\": \"Underwriter\", \"counterparty_uscc\": \"91000000000000000P\", \"counterparty_name\": \"Park\",
      \"ticketing_system\": \"tickets\", \"channel\": \"$channel\", \"project\": \"$project\", \"document_type\": 1,
      \"document_number\": \"$5\", \"prepay\": \"$4\", \"types\": [{\"type\": \"adult\"}, {\"type\": \"child\"}]}"
    said "$1 gives its public key to the bank" "$1" bank key-submission \
        "{\"uscc\": \"$2\", \"name\": \"$3\", \"channel\": \"$channel\", \"project\": \"$project\"}"
    said "one clerk approves" clerk-1 bank approve "$(approve grant "$channel" '' "${public[$1]}")"
    said "another clerk approves: rk = ReKey(sk2, pk1)" clerk-2 bank approve "$(approve grant "$channel" '' "${public[$1]}")"
    until_so "the platform has pk1 -> rk for $1" "\"seller_key\": ?\"${public[$1]}\"" records platform delegation
}
enrol seller-a 91000000000000000A Underwriter prepay-a D-A

chapter "Sales: repay first, ticket after [P8-P15]"
# sell SELLER REFERENCE QUANTITY [TYPE]
sell() {
    call "$1" shop POST /v1/sales "{\"reference\": \"$2\", \"channel\": \"$channel\", \"type\": \"${4:-adult}\", \"price\": 18000, \"quantity\": $3}" >/dev/null
    tell $? "$1 sells $3 ${4:-adult} (reference $2)" ''
}
sale() { call "$1" shop GET "/v1/sales/$2"; }
sell seller-a sale-1 2
until_so "both tickets are there, in clear, with the seller" 'serial.*claim.*serial.*claim' sale seller-a sale-1
[ "$(balance P:prepay-a)" = -20000 ]; tell $? "two settlement prices were taken, no more" "prepay account: $(balance P:prepay-a)"
[ "$(balance L:$project)" = 40000 ]; tell $? "and repaid" "still owed: $(balance L:$project)"
records platform line >"$work/out"; grep -q claim "$work/out"; [ $? -eq 1 ]; tell $? "the platform has no ticket in clear" "$(wc -c <"$work/out") bytes of records"

chapter "The four outcomes [P12]"
money() { said "$2 come in on the prepay account" clerk-1 bank deposit "{\"reference\": \"$1\", \"account\": \"prepay-a\", \"amount\": $3}"; }
sell seller-a sale-2 2
until_so "4: both done - captured, re-encrypted, delivered" 'serial.*claim.*serial.*claim' sale seller-a sale-2
sell seller-a sale-3 1
until_so "2: the prepay account is empty, a ticket was there - failed" '"state": ?"failed"' sale seller-a sale-3
until_so "   and the ticket went back to the provider" '"state": ?4' records provider ticket
money in-3 100.00 10000
sell seller-a sale-4 1
until_so "   where it is sold again" 'serial.*claim' sale seller-a sale-4
sell seller-a sale-5 1
until_so "1: no money and sold out - failed" '"state": ?"failed"' sale seller-a sale-5
money in-4 100.00 10000
sell seller-a sale-6 1
until_so "3: paid, no ticket - the provider is asked again and again" '"state": ?5' records platform line
[ "$(balance H:prepay-a)" = -10000 ]; tell $? "   the money is held, not taken" "held: $(balance H:prepay-a)"

chapter "kill -9 in the middle of sales"
money in-5 300.00 30000
moment=0
for name in platform bank provider financing seller-a; do
    sell seller-a "killed-$name" 1 child
    for ((i = 0; i < moment; i++)); do records provider stock >/dev/null; done # each a little later in the sale
    moment=$((moment + 2))
    kill -9 "${process[$name]}"
    wait "${process[$name]}" 2>/dev/null
    start "$name"
    until_so "$name is killed and started again: the sale is finished" 'serial.*claim' sale seller-a "killed-$name"
done

chapter "What is refused"
# refused TITLE PATTERN COMMAND...: must fail with an answer that matches.
refused() {
    local title=$1 pattern=$2 out
    shift 2
    out=$("$@" 2>&1) && { tell 1 "$title" "taken: $out"; return; }
    grep -Eq -- "$pattern" <<<"$out"
    tell $? "$title" "$(grep -Eo '"(detail|title)": ?"[^"]*"' <<<"$out" | tail -n 1)"
}
# forge KEY CALLER FROM TO KIND BODY [SED]: signed with KEY, brought by CALLER, said to be FROM, changed by SED afterwards.
forge() {
    "$pledge/tally-pledge" message --key "$work/$1.key" --from "$3" --to "$4" --kind "$5" <<<"$6" | sed "${7:-}" >"$work/message"
    call "$4" "$2" POST /v1/messages - <"$work/message"
}
deposit='{"reference": "in-9", "account": "prepay-a", "amount": 100000}'
refused "a seller brings a message in the bank's name" 'not the message.s sender' \
    forge seller-a seller-a bank financing pay-result '{"redemption": "R1", "status": "captured"}'
refused "a clerk's instruction with another amount" 'signature does not verify' \
    forge clerk-1 clerk-1 clerk-1 bank deposit "$deposit" 's/100000/900000/'
refused "a clerk's name with another's key" 'sender, recipient or key' forge seller-a clerk-1 clerk-1 bank deposit "$deposit"
refused "a seller gives the bank's instructions" 'sender, recipient or key' forge seller-a seller-a seller-a bank deposit "$deposit"
order='{"reference": "x", "channel": "C-none", "type": "adult", "price": 1, "quantity": 1, "callback": "http://127.0.0.1:1/v1/messages"}'
refused "an order for a channel that is not the seller's" 'refused' forge seller-a seller-a seller-a platform order "$order"
refused "answers to be sent somewhere else" 'refused' \
    forge seller-a seller-a seller-a platform order "${order/C-none/$channel}"
refused "an instruction out of its limits" 'amount' \
    forge clerk-1 clerk-1 clerk-1 bank deposit "$deposit" 's/100000/-1/'
refused "a stranger" 'not known|unknown|status 401' call bank shop2 POST /v1/messages '{}'

chapter "Default and disposal [P16-P18]"
disposal() { echo "{\"project\": \"$project\", \"document_type\": 1, \"document_number\": \"$1\", \"prepay_name\": \"$2\", \"prepay\": \"$3\", \"amounts\": [{\"type\": \"child\", \"amount\": $4}]}"; }
said "a clerk orders disposal through the other channel" clerk-1 bank disposal-order "$(disposal D-B Channel prepay-b 4000)"
said "and a second disposal project, for a third" clerk-1 bank disposal-order "$(disposal D-C Third prepay-c 3500)"
said "another clerk approves the first" clerk-2 bank approve "$(approve disposal '' D-B)"
said "and the second" clerk-2 bank approve "$(approve disposal '' D-C)"
until_so "the project is in disposal" '"state": ?3' records financing project
enrol seller-b 91000000000000000B Channel prepay-b D-B
sell seller-b sale-1 2 child
until_so "the other channel has two of the same pledged tickets" 'serial.*claim.*serial.*claim' sale seller-b sale-1
[ "$(balance P:prepay-b)" = -92000 ]; tell $? "repaid at the disposal project's price from its own account" "prepay account: $(balance P:prepay-b)"
sell seller-a sale-8 1 child
until_so "the underwriter can redeem nothing any more" '"state": ?"failed"' sale seller-a sale-8
until_so "sale-6, for which no ticket was to be had, has failed" '"state": ?"failed"' sale seller-a sale-6
until_so "and its money is back" '^0$' balance H:prepay-a
said "everything is repaid: a clerk closes the project" clerk-1 bank close-order "{\"project\": \"$project\"}"
until_so "the project is closed" '"state": ?4' records financing project

chapter "The auditor"
audit() {
    "$pledge/tally-auditor" --platform "$(database platform)" --bank "$(database bank)" --provider "$(database provider)" \
        --financing "$(database financing)" "$@" "$(database seller-a)" "$(database seller-b)"
}
until_so "recomputes every ledger and finds nothing under way or wrong" '.* 0 findings' audit --final

printf '\n%d steps, %d wrong\n' "$steps" "$wrong"
printf 'tally-test: %d passed, %d failed\n' $((steps - wrong)) "$wrong"
[ "$wrong" -eq 0 ]
