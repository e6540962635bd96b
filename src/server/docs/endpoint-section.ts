import type { TSchema } from 'typebox'
import type { Endpoint } from '../endpoint.ts'
import { exampleAnswer, isIdempotent } from '../openapi-operation.ts'
import { type NamedSchemas, toOpenApi } from '../openapi-schema.ts'
import { isForIntegrators } from './content.ts'
import { curlOf } from './curl.ts'
import { fieldsOf, objectOf, renderFields } from './fields.ts'
import { codeBlock, escapeHtml, json } from './html.ts'
import { renderInline, renderMarkdown } from './markdown.ts'

export interface SectionOptions {
  baseUrl: string
  named: NamedSchemas
}

/** One endpoint: what it is for, a call that can be pasted, its fields, its answer, its errors. */
export function renderEndpoint(endpoint: Endpoint, options: SectionOptions): string {
  const { method, path, name, summary, description, audience } = endpoint
  const title = `<h3><a href="#${name}">${escapeHtml(summary)}</a></h3>`
  const route = `<p class="route"><b class="method ${method.toLowerCase()}">${method}</b> <code>${escapeHtml(path)}</code></p>`
  const text = [
    renderMarkdown(description),
    audience === 'page' ? '<p class="note">Called by the customer’s page alone.</p>' : '',
    fieldTable('Path', endpoint.params, options, true),
    fieldTable('Query', endpoint.query, options, true),
    fieldTable('Body', endpoint.body, options, true),
    answerTables(endpoint, options),
    errorList(endpoint),
  ]
  const top = `<article class="endpoint" id="${name}">${title}${route}`
  // What pages and providers send is theirs: nobody is to paste it.
  if (!isForIntegrators(endpoint)) return `${top}<div class="text">${text.join('\n')}</div></article>`
  const examples = examplesOf(endpoint).map(
    ({ suffix, request, answer }) =>
      `${codeBlock(curlOf(endpoint, options.baseUrl, request), 'sh', `Call${suffix}`)}
${codeBlock(json(exampleAnswer(endpoint, answer)), 'json', `Answer${suffix}`)}`,
  )
  return `${top}
<div class="columns"><div class="text">${text.join('\n')}</div><div class="examples">${examples.join('\n')}</div></div></article>`
}

/** Each call with its answer: one, or one for each form of the answer. */
function examplesOf({ examples, forms }: Endpoint) {
  const { request, answer } = examples
  if (!forms) return [{ suffix: '', request, answer }]
  return forms.map((form) => ({
    suffix: `: ${form.title}`,
    request: { ...request, ...form.request },
    answer: form.example,
  }))
}

function fieldTable(
  title: string,
  schema: TSchema | undefined,
  { named }: SectionOptions,
  requests: boolean,
): string {
  const fields = schema ? fieldsOf(toOpenApi(schema, named)) : []
  return fields.length === 0 ? '' : `<h4>${title}</h4>${renderFields(fields, { requests })}`
}

function answerTables(endpoint: Endpoint, options: SectionOptions): string {
  const { forms } = endpoint
  if (!forms) return answerTable(endpoint, options)
  return forms.map((form) => answerTable({ ...endpoint, ...form }, options, `, ${form.title}`)).join('\n')
}

function answerTable({ data, list, examples }: Endpoint, { named }: SectionOptions, form = ''): string {
  if (examples.answer === undefined) return ''
  const schema = toOpenApi(data, named)
  const object = objectOf(schema) ?? objectOf((schema.items ?? {}) as typeof schema)
  const title = `<h4>Answer: <code>data</code>${schema.type === 'array' ? ', a list' : ''}${escapeHtml(form)}</h4>`
  const page = list ? '<p>With <code>pagination</code> beside it: see <a href="#lists">lists</a>.</p>' : ''
  if (object) return `${title}<p>The <a href="#object-${object}">${object}</a> object.</p>${page}`
  const fields = fieldsOf(schema)
  if (fields.length > 0) return title + renderFields(fields, { requests: false }) + page
  return typeof schema.description === 'string'
    ? `${title}<p>${renderInline(schema.description)}</p>${page}`
    : page
}

function errorList(endpoint: Endpoint): string {
  const { errors } = endpoint
  const own = errors.map((code) => `<li><a href="#error-${code}"><code>${code}</code></a></li>`)
  const list = own.length === 0 ? '' : `<ul class="codes">${own.join('')}</ul>`
  const key = isIdempotent(endpoint) ? ' Takes <a href="#idempotency"><code>Idempotency-Key</code></a>.' : ''
  const others = own.length === 0 ? 'Only <a href="#error-codes">those of every call</a>.' : ''
  return `<h4>Errors</h4>${list}<p class="small">${others}${key}</p>`
}
