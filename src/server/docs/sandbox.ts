import { TEST_CARDS } from '../../providers/card/simulated/card-rules.ts'
import { CARD_TEXTS, MAGIC_VALUES } from '../../sandbox/overview.ts'
import { SANDBOX_INTEGRATIONS } from '../../sandbox/seed.ts'

/** How to live through everything without real money. */
export function sandboxText(api: string): string {
  const grouped = (number: string): string => number.replace(/(\d{4})(?=\d)/g, '$1 ')
  const cards = TEST_CARDS.map(({ number, does }) => `| \`${grouped(number)}\` | ${CARD_TEXTS[does]} |`)
  const magic = MAGIC_VALUES.map(({ value, where, does }) => `| \`${value}\` | ${where} | ${does} |`)
  const pairs = SANDBOX_INTEGRATIONS.map(({ apiKey, apiSecret }) => `| \`${apiKey}\` | \`${apiSecret}\` |`)
  return `
This is a sandbox: the same program with the outside world simulated. Coins move on local chains that you can look at,
and no money is real.

### Credentials

| \`api_key\` | \`api_secret\` |
|---|---|
${pairs.join('\n')}

### Test cards

Any expiry in the future and any code will do.

| Number | What happens |
|---|---|
${cards.join('\n')}

### Magic values

| Value | Where | What happens |
|---|---|---|
${magic.join('\n')}

Without a tag a verification is decided \`valid\` soon after the form is sent.

### Time

The platform’s clock can be moved forward. Quotes and payments expire, webhooks are tried again and transactions are
confirmed on the way, and the call answers when nothing is left to do. Tokens age with it.

\`\`\`sh A week later
curl "${api}/sandbox/clock" -H "auth: $TOKEN" -H 'content-type: application/json' -d '{"advance":"7d"}'
\`\`\`

### What can go wrong

Let a provider fail, hang, answer twice or late with [faults](#orderFaults). Without a fresh price a quote answers
\`price_unavailable\`:

\`\`\`sh No price for some seconds
curl "${api}/sandbox/faults" -H "auth: $TOKEN" -H 'content-type: application/json' \\
  -d '{"provider":"price","kind":"stale","count":5}'
\`\`\`
`
}
