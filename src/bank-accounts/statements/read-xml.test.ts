import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inPieces } from '../../../test/support/statement-reading.ts'
import { encodingOfXml, readXml, type XmlElement } from './read-xml.ts'
import { StatementError } from './statement.ts'

const IN_PARTS = new Set(['Stmt', 'Ntry'])

async function elementsOf(content: string): Promise<{ element: XmlElement; size: number }[]> {
  const found: { element: XmlElement; size: number }[] = []
  const file = Buffer.from(`<Document xmlns="urn:m"><Stmt>${content}</Stmt></Document>`)
  for await (const pieces of readXml(inPieces(file), 'Document', IN_PARTS)) {
    for (const piece of pieces) if (piece.kind === 'element') found.push(piece)
  }
  return found
}

async function refusalOf(content: string): Promise<string> {
  try {
    await elementsOf(content)
  } catch (error) {
    assert.ok(error instanceof StatementError, String(error))
    return `${error.code} at ${error.place.column}: ${error.text}`
  }
  return assert.fail('It was read.')
}

test('names and attributes count for the size of an element', async () => {
  const attributes = `a="${'x'.repeat(50_000)}"`
  const [large] = await elementsOf(`<A><B ${attributes}/><B ${attributes}/></A>`)
  assert.ok(large!.size > 100_000)
  assert.match(
    await refusalOf(`<A>${`<B ${attributes}/>`.repeat(6)}</A>`),
    /^xml at 31: A holds more than any/,
  )
  const name = 'N'.repeat(50_000)
  assert.match(await refusalOf(`<A>${`<${name}/>`.repeat(6)}</A>`), /^xml at 31: A holds more than any/)
  const many = Array.from({ length: 3_000 }, (_, number) => `a${number}=""`).join(' ')
  assert.match(await refusalOf(`<A ${many}/>`), /^xml at 31: A holds more than any/)
})

test('an element that is meant to be read and has another namespace is refused', async () => {
  assert.match(await refusalOf('<Ntry xmlns=""><Amt/></Ntry>'), /^xml at 31: Ntry is not in the namespace/)
  assert.match(await refusalOf('<x:Ntry xmlns:x="urn:x"/>'), /^xml at 31: Ntry is not in the namespace/)
  assert.match(await refusalOf('<Ntry><T><R xmlns=""/></T></Ntry>'), /^xml at 40: R is not in the namespace/)
})

test('extensions are left out, whatever they hold', async () => {
  const extension = '<x:Any xmlns:x="urn:x"><Ntry xmlns=""/><x:Stmt/></x:Any>'
  const envelope = '<More><Envlp><Ntry xmlns=""/><Ntry xmlns="urn:x"/></Envlp></More>'
  const [more, ...others] = await elementsOf(extension + envelope)
  assert.deepEqual([more!.element.name, others.length], ['More', 0])
  assert.deepEqual(more!.element.children[0]!.children, [])
})

test('names of encodings as programs write them', () => {
  const of = (name: string) => encodingOfXml(Buffer.from(`<?xml version="1.0" encoding="${name}"?><a/>`))
  for (const name of ['ISO-8859-1', 'ISO8859-1', 'iso_8859-1', 'Latin1', 'Windows-1252']) {
    assert.equal(of(name), 'windows-1252', name)
  }
  for (const name of ['UTF-8', 'utf8', 'ASCII', 'US-ASCII']) assert.equal(of(name), 'utf-8', name)
  for (const name of ['ISO-8859-15', 'ISO8859-15']) assert.equal(of(name), 'iso-8859-15', name)
  assert.throws(() => of('KOI8-R'), StatementError)
})
