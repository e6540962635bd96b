import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { EVENT_TYPES } from '../webhooks/event-types.ts'
import { ENDPOINTS } from './endpoints.ts'
import { ERROR_TEXTS } from './error-texts.ts'
import { ERRORS } from './errors.ts'
import { openApiDocument } from './openapi.ts'
import { codesOf, isIdempotent } from './openapi-operation.ts'

// biome-ignore lint/suspicious/noExplicitAny: a document is looked into by its keys.
const document: any = openApiDocument({
  endpoints: ENDPOINTS,
  publicUrl: 'https://ramp.example.com',
  version: '1.2.3',
})

const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true })
ajv.addSchema(document, 'document')

/** Checks a value against the schema at a place of the document, such as `/paths/~1api~1quote/get`. */
function assertFits(pointer: string, value: unknown, what: string): void {
  const validate = ajv.getSchema(`document#${encodeURI(pointer)}`)
  assert.ok(validate, `${what}: no schema at ${pointer}`)
  assert.ok(validate(value), `${what}: ${ajv.errorsText(validate.errors)}\n${JSON.stringify(value)}`)
}

const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')

describe('the OpenAPI document', () => {
  test('is valid by the official schema of OpenAPI 3.1', async () => {
    const result = await new Validator().validate(structuredClone(document))
    assert.deepEqual(result.errors ?? [], [])
    assert.equal(result.valid, true)
  })

  test('a broken document would be found', async () => {
    const broken = { ...structuredClone(document), paths: { 'api/quote': { get: { responses: [] } } } }
    assert.equal((await new Validator().validate(broken)).valid, false)
  })

  test('has every endpoint of the table once, and nothing else', () => {
    const inTable = ENDPOINTS.map(({ method, path }) => `${method} ${path}`)
    const inDocument = Object.entries<object>(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    assert.deepEqual(inDocument.sort(), inTable.sort())
    const ids = ENDPOINTS.map(({ name }) => name)
    assert.equal(new Set(ids).size, ids.length)
  })

  test('has every event type as a webhook', () => {
    assert.deepEqual(Object.keys(document.webhooks), Object.keys(EVENT_TYPES))
  })

  test('without endpoints of the sandbox says nothing of them', () => {
    const production = openApiDocument({
      endpoints: ENDPOINTS.filter(({ sandboxOnly }) => !sandboxOnly),
      publicUrl: 'https://ramp.example.com',
      version: '1.2.3',
    })
    assert.ok(!JSON.stringify(Object.keys(production.paths as object)).includes('sandbox'))
    assert.ok(!JSON.stringify(production.tags).includes('Sandbox'))
  })

  test('every reference leads somewhere', () => {
    const references = JSON.stringify(document).matchAll(/"\$ref":"#([^"]+)"/g)
    let count = 0
    for (const [, pointer = ''] of references) {
      let found = document
      for (const key of pointer.split('/').slice(1)) found = found?.[key]
      assert.ok(found, pointer)
      count += 1
    }
    assert.ok(count > 100)
  })
})

describe('each endpoint of the document', () => {
  for (const endpoint of ENDPOINTS) {
    const place = `/paths/${escaped(endpoint.path)}/${endpoint.method.toLowerCase()}`
    const operation = document.paths[endpoint.path][endpoint.method.toLowerCase()]

    test(`${endpoint.name}: its examples fit its schemas`, () => {
      const answer = operation.responses['200'].content['application/json'].example
      assertFits(`${place}/responses/200/content/application~1json/schema`, answer, 'answer')
      const { request } = endpoint.examples
      if (request === undefined) return
      if (endpoint.body) {
        assertFits(`${place}/requestBody/content/application~1json/schema`, request, 'request')
        const known = Object.keys((endpoint.body as { properties?: object }).properties ?? {})
        for (const field of Object.keys(request)) assert.ok(known.includes(field), `unknown field ${field}`)
        return
      }
      const required = operation.parameters.filter((parameter: { in: string; required: boolean }) => {
        return parameter.in === 'query' && parameter.required
      })
      for (const { name } of required) assert.ok(name in request, `${name} is missing in the example`)
      for (const [name, value] of Object.entries(request)) {
        const index = operation.parameters.findIndex((parameter: { name: string }) => parameter.name === name)
        assert.ok(index >= 0, `unknown parameter ${name}`)
        assertFits(`${place}/parameters/${index}/schema`, value, name)
      }
    })

    test(`${endpoint.name}: every code it can answer is under its true status`, () => {
      for (const code of codesOf(endpoint)) {
        const { description } = operation.responses[ERRORS[code]]
        assert.ok(description.includes(`\`${code}\``), code)
        assert.ok(ERROR_TEXTS[code])
      }
    })

    test(`${endpoint.name}: asks for the token and the headers that it takes`, () => {
      assert.deepEqual(operation.security, endpoint.audience === 'token' ? undefined : [])
      const references = operation.parameters.map((parameter: { $ref?: string }) =>
        parameter.$ref?.split('/').at(-1),
      )
      assert.equal(references.includes('IdempotencyKey'), isIdempotent(endpoint))
      assert.equal(references.includes('Page'), endpoint.audience === 'page')
    })
  }
})

describe('fields of the document', () => {
  test('an amount may be a number or text', () => {
    const place = '/paths/~1api~1createGuidedPayment/post/requestBody/content/application~1json/schema'
    const body = { user_id: 100001, coin_symbol: 'USDC', coin_chain: 'polygon' }
    assertFits(place, { ...body, fiat_amount: 150.5 }, 'number')
    assertFits(place, { ...body, fiat_amount: '150.50' }, 'text')
    const validate = ajv.getSchema(`document#${place}`)!
    assert.ok(!validate({ ...body, fiat_amount: true }))
    assert.ok(!validate({ ...body, fiat_amount: '1e3' }))
    assert.ok(!validate(body))
  })

  test('nothing of ours that other readers would not know is left', () => {
    const text = JSON.stringify(document)
    assert.ok(!text.includes('x-text'))
    for (const format of ['amount', 'customer-id', 'symbol', 'chain', 'text', 'web-address', 'country']) {
      assert.ok(!text.includes(`"format":"${format}"`), format)
    }
  })
})
