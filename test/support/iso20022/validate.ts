import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { validateXML } from 'xmllint-wasm'

export type Iso20022Schema = 'pain.001.001.03' | 'pain.001.001.09' | 'pain.002.001.10'

/** What is wrong with each of some files by the schema of ISO 20022; nothing when all are right. */
export async function findSchemaFaults(name: Iso20022Schema, files: readonly string[]): Promise<string[]> {
  const schema = readFileSync(join(import.meta.dirname, `${name}.xsd`), 'utf8')
  const { valid, errors } = await validateXML({
    xml: files.map((contents, index) => ({ fileName: `${index}.xml`, contents })),
    schema: [schema],
  })
  const faults = errors.map(({ rawMessage }) => rawMessage)
  return valid ? [] : faults.length > 0 ? faults : ['It is not valid, and nothing says why.']
}
