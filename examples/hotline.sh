#!/usr/bin/env bash
# Plays both sides of the hotline on the running local cloud (`make run`): asks for callbacks as a visitor, and works
# them as the staff, to each of their ends. Needs curl and python3. `API=…` and `MAILBOX=…` for other addresses.
set -euo pipefail

API=${API:-http://127.0.0.1:8300}
MAILBOX=${MAILBOX:-http://127.0.0.1:8302}
KEY=${STAFF_TEST_KEY:-local-staff-key}

# field NAME: that field of the JSON on standard input, `a.b` for one inside another
field() { python3 -c 'import json, sys
value = json.load(sys.stdin)
for name in sys.argv[1].split("."): value = value[int(name) if name.isdigit() else name]
print(value)' "$1"; }

call() { # METHOD PATH [JSON]: as the staff
  curl -sS -X "$1" "$API$2" -H "Authorization: Bearer $KEY" ${3:+-H 'Content-Type: application/json' -d "$3"}
}

is_stored() { # REFERENCE: whether the staff see it
  [ "$(call GET "/staff/callbacks/$1" | field status 2>/dev/null)" != 404 ]
}

ask() { # PHONE [FIELDS]: as a visitor; prints the reference, once it was taken in
  local reference
  reference=$(curl -sS --fail-with-body "$API/callbacks" -H 'Content-Type: application/json' \
    -d "{\"name\": \"Eva Muster\", \"phone\": \"$1\", \"consent\": \"callback-de-1\"${2:+, $2}}" | field reference)
  for _ in {1..100}; do
    is_stored "$reference" && break
    sleep 0.1
  done
  echo "$reference"
}

mailed() { # ADDRESS PATH: the token of the link to that path in the last mail to the address
  for _ in {1..100}; do
    curl -sS "$MAILBOX/messages" | python3 -c 'import json, re, sys
texts = [each["text"] for each in json.load(sys.stdin)["messages"] if sys.argv[1] in str(each["to"])]
found = [re.search(re.escape(sys.argv[2]) + r"\?token=([\w.~-]+)", text) for text in texts]
print(*[each[1] for each in found if each][:1])' "$1" "$2" | grep . && return
    sleep 0.1
  done
}

change() { # TOKEN ACTION: as a customer with a link; prints the status afterwards
  curl -sS "$API/callbacks/change?token=$1" -H 'Accept: application/json' -d "action=$2" | field status
}

act() { # REFERENCE ACTION [JSON]: prints the state afterwards
  call POST "/staff/callbacks/$1/$2" "${3:-}" | field state
}

expect() { # WHAT IS SHOULD-BE
  [ "$2" = "$3" ] || { echo "$1: $2, not $3" >&2; exit 1; }
  printf '  %-44s %s\n' "$1" "$2"
}

phone() { printf '0151 2%07d' $(( (RANDOM * 32768 + RANDOM) % 10000000 )); }

echo "reached"
reference=$(ask "$(phone)")
expect "claimed" "$(act "$reference" claim)" claimed
echo "  call $(call GET "/staff/callbacks/$reference" | field contact.display)"
expect "dialled" "$(act "$reference" dial)" claimed
expect "reached" "$(act "$reference" outcome '{"outcome": "reached", "note": "Beraten"}')" done

echo "not reached: comes up again"
reference=$(ask "$(phone)")
expect "claimed" "$(act "$reference" claim)" claimed
expect "dialled" "$(act "$reference" dial)" claimed
expect "busy" "$(act "$reference" outcome '{"outcome": "busy"}')" retry

echo "later: a time is agreed on"
reference=$(ask "$(phone)")
slot=$(curl -sS "$API/callbacks/slots?days=9" | python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin)["slots"][-1]))')
expect "claimed" "$(act "$reference" claim)" claimed
expect "agreed" "$(act "$reference" outcome "{\"outcome\": \"later\", \"window\": $slot}")" scheduled

echo "a wrong press is taken back"
reference=$(ask "$(phone)")
expect "claimed" "$(act "$reference" claim)" claimed
expect "reached, by mistake" "$(act "$reference" outcome '{"outcome": "reached"}')" done
expect "undone" "$(act "$reference" undo)" claimed
call POST "/staff/callbacks/$reference/comment" '{"text": "Besser nachmittags"}' >/dev/null
expect "commented" "$(call GET "/staff/callbacks/$reference" | field comments.0.text)" "Besser nachmittags"
expect "busy" "$(act "$reference" outcome '{"outcome": "busy"}')" retry

echo "asked for twice: a further wish, with a link of its own"
number=$(phone)
address="eva-$RANDOM$RANDOM@example.org"
reference=$(ask "$number")
further=$(ask "$number" "\"email\": \"$address\", \"note\": \"Silber\"")
expect "one request" "$(call GET "/staff/callbacks/$further" | field reference)" "$reference"
expect "wishes" "$(call GET "/staff/callbacks/$reference" | field wishes)" 2
token=$(mailed "$address" /callbacks/change)
expect "its calendar file" "$(curl -sS "$API/callbacks/calendar.ics?token=$token" | head -1 | tr -d '\r')" BEGIN:VCALENDAR
expect "cancelled by its customer" "$(change "$token" cancel)" cancelled
expect "wishes" "$(call GET "/staff/callbacks/$reference" | field wishes)" 1
expect "taken back" "$(change "$token" undo)" restored
expect "wishes" "$(call GET "/staff/callbacks/$reference" | field wishes)" 2

echo "not requested: the number is not called again for 90 days, unless a supervisor admits it"
number=$(phone)
reference=$(ask "$number")
expect "claimed" "$(act "$reference" claim)" claimed
expect "refused" "$(act "$reference" outcome '{"outcome": "refused"}')" refused
again=$(ask "$number")
expect "asked for again: held" "$(call GET "/staff/callbacks/$again" | field state)" held
expect "an agent may not admit it" "$(KEY=$KEY:agent call POST "/staff/callbacks/$again/admit" | field status)" 403
expect "admitted" "$(act "$again" admit)" open

echo "a mistyped number is corrected"
reference=$(ask "$(phone)")
number=$(phone)
expect "claimed" "$(act "$reference" claim)" claimed
expect "corrected" "$(act "$reference" number "{\"phone\": \"$number\"}")" claimed
expect "found by the right one" "$(call POST /staff/numbers "{\"phone\": \"$number\"}" | field live)" "$reference"

echo "taken down on the telephone"
taken=$(call POST /staff/callbacks "{\"name\": \"Eva Muster\", \"phone\": \"$(phone)\", \"consent\": \"callback-de-1\", \"consent_by\": \"telephone\"}")
expect "stored" "$(field state <<<"$taken")" open

echo "given back, and handed over"
reference=$(ask "$(phone)")
expect "claimed" "$(act "$reference" claim)" claimed
expect "released" "$(act "$reference" release)" open
expect "claimed" "$(act "$reference" claim)" claimed
expect "offered to Bea" "$(act "$reference" handover '{"to": "Bea"}')" claimed
expect "Bea has it" "$(KEY=$KEY:agent:Bea call POST "/staff/callbacks/$reference/claim" | field holder)" Bea

echo "the customer rings by themselves"
number=$(phone)
ask "$number" >/dev/null
expect "called in" "$(call POST /staff/callbacks/called-in "{\"phone\": \"$number\"}" | field state)" done
reference=$(ask "$(phone)")
expect "called in, by reference" "$(call POST /staff/callbacks/called-in "{\"reference\": \"$reference\"}" | field state)" done

echo "too late: somebody else has it"
reference=$(ask "$(phone)")
KEY=$KEY:agent:Bea call POST "/staff/callbacks/$reference/claim" >/dev/null
expect "claimed by" "$(call POST "/staff/callbacks/$reference/claim" | field holder)" Bea

echo "every end was reached"
