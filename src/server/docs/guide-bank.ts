/** From money on the account to the payment that it is for. */
export function bankTransfers(api: string): string {
  return `
## Bank transfers

A transfer finds its payment by itself, by the \`concept\` that the payment’s \`bank_transfer\` names, else by the amount, the
payer’s name and account where only one payment fits. Money that is not what was asked goes by your policy: a little more or
less is taken, too little waits for the rest until the deadline and then goes back, too much is given back, and what comes late
or from somebody else waits for a person.

What comes without a trace of its payment waits on your account, for you to say whose it is. Your accounts, and what waits:

\`\`\`sh banking/accounts
IBAN=$(curl -s "${api}/banking/accounts" -H "auth: $TOKEN" | grep -o '"iban":"[^"]*' | head -n 1 | cut -d'"' -f4); echo "$IBAN"
\`\`\`

\`\`\`sh banking/accounts/transactions
curl "${api}/banking/accounts/$IBAN/transactions?direction=credit&reconciled=false" -H "auth: $TOKEN"
\`\`\`

\`match.suggestions\` names the payments that it may be for, with a score and the reasons. Say which it is with
[reconcile](#reconcilePayment): it goes on as if it had been found by itself. A sum other than the one asked is refused with
\`amount_mismatch\` and the \`difference\`, until you send \`accept_difference\`; one transaction goes to several payments by
\`amount\`. Said by mistake, the operator can take it back until the coins are sent.
`
}
