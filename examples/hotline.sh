#!/usr/bin/env bash
# Plays both sides of the hotline on the running local cloud (`make run`): asks for callbacks as a visitor, and works
# them as the staff, to each of their ends. Needs curl and python3. `API=…` for another address.
set -euo pipefail

API=${API:-http://127.0.0.1:8300}
KEY=${STAFF_TEST_KEY:-local-staff-key}

# field NAME: that field of the JSON on standard input, `a.b` for one inside another
field() { python3 -c 'import json, sys
value = json.load(sys.stdin)
for name in sys.argv[1].split("."): value = value[name]
print(value)' "$1"; }

call() { # METHOD PATH [JSON]: as the staff
  curl -sS -X "$1" "$API$2" -H "Authorization: Bearer $KEY" ${3:+-H 'Content-Type: application/json' -d "$3"}
}

ask() { # PHONE: as a visitor; prints the reference
  curl -sS --fail-with-body "$API/callbacks" -H 'Content-Type: application/json' \
    -d "{\"name\": \"Eva Muster\", \"phone\": \"$1\", \"consent\": \"callback-de-1\"}" | field reference
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

echo "not requested: the number is not called again for 90 days"
number=$(phone)
reference=$(ask "$number")
expect "claimed" "$(act "$reference" claim)" claimed
expect "refused" "$(act "$reference" outcome '{"outcome": "refused"}')" refused
expect "asked for again: answered alike, not kept" "$(call GET "/staff/callbacks/$(ask "$number")" | field status)" 404

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

echo "too late: somebody else has it"
reference=$(ask "$(phone)")
KEY=$KEY:agent:Bea call POST "/staff/callbacks/$reference/claim" >/dev/null
expect "claimed by" "$(call POST "/staff/callbacks/$reference/claim" | field holder)" Bea

echo "every end was reached"
