import { defineOpenApi } from '../openapi-schema.ts'
import { SECTIONS } from '../sections.ts'
import { type DocsOptions, isForIntegrators, type Page, type Section } from './content.ts'
import { renderEndpoint } from './endpoint-section.ts'
import { fieldsOf, renderFields } from './fields.ts'
import { codeBlock } from './html.ts'
import { renderInline, renderMarkdown } from './markdown.ts'

/** Every call of an integrator's program, from the table that the program itself is made of. */
export function referencePage(options: DocsOptions): Page {
  return {
    path: '/docs/reference',
    name: 'API reference',
    title: 'API reference',
    lead: 'Every call with its fields, its answer and its errors. The examples are what the program answers: a test makes each call as it stands here and compares.',
    sections: [callingSection(options), ...endpointSections(options, true), objectsSection(options)],
  }
}

/** What only our own pages and the providers call. */
export function innerPage(options: DocsOptions): Page {
  return {
    path: '/docs/pages',
    name: 'Pages and providers',
    title: 'Pages and providers',
    lead: 'What the customer’s pages call and where providers tell us what happened. Nothing here is for your program, and it changes without notice.',
    sections: endpointSections(options, false),
  }
}

const OWN_VARIABLES = [
  'TOKEN=…        # of authenticate',
  'USER_ID=…      # of registerUser',
  'PAYMENT_ID=…   # of createGuidedPayment or createPayment',
  'RAMPOFF_ID=…   # of createRampoff',
  'IBAN=…         # of banking/accounts',
  'TRANSACTION_ID=…   # of the account’s transactions',
  'EVENT_ID=…     # of a webhook, or of webhooks/events',
  'AFTER=…        # the last `sequence` that you have worked off, 0 at first',
  'DOCUMENT_FRONT=…  DOCUMENT_BACK=…  FACE_IMAGE=…   # public addresses of pictures, data-URIs or base64',
].join('\n')

/** After the guide `TOKEN`, `USER_ID`, `PAYMENT_ID`, `RAMPOFF_ID` and `IBAN` are there, and something has happened. */
const sandboxVariables = (api: string): string =>
  [
    '# TOKEN, USER_ID, PAYMENT_ID, RAMPOFF_ID and IBAN are there after the guide.',
    'AFTER=0   # the last `sequence` that you have worked off',
    `EVENT_ID=$(curl -s "${api}/webhooks/events?after=0" -H "auth: $TOKEN" | grep -o '"id":"evt_[^"]*' | head -1 | cut -d'"' -f4); echo "$EVENT_ID"`,
    '# The money that the guide sent is on the account some seconds later.',
    'for try in 1 2 3 4 5 6 7 8 9 10; do',
    `  TRANSACTION_ID=$(curl -s "${api}/banking/accounts/$IBAN/transactions" -H "auth: $TOKEN" | grep -o '"id":"[^"]*' | head -1 | cut -d'"' -f4)`,
    '  [ -n "$TRANSACTION_ID" ] && break; sleep 2',
    'done; echo "$TRANSACTION_ID"',
    '# Pictures: public addresses, data-URIs or base64. This one is too small to be read, so the verification fails.',
    `DOCUMENT_FRONT="${ONE_PIXEL}"`,
    'DOCUMENT_BACK="$DOCUMENT_FRONT" FACE_IMAGE="$DOCUMENT_FRONT"',
  ].join('\n')

const ONE_PIXEL =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

function callingSection({ publicUrl, sandbox }: DocsOptions): Section {
  const variables = sandbox ? sandboxVariables(`${publicUrl}/api`) : OWN_VARIABLES
  return {
    id: 'calling',
    title: 'Before you call',
    html: `${renderMarkdown(
      `The base address is \`${publicUrl}/api\`. Every call but [authenticate](#authenticate) carries the token in the header \`auth\`, without \`Bearer\`. The examples can be pasted into a shell that knows these variables${sandbox ? ', which the guide’s calls and these give it' : ''}:`,
    )}
${codeBlock(variables, 'sh', 'Shell variables')}
${renderMarkdown(
  'What holds for every call stands once, in the [conventions](#calls): envelopes, `Prefer: http-status`, `Idempotency-Key`, lists, money and times. The same reference for machines: [openapi.json](/openapi.json).',
)}`,
  }
}

function endpointSections({ endpoints, named, publicUrl }: DocsOptions, forIntegrators: boolean): Section[] {
  return SECTIONS.flatMap(({ section, name, description }) => {
    const own = endpoints.filter(
      (endpoint) => endpoint.section === section && isForIntegrators(endpoint) === forIntegrators,
    )
    if (own.length === 0) return []
    const articles = own.map((endpoint) => renderEndpoint(endpoint, { baseUrl: publicUrl, named }))
    return {
      id: `api-${section}`,
      title: name,
      html: `<p>${renderInline(description)}</p>\n${articles.join('\n')}`,
      entries: own.map((endpoint) => ({ id: endpoint.name, title: endpoint.path.replace(/^\/api\//, '') })),
    }
  })
}

function objectsSection({ named }: DocsOptions): Section {
  const objects = [...named].map(([schema, name]) => {
    const fields = renderFields(fieldsOf(defineOpenApi(schema, named)), { requests: false })
    return `<article id="object-${name}"><h3><a href="#object-${name}">${name}</a></h3>${fields}</article>`
  })
  return {
    id: 'objects',
    title: 'Objects',
    html: objects.join('\n'),
    entries: [...named.values()].map((name) => ({ id: `object-${name}`, title: name })),
  }
}
