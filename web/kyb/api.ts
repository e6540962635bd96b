/** The calls behind the company's verification page. */
import type {
  CompanyDocumentKind,
  CompanyRequest,
  KybView,
  NumberCheckRequest,
  PersonPhotoKind,
  PersonRequest,
  PersonResult,
  SubmitRequest,
} from '../../src/hosted/kyb-wire.ts'
import type { IdentificationCheck } from '../../src/hosted/wire.ts'
import { call } from '../shared/call.ts'

export interface KybApi {
  token: string
  path(): string
  open(signal?: AbortSignal): Promise<KybView>
  unlock(password: string): Promise<KybView>
  saveCompany(data: CompanyRequest): Promise<KybView>
  checkNumber(body: NumberCheckRequest, signal: AbortSignal): Promise<IdentificationCheck>
  document(kind: CompanyDocumentKind, file: Blob): Promise<KybView>
  /** Adds a person without an id, else changes the one of it. */
  savePerson(id: string | null, data: PersonRequest): Promise<PersonResult>
  removePerson(id: string): Promise<KybView>
  photo(person: string, kind: PersonPhotoKind, picture: Blob): Promise<KybView>
  submit(body: SubmitRequest): Promise<KybView>
}

/** Minutes, not seconds: ten megabytes over a bad mobile line. */
const fileTimeoutMs = 300_000

export function kybApi(url: URL): KybApi {
  const token = /^\/kyb\/([^/]+)/.exec(url.pathname)?.[1] ?? ''
  const path = `/hosted/kyb/${token}`
  return {
    token,
    path: () => path,
    open: (signal) => call('GET', path, { signal }),
    unlock: (password) => call('POST', `${path}/open`, { body: { password } }),
    saveCompany: (data) => call('PUT', `${path}/company`, { body: data }),
    checkNumber: (body, signal) => call('POST', `${path}/identification/check`, { body, signal }),
    document: (kind, file) => {
      // Some devices don't know what kind a file is of; the server looks at its content anyway.
      const picture = file.type ? file : new Blob([file], { type: 'application/octet-stream' })
      return call('PUT', `${path}/documents/${kind}`, { picture, timeoutMs: fileTimeoutMs })
    },
    savePerson: (id, data) =>
      id === null
        ? call('POST', `${path}/people`, { body: data })
        : call('PUT', `${path}/people/${id}`, { body: data }),
    removePerson: (id) => call('POST', `${path}/people/${id}/remove`),
    photo: (person, kind, picture) =>
      call('PUT', `${path}/people/${person}/photos/${kind}`, { picture, timeoutMs: fileTimeoutMs }),
    submit: (body) => call('POST', `${path}/submit`, { body }),
  }
}
