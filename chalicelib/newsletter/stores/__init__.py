"""Where subscribers are kept, in the `contacts` table: `subscribers` (with their ledgers and what keeps
an erased address from coming back), `growth` (counters by day), `exports`, `wordings` of imports."""
